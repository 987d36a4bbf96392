import type { Plane } from '../../pipeline/images/fits.ts'

/** A Moffat profile of β 3.5, elliptical: the wings that real seeing has, and Gaussians do not (Moffat 1969). */
export interface Psf {
  /** Full width at half maximum, pixels; from about 2.5 up the profile may be sampled at pixel centres. */
  readonly fwhm: number
  /** Ellipticity along the axes and along the diagonals; the light and the area are those of the round profile. */
  readonly e1: number
  readonly e2: number
}

const BETA = 3.5
/** FWHM = 2α·√(2^{1/β} − 1). */
const FWHM_PER_ALPHA = 2 * Math.sqrt(2 ** (1 / BETA) - 1)

/** Pixels that a background-limited PSF flux is spread over, 1/∫P²: πα²(2β−1)/(β−1)². */
export const effectiveArea = (fwhm: number): number =>
  (Math.PI * (fwhm / FWHM_PER_ALPHA) ** 2 * (2 * BETA - 1)) / (BETA - 1) ** 2

/** The profile around (0, 0), light per pixel for a total of 1; dx, dy in pixels. */
export function profileOf({ fwhm, e1, e2 }: Psf): (dx: number, dy: number) => number {
  const alpha = fwhm / FWHM_PER_ALPHA
  const peak = (BETA - 1) / (Math.PI * alpha * alpha)
  const scale = 1 / (alpha * alpha * Math.sqrt(1 - e1 * e1 - e2 * e2))
  const xx = (1 - e1) * scale
  const yy = (1 + e1) * scale
  const xy = -2 * e2 * scale
  return (dx, dy) => {
    const t = 1 + xx * dx * dx + xy * dx * dy + yy * dy * dy
    // t^-3.5 without a call of Math.pow, which would take most of the time.
    return peak / (t * t * t * Math.sqrt(t))
  }
}

/** How far out a source of this flux is drawn: where its light per pixel has fallen to `faintest`, at least 3 FWHM. */
function radiusOf({ fwhm }: Psf, flux: number, faintest: number): number {
  const alpha = fwhm / FWHM_PER_ALPHA
  const t = ((flux * (BETA - 1)) / (Math.PI * alpha * alpha * faintest)) ** (1 / BETA)
  return Math.ceil(Math.max(3 * fwhm, alpha * Math.sqrt(Math.max(0, t - 1))))
}

/**
 * Adds a source of `flux` (any unit, may be negative) at (x, y), counted from 0 at the centre of the first pixel; parts outside are lost.
 * `faintest`: light per pixel that need not be drawn, in the unit of the image.
 */
export function addSource(image: Plane, psf: Psf, x: number, y: number, flux: number, faintest = 0.1): void {
  const { width, height, data } = image
  const radius = radiusOf(psf, Math.abs(flux), faintest)
  const profile = profileOf(psf)
  const x0 = Math.max(0, Math.ceil(x - radius))
  const x1 = Math.min(width - 1, Math.floor(x + radius))
  const y0 = Math.max(0, Math.ceil(y - radius))
  const y1 = Math.min(height - 1, Math.floor(y + radius))
  for (let row = y0; row <= y1; row++)
    for (let column = x0; column <= x1; column++) data[row * width + column]! += flux * profile(column - x, row - y)
}

/** The PSF as an image of odd side whose pixels sum to 1, centred on the middle pixel. */
export function psfImage(psf: Psf): Plane {
  const half = Math.ceil(4 * psf.fwhm)
  const side = 2 * half + 1
  const image = { width: side, height: side, data: new Float32Array(side * side) }
  addSource(image, psf, half, half, 1, 1e-9)
  const sum = image.data.reduce((total, value) => total + value, 0)
  for (let i = 0; i < image.data.length; i++) image.data[i]! /= sum
  return image
}
