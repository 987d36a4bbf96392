import type { Plane } from '../../pipeline/images/fits.ts'
import { randomOf, type Random } from './random.ts'

/** One stripe of the chip with its own output: columns [x0, x1) of the assembled image. */
export interface Amplifier {
  readonly name: string
  readonly x0: number
  readonly x1: number
  /** e⁻ per ADU. */
  readonly gain: number
  /** e⁻. */
  readonly readNoise: number
  /** ADU, before any structure. */
  readonly bias: number
}

/** A chip with its lasting peculiarities: what bias and flat frames are taken to measure. */
export interface Chip {
  readonly size: number
  readonly amplifiers: readonly Amplifier[]
  /** What every readout adds to the bias level, ADU. */
  readonly biasStructure: Plane
  /** Vignetting times pixel response; its mean is 1. */
  readonly response: Plane
}

/** Raw pixels of one amplifier, ADU: the image columns, then the overscan columns of every row. */
export type AmplifierRaw = Plane<Uint16Array>

export const OVERSCAN_COLUMNS = 64
/** Where the converter ends, ADU; a raw pixel at this value is saturated. */
export const SATURATION_ADU = 60_000
const AMPLIFIERS = 4

/** The chip of a seed, four amplifiers side by side; `size` must be a multiple of 4. */
export function chipOf(seed: number, instrument: string, detector: number, size: number): Chip {
  const random = randomOf(seed, 'chip', instrument, detector)
  const between = (low: number, high: number) => low + (high - low) * random.uniform()
  const stripe = size / AMPLIFIERS
  const amplifiers = Array.from({ length: AMPLIFIERS }, (_, i) => ({
    name: `Segment0${i}`,
    x0: i * stripe,
    x1: (i + 1) * stripe,
    gain: between(1, 1.7),
    readNoise: between(5, 9),
    bias: between(900, 1300),
  }))
  return { size, amplifiers, biasStructure: biasStructureOf(size, random), response: responseOf(size, random) }
}

/** A ramp along the rows, columns that differ by half an ADU, and a glow from one corner. */
function biasStructureOf(size: number, random: Random): Plane {
  const data = new Float32Array(size * size)
  const columns = Float32Array.from({ length: size }, () => 0.5 * random.normal())
  const ramp = 6 * random.normal()
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const glow = 12 * Math.exp(-(x + y) / (0.08 * size))
      data[y * size + x] = (ramp * y) / size + columns[x]! + glow
    }
  return { width: size, height: size, data }
}

/** The light falls by 8 % to the corners, around a centre near the chip's; pixels differ by 0.5 %. */
function responseOf(size: number, random: Random): Plane {
  const data = new Float32Array(size * size)
  const x0 = size * (0.5 + 0.1 * random.normal())
  const y0 = size * (0.5 + 0.1 * random.normal())
  let sum = 0
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const fall = (0.08 * ((x - x0) ** 2 + (y - y0) ** 2)) / (0.5 * size * size)
      const value = (1 - fall) * (1 + 0.005 * random.normal())
      data[y * size + x] = value
      sum += value
    }
  const mean = sum / data.length
  for (let i = 0; i < data.length; i++) data[i]! /= mean
  return { width: size, height: size, data }
}

/**
 * Exposes and reads the chip: photons become electrons (Poisson), electrons ADU. `light`: expected e⁻ per pixel, response included.
 * The bias level drifts slowly from row to row, a few ADU and anew in each readout; the overscan columns see the drift, not the light.
 */
export function readOut(chip: Chip, light: Plane, random: Random): AmplifierRaw[] {
  return chip.amplifiers.map(amplifier => {
    const columns = amplifier.x1 - amplifier.x0
    const width = columns + OVERSCAN_COLUMNS
    const data = new Uint16Array(width * chip.size)
    const noise = amplifier.readNoise / amplifier.gain
    const drift = driftOf(chip.size, random)
    for (let y = 0; y < chip.size; y++) {
      const level = amplifier.bias + drift[y]!
      const from = y * chip.size + amplifier.x0
      const to = y * width
      for (let x = 0; x < columns; x++) {
        const electrons = random.poisson(light.data[from + x]!)
        const signal = electrons / amplifier.gain + chip.biasStructure.data[from + x]!
        data[to + x] = digitised(level + signal + noise * random.normal())
      }
      for (let x = columns; x < width; x++) data[to + x] = digitised(level + noise * random.normal())
    }
    return { width, height: chip.size, data }
  })
}

const digitised = (adu: number) => Math.min(SATURATION_ADU, Math.max(0, Math.round(adu)))

/** A walk that forgets over some 200 rows and stays within a few ADU. */
function driftOf(rows: number, random: Random): Float32Array {
  const drift = new Float32Array(rows)
  let level = 2 * random.normal()
  for (let y = 0; y < rows; y++) {
    level = 0.995 * level + 0.2 * random.normal()
    drift[y] = level
  }
  return drift
}

/** The assembled image in ADU without its bias level: from each row the mean of its own overscan is taken off. */
export function withoutOverscan(chip: Chip, raws: readonly AmplifierRaw[]): Plane {
  const data = new Float32Array(chip.size * chip.size)
  for (const [i, { width, data: raw }] of raws.entries()) {
    const { x0, x1 } = chip.amplifiers[i]!
    const columns = x1 - x0
    for (let y = 0; y < chip.size; y++) {
      let level = 0
      for (let x = columns; x < width; x++) level += raw[y * width + x]!
      level /= width - columns
      for (let x = 0; x < columns; x++) data[y * chip.size + x0 + x] = raw[y * width + x]! - level
    }
  }
  return { width: chip.size, height: chip.size, data }
}
