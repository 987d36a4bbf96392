import { type Plane, FitsError, imageOf, readFits, stringOf } from './fits.ts'
import { MASK, type MaskedImage, emptyImage } from './image.ts'
import type { Kernel } from './convolve.ts'
import { TABLE, entry } from './lanczos.ts'
import { type Wcs, pixelArea, pixelOf, skyOf, wcsOf } from './wcs.ts'

/** A calibrated coadd in nJy per pixel on its own grid; NaN where it has no coverage. */
export interface Template {
  readonly band: string
  readonly image: Plane
  readonly variance: Plane
  readonly psf: Kernel
  readonly wcs: Wcs
}

/** @throws FitsError naming the extension that is missing or wrong */
export function readTemplate(bytes: Uint8Array): Template {
  const hdus = readFits(bytes)
  const primary = hdus[0]!
  const extension = (name: string): Plane => {
    const hdu = hdus.find(({ header }) => header.get('EXTNAME') === name)
    if (!hdu) throw new FitsError(`the extension ${name} is missing`)
    return imageOf(hdu, ` in ${name}`)
  }
  const [image, variance, psf] = [imageOf(primary, ' in HDU 1'), extension('VARIANCE'), extension('PSF')]
  if (variance.width !== image.width || variance.height !== image.height)
    throw new FitsError('VARIANCE and image differ in size')
  const sum = psf.data.reduce((a, b) => a + b, 0)
  if (psf.width !== psf.height || psf.width % 2 === 0 || !(Math.abs(sum - 1) < 0.1))
    throw new FitsError(`PSF is ${psf.width}×${psf.height} with sum ${sum}; a square of odd side with sum 1 is needed`)
  const kernel: Kernel = { half: (psf.width - 1) / 2, data: Float64Array.from(psf.data) }
  return { band: stringOf(primary.header, 'BAND'), image, variance, psf: kernel, wcs: wcsOf(primary.header) }
}

/** Between nodes of this many pixels the map science → template is linear to far below 0.001 px. */
const NODE = 16

/**
 * Brings templates onto the science grid (Lanczos-3, times the ratio of the pixel areas, so that fluxes stay). A pixel takes the first
 * template that covers it: overlapping patches hold the same frames, so averaging them would gain nothing. Without coverage: 0 and `noData`.
 *
 * The variance is the density of the noise, area ratio × variance of the nearest template pixel, and not the (smaller) variance of an
 * interpolated pixel: interpolation correlates neighbours, and every filter that follows is wider than it and sees the density.
 */
export function warp(templates: readonly Template[], science: Wcs, width: number, height: number): MaskedImage {
  const out = emptyImage(width, height)
  out.mask.fill(MASK.noData)
  for (const template of templates) {
    for (let y0 = 0; y0 < height; y0 += NODE)
      for (let x0 = 0; x0 < width; x0 += NODE) warpCell(template, science, out, x0, y0)
  }
  return out
}

function warpCell(template: Template, science: Wcs, out: MaskedImage, x0: number, y0: number): void {
  const at = (x: number, y: number) => pixelOf(template.wcs, skyOf(science, x, y))
  const [p, right, up, corner] = [at(x0, y0), at(x0 + NODE, y0), at(x0, y0 + NODE), at(x0 + NODE, y0 + NODE)]
  if (!p || !right || !up || !corner) return
  const area = pixelArea(science) / pixelArea(template.wcs)
  const twist = { x: corner.x - right.x - up.x + p.x, y: corner.y - right.y - up.y + p.y }
  for (let y = y0; y < Math.min(out.height, y0 + NODE); y++) {
    const v = (y - y0) / NODE
    for (let x = x0; x < Math.min(out.width, x0 + NODE); x++) {
      const i = y * out.width + x
      if (out.mask[i] === 0) continue
      const u = (x - x0) / NODE
      const tx = p.x + u * (right.x - p.x) + v * (up.x - p.x) + u * v * twist.x
      const ty = p.y + u * (right.y - p.y) + v * (up.y - p.y) + u * v * twist.y
      const value = interpolate(template.image, tx, ty)
      const variance = nearest(template.variance, tx, ty)
      if (!Number.isFinite(value) || !(variance >= 0) || variance === Infinity) continue
      out.image[i] = value * area
      out.variance[i] = variance * area
      out.mask[i] = 0
    }
  }
}

/** NaN where one of the 36 neighbours is missing. */
function interpolate({ width, height, data }: Plane, x: number, y: number): number {
  const i = Math.floor(x)
  const j = Math.floor(y)
  if (!(i >= 2 && j >= 2 && i < width - 3 && j < height - 3)) return NaN
  const wx = entry(x - i)
  const wy = entry(y - j)
  // The weights along x are those of all six lines.
  const a = TABLE[wx]!
  const b = TABLE[wx + 1]!
  const c = TABLE[wx + 2]!
  const d = TABLE[wx + 3]!
  const e = TABLE[wx + 4]!
  const f = TABLE[wx + 5]!
  let sum = 0
  for (let k = 0, at = (j - 2) * width + i - 2; k < 6; k++, at += width) {
    const left = a * data[at]! + b * data[at + 1]! + c * data[at + 2]!
    sum += TABLE[wy + k]! * (left + d * data[at + 3]! + e * data[at + 4]! + f * data[at + 5]!)
  }
  return sum
}

const nearest = ({ width, height, data }: Plane, x: number, y: number): number => {
  const i = Math.round(x)
  const j = Math.round(y)
  return i >= 0 && j >= 0 && i < width && j < height ? data[j * width + i]! : NaN
}
