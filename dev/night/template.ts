import { writeFits, type Plane } from '../../pipeline/images/fits.ts'
import { pixelOfSky, skyOfPixel, type SkyPoint, type TanWcs } from '../../topology/camera.ts'
import { wcsHeader } from './headers.ts'
import { MARGIN, type DetectorPlan, type NightPlan } from './plan.ts'
import { addSource, psfImage, type Psf } from './psf.ts'
import { randomOf } from './random.ts'

/** Exposures that went into a template. */
export const TEMPLATE_EXPOSURES = 20
const FWHM_ARCSEC = 0.7
const SKY = 700
const READ_NOISE = 7
/** Degrees between the template's grid and the chip's. */
const TURN = 2

export interface Template {
  /** nJy per pixel, background 0; NaN where there is no coverage. */
  readonly image: Plane
  /** nJy² per pixel, NaN alike. */
  readonly variance: Plane
  readonly psf: Plane
  readonly wcs: TanWcs
  /** Corners of the covered area. */
  readonly corners: readonly SkyPoint[]
}

/**
 * A coadd of 20 exposures of the detector's field, on a grid of its own that is turned against the chip's and reaches past all dithers.
 * The exposures are taken to be aligned on that grid. Their sum is drawn at once: the sum of 20 Poisson counts of mean λ is a Poisson
 * count of mean 20 λ, and that of 20 read noises σ is normal of √20 σ, so the noise is exactly that of 20 frames added up.
 * Transients are not in it, variables are at their mean. The sky is taken off as known; the variance is estimated from the counts.
 */
export function makeTemplate(plan: NightPlan, detector: DetectorPlan): Template {
  const { wcs, side } = gridOf(plan, detector)
  const psf: Psf = { fwhm: FWHM_ARCSEC / plan.pixelScale, e1: 0, e2: 0 }
  const total = TEMPLATE_EXPOSURES * plan.depth.throughput
  const light = { width: side, height: side, data: new Float32Array(side * side).fill(TEMPLATE_EXPOSURES * SKY) }
  for (const star of detector.field.stars) {
    const at = pixelOfSky(wcs, star)!
    addSource(light, psf, at.x - 1, at.y - 1, star.flux * total)
  }
  const noise = randomOf(plan.options.seed, 'template', detector.id)
  const covered = coverageOf(plan, side)
  const image = { width: side, height: side, data: new Float32Array(side * side).fill(NaN) }
  const variance = { width: side, height: side, data: new Float32Array(side * side).fill(NaN) }
  const readVariance = TEMPLATE_EXPOSURES * READ_NOISE ** 2
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      if (!covered(x + 1, y + 1)) continue
      const i = y * side + x
      const electrons = noise.poisson(light.data[i]!) + Math.sqrt(readVariance) * noise.normal()
      image.data[i] = (electrons - TEMPLATE_EXPOSURES * SKY) / total
      variance.data[i] = (Math.max(0, electrons) + readVariance) / total ** 2
    }
  return { image, variance, psf: psfImage(psf), wcs, corners: templateCorners(plan, detector) }
}

const turn = (TURN * Math.PI) / 180
const [COS, SIN] = [Math.cos(turn), Math.sin(turn)]

/** A square that holds the turned area of chip and margin; the middle of the chip, wherever in the camera, is its tangent point. */
function gridOf({ options }: NightPlan, detector: DetectorPlan): { wcs: TanWcs; side: number } {
  const side = Math.ceil((options.size + 2 * MARGIN) * (COS + SIN))
  const middle = skyOfPixel(detector.nominalWcs, (options.size + 1) / 2, (options.size + 1) / 2)
  const [[a, b], [c, d]] = detector.nominalWcs.cd
  return {
    side,
    wcs: {
      crval: [middle.ra, middle.dec],
      crpix: [(side + 1) / 2, (side + 1) / 2],
      cd: [
        [a * COS + b * SIN, b * COS - a * SIN],
        [c * COS + d * SIN, d * COS - c * SIN],
      ],
    },
  }
}

/** Whether a pixel of the grid, counted from 1, falls on the chip or its margin. */
function coverageOf({ options }: NightPlan, side: number): (x: number, y: number) => boolean {
  const reach = options.size / 2 + MARGIN
  return (x, y) => {
    const [dx, dy] = [x - (side + 1) / 2, y - (side + 1) / 2]
    return Math.abs(COS * dx - SIN * dy) <= reach && Math.abs(SIN * dx + COS * dy) <= reach
  }
}

/** Where the template of a detector lies on the sky. */
export function templateCorners({ options }: NightPlan, { nominalWcs }: DetectorPlan): SkyPoint[] {
  const [low, high] = [0.5 - MARGIN, options.size + 0.5 + MARGIN]
  return [
    skyOfPixel(nominalWcs, low, low),
    skyOfPixel(nominalWcs, high, low),
    skyOfPixel(nominalWcs, high, high),
    skyOfPixel(nominalWcs, low, high),
  ]
}

/** The template as FITS: nJy per pixel, then its variance, then its PSF. */
export function templateFits({ band }: NightPlan, { image, variance, psf, wcs }: Template): Uint8Array {
  const cards = { ...wcsHeader(wcs), BAND: band, BUNIT: 'nJy', NCOADDS: TEMPLATE_EXPOSURES }
  return writeFits([
    { header: cards, image },
    { header: { EXTNAME: 'VARIANCE', ...wcsHeader(wcs), BUNIT: 'nJy2' }, image: variance },
    { header: { EXTNAME: 'PSF' }, image: psf },
  ])
}
