import { writeFits, type Plane } from '../../pipeline/images/fits.ts'
import { readOut, withoutOverscan, type Chip } from './detector.ts'
import { isoTai, type DetectorPlan, type NightPlan } from './plan.ts'
import { randomOf } from './random.ts'

export const CALIBRATION_FRAMES = 10
/** e⁻ per pixel of one flat frame: high, and far from saturation. */
const FLAT_LIGHT = 30_000

export interface Calibrations {
  /** ADU, the bias level taken off by each row's overscan. */
  readonly bias: Plane
  /** Response of the pixels, mean 1; gains are not in it. */
  readonly flat: Plane
}

/** Means of ten frames each, really read out one by one, so that their noise is what ten frames have. */
export function makeCalibrations({ options }: NightPlan, detector: DetectorPlan, chip: Chip): Calibrations {
  const random = randomOf(options.seed, 'calibrations', detector.id)
  const { size } = options
  const dark = { width: size, height: size, data: new Float32Array(size * size) }
  const bright = { ...dark, data: chip.response.data.map(response => FLAT_LIGHT * response) }
  const bias = meanOf(() => withoutOverscan(chip, readOut(chip, dark, random)))
  const lit = meanOf(() => withoutOverscan(chip, readOut(chip, bright, random)))
  return { bias, flat: normalised(chip, lit, bias) }
}

function meanOf(take: () => Plane): Plane {
  const mean = take()
  for (let n = 1; n < CALIBRATION_FRAMES; n++) {
    const { data } = take()
    for (let i = 0; i < data.length; i++) mean.data[i]! += data[i]!
  }
  for (let i = 0; i < mean.data.length; i++) mean.data[i]! /= CALIBRATION_FRAMES
  return mean
}

/** (lit − bias) · gain, divided by its mean. */
function normalised(chip: Chip, lit: Plane, bias: Plane): Plane {
  const data = new Float32Array(lit.data.length)
  let sum = 0
  for (const { x0, x1, gain } of chip.amplifiers)
    for (let y = 0; y < chip.size; y++)
      for (let i = y * chip.size + x0; i < y * chip.size + x1; i++)
        sum += data[i] = (lit.data[i]! - bias.data[i]!) * gain
  const mean = sum / data.length
  return { ...lit, data: data.map(electrons => electrons / mean) }
}

const cardsOf = ({ instrument, options }: NightPlan, detector: DetectorPlan) => ({
  INSTRUME: instrument.name,
  DETECTOR: detector.id,
  CALIBDAT: isoTai(options.start).slice(0, 10),
  NFRAMES: CALIBRATION_FRAMES,
})

export const biasFits = (plan: NightPlan, detector: DetectorPlan, { bias }: Calibrations): Uint8Array =>
  writeFits([{ header: { ...cardsOf(plan, detector), IMGTYPE: 'BIAS', BUNIT: 'adu' }, image: bias }])

export const flatFits = (plan: NightPlan, detector: DetectorPlan, { flat }: Calibrations): Uint8Array =>
  writeFits([{ header: { ...cardsOf(plan, detector), IMGTYPE: 'FLAT', FILTER: plan.filter }, image: flat }])
