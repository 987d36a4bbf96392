import type { Plane } from '../../pipeline/images/fits.ts'
import { detectorWcs, pixelOfSky, type SkyPoint, type TanWcs } from '../../topology/camera.ts'
import type { Instant } from '../../topology/model/time.ts'
import { middleOf, placeAt } from './bodies.ts'
import { chipOf, readOut, type AmplifierRaw, type Chip } from './detector.ts'
import type { Changing } from './field.ts'
import type { DetectorPlan, NightPlan, VisitPlan } from './plan.ts'
import { addSource, profileOf, type Psf } from './psf.ts'
import { randomOf } from './random.ts'
import { TEMPLATE_EXPOSURES } from './template.ts'

/** A source that a perfect difference image of one visit-detector would show. */
export interface Injected extends SkyPoint {
  readonly id: string
  readonly kind: Changing['kind'] | 'body'
  /** Pixel of the assembled image, counted from 1. */
  readonly x: number
  readonly y: number
  /** nJy above the template, signed. */
  readonly flux: number
  /** Signed: flux over the error of the best PSF fit, from true PSF and true variance, the template's share included. */
  readonly snr: number
  /** Nothing else within 2 FWHM, no saturated star near, and at least 16 pixels inside the chip. */
  readonly isolated: boolean
}

export interface RenderedExposure {
  readonly raws: readonly AmplifierRaw[]
  readonly injected: readonly Injected[]
}

/** Where the chip really looked in this visit; the header's WCS is off by `visit.wcsError`. */
export const trueWcs = (detector: DetectorPlan, visit: VisitPlan): TanWcs =>
  detectorWcs(detector.geometry, visit.actual)

export const psfOf = (plan: NightPlan, { conditions }: VisitPlan): Psf => ({
  fwhm: conditions.fwhm / plan.pixelScale,
  e1: conditions.e1,
  e2: conditions.e2,
})

/** The chip of a detector, the same all night and in its calibrations. */
export const chipOfDetector = ({ options }: NightPlan, detector: DetectorPlan): Chip =>
  chipOf(options.seed, options.instrument, detector.id, options.size)

/** One exposure of one detector, in ADU as the camera would send it, and what was injected. About a second for 2048². */
export function renderExposure(
  plan: NightPlan,
  visit: VisitPlan,
  detector: DetectorPlan,
  snap: number,
  chip: Chip,
): RenderedExposure {
  const exposure = visit.exposures.find(it => it.snap === snap)
  const middle = exposure && (exposure.opensAt + exposure.closesAt) / 2
  const light = expectedLight(plan, visit, detector, chip, middle)
  const random = randomOf(plan.options.seed, 'exposure', visit.index, detector.id, snap)
  return { raws: readOut(chip, light, random), injected: injectedIn(plan, visit, detector, chip, light) }
}

/** Expected e⁻ per pixel: sky, stars, what changes, and what moves as it is at a moment, times the chip's response. */
export function expectedLight(
  plan: NightPlan,
  visit: VisitPlan,
  detector: DetectorPlan,
  chip: Chip,
  at: Instant = middleOf(visit),
): Plane {
  const { size } = plan.options
  const { sky, skyGradient, throughput } = visit.conditions
  const image = { width: size, height: size, data: new Float32Array(size * size) }
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      image.data[y * size + x] = sky * (1 + skyGradient[0] * (x / size - 0.5) + skyGradient[1] * (y / size - 0.5))
  const wcs = trueWcs(detector, visit)
  const psf = psfOf(plan, visit)
  const add = (source: SkyPoint, flux: number) => {
    const at = pixelOfSky(wcs, source)
    if (at && flux !== 0) addSource(image, psf, at.x - 1, at.y - 1, flux * throughput)
  }
  for (const star of detector.field.stars) add(star, star.flux)
  for (const changing of detector.field.changing) add(changing, changing.fluxes[visit.index]!)
  for (const body of plan.bodies) add(placeAt(plan, body, at), body.flux)
  for (let i = 0; i < image.data.length; i++) image.data[i]! *= chip.response.data[i]!
  return image
}

const EDGE = 16
/** A saturated star spoils its surroundings this far, in FWHM. */
const SPOILED_FWHM = 10

function injectedIn(plan: NightPlan, visit: VisitPlan, detector: DetectorPlan, chip: Chip, light: Plane): Injected[] {
  const { size } = plan.options
  const wcs = trueWcs(detector, visit)
  const psf = psfOf(plan, visit)
  const { stars, changing } = detector.field
  const starsAt = stars.map(star => ({ ...pixelOfSky(wcs, star)!, saturated: saturates(star.flux, visit, psf, chip) }))
  const shown = [
    ...changing.map(source => ({ ...source, flux: source.fluxes[visit.index]! })),
    ...bodiesIn(plan, visit),
  ]
    .map(source => ({ source, flux: source.flux, at: pixelOfSky(wcs, source)! }))
    .filter(({ flux, at }) => flux !== 0 && at.x > 0.5 && at.y > 0.5 && at.x < size + 0.5 && at.y < size + 0.5)
  return shown.map(({ source, flux, at }) => {
    const distance = (other: { x: number; y: number }) => Math.hypot(other.x - at.x, other.y - at.y)
    const inside = Math.min(at.x, at.y, size + 1 - at.x, size + 1 - at.y) > EDGE
    const isolated =
      inside &&
      starsAt.every(star => distance(star) > (star.saturated ? SPOILED_FWHM : 2) * psf.fwhm) &&
      shown.every(other => other.source === source || distance(other.at) > 2 * psf.fwhm)
    const snr = (flux / errorOf(light, chip, visit, psf, at)) * Math.sqrt(visit.nimages)
    return { id: source.id, kind: source.kind, ra: source.ra, dec: source.dec, ...at, flux, snr, isolated }
  })
}

/** Where the bodies of the night are in the middle of a visit. */
export const bodiesIn = (plan: NightPlan, visit: VisitPlan) =>
  plan.bodies.map(body => ({
    ...{ id: body.name, kind: 'body' as const, flux: body.flux },
    ...placeAt(plan, body, middleOf(visit)),
  }))

/** A generous guess: half of full scale at its peak, the brightest pixel where its centre is a pixel's. */
const saturates = (flux: number, { conditions }: VisitPlan, psf: Psf, { amplifiers }: Chip): boolean =>
  flux * conditions.throughput * profileOf(psf)(0, 0) > 30_000 * Math.min(...amplifiers.map(it => it.gain))

/** Error of a PSF flux in nJy, 1/√(Σ P²/V): P the PSF seen through the chip's response, V photons, readout and template. */
function errorOf(light: Plane, chip: Chip, visit: VisitPlan, psf: Psf, at: { x: number; y: number }): number {
  const profile = profileOf(psf)
  const radius = Math.ceil(3 * psf.fwhm)
  const [cx, cy] = [Math.round(at.x - 1), Math.round(at.y - 1)]
  let information = 0
  for (let y = Math.max(0, cy - radius); y <= Math.min(light.height - 1, cy + radius); y++)
    for (let x = Math.max(0, cx - radius); x <= Math.min(light.width - 1, cx + radius); x++) {
      const i = y * light.width + x
      const amplifier = chip.amplifiers.find(it => x < it.x1)!
      const variance = (light.data[i]! + amplifier.readNoise ** 2) * (1 + 1 / TEMPLATE_EXPOSURES)
      const p = profile(x + 1 - at.x, y + 1 - at.y) * chip.response.data[i]!
      information += (p * p) / variance
    }
  return 1 / Math.sqrt(information) / visit.conditions.throughput
}
