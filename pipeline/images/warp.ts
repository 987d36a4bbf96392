import { type Plane, FitsError, imageOf, readFits, stringOf } from './fits.ts'
import { MASK, type MaskedImage, emptyImage } from './image.ts'
import type { Kernel } from './convolve.ts'
import { CELL, type Place, Source } from './resample.ts'
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

/**
 * Side in pixels of the blocks that take their part of a template together. Between the corners of its cells the map science → template is bilinear,
 * to far below 0.001 px.
 */
const BLOCK = 8 * CELL

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
  for (const template of templates)
    for (let y0 = 0; y0 < height; y0 += BLOCK)
      for (let x0 = 0; x0 < width; x0 += BLOCK) if (hasGap(out, x0, y0)) warpBlock(template, science, out, x0, y0)
  return out
}

/** True where the block still has a pixel without data. */
function hasGap({ width, height, mask }: MaskedImage, x0: number, y0: number): boolean {
  for (let y = y0; y < Math.min(height, y0 + BLOCK); y++)
    if (mask.subarray(y * width + x0, y * width + Math.min(width, x0 + BLOCK)).includes(MASK.noData)) return true
  return false
}

function warpBlock(template: Template, science: Wcs, out: MaskedImage, x0: number, y0: number): void {
  const area = pixelArea(science) / pixelArea(template.wcs)
  const [nx, ny] = [cellsIn(out.width - x0), cellsIn(out.height - y0)]
  const nodes: (Place | undefined)[] = []
  for (let j = 0; j <= ny; j++)
    for (let i = 0; i <= nx; i++) nodes.push(pixelOf(template.wcs, skyOf(science, x0 + i * CELL, y0 + j * CELL)))
  const known = nodes.filter(node => node !== undefined)
  const source = known.length > 0 ? Source.around(template.image, template.variance, known) : undefined
  if (!source) return
  for (let j = 0; j < ny; j++)
    for (let i = 0; i < nx; i++) {
      const k = j * (nx + 1) + i
      const [first, right, up, across] = [nodes[k], nodes[k + 1], nodes[k + nx + 1], nodes[k + nx + 2]]
      if (!first || !right || !up || !across) continue
      fill(out, x0 + i * CELL, y0 + j * CELL, source.cell({ first, right, up, across }), area)
    }
}

const cellsIn = (pixels: number) => Math.ceil(Math.min(BLOCK, pixels) / CELL)

/** Puts the pixels of a cell that are usable where there are none yet. */
function fill(
  out: MaskedImage,
  x0: number,
  y0: number,
  { image, variance }: { readonly image: Float32Array; readonly variance: Float32Array },
  area: number,
): void {
  const [columns, rows] = [Math.min(CELL, out.width - x0), Math.min(CELL, out.height - y0)]
  for (let y = 0; y < rows; y++)
    for (let k = y * CELL, i = (y0 + y) * out.width + x0; k < y * CELL + columns; k++, i++) {
      const value = image[k]!
      const density = variance[k]!
      if (out.mask[i] === 0 || !Number.isFinite(value) || !(density >= 0) || density === Infinity) continue
      out.image[i] = value * area
      out.variance[i] = density * area
      out.mask[i] = 0
    }
}
