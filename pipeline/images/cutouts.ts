import type { Kernel } from './convolve.ts'
import { writeFits } from './fits.ts'
import { MASK, type MaskedImage } from './image.ts'
import { type SkyPosition, type Wcs, localScale } from './wcs.ts'

const SMALLEST = 30
const LARGEST = 102

/** Side of a stamp in pixels for a footprint's `bboxSize`. */
export const stampSide = (bboxSize: number): number => Math.min(LARGEST, Math.max(SMALLEST, bboxSize))

export interface StampPlace {
  /** Centroid, pixels from 0. */
  readonly x: number
  readonly y: number
  readonly sky: SkyPosition
  readonly side: number
}

/**
 * A square FITS stamp around a centroid as astropy's CCDData reads it: float32 image in nJy, UNCERT (the variance), PSFIMAGE (float64). Where the
 * stamp runs over the chip's edge, or the template has no coverage, it holds NaN: its size is always that asked for. The WCS is linear around the source, the
 * scale in PC with CDELT 1 and no CTYPE, as the reference's alerts have it; CUTMINX and CUTMINY are the lower left pixel less 1.
 */
export function cutout(image: MaskedImage, psf: Kernel, wcs: Wcs, rotpa: number, place: StampPlace): Uint8Array {
  const { side } = place
  const [x0, y0] = [Math.round(place.x) - (side >> 1), Math.round(place.y) - (side >> 1)]
  const [pixels, variance] = [new Float32Array(side * side).fill(NaN), new Float32Array(side * side).fill(NaN)]
  for (let y = Math.max(0, y0); y < Math.min(image.height, y0 + side); y++)
    for (let x = Math.max(0, x0); x < Math.min(image.width, x0 + side); x++) {
      const i = y * image.width + x
      if (image.mask[i]! & MASK.noData) continue
      const k = (y - y0) * side + x - x0
      pixels[k] = image.image[i]!
      variance[k] = image.variance[i]!
    }
  const [xx, xy, yx, yy] = localScale(wcs, place.x, place.y)
  const header = {
    BUNIT: 'nJy',
    CUTMINX: x0 - 1,
    CUTMINY: y0 - 1,
    ROTPA: rotpa,
    WCSAXES: 2,
    CRPIX1: place.x - x0 + 1,
    CRPIX2: place.y - y0 + 1,
    PC1_1: xx,
    PC1_2: xy,
    PC2_1: yx,
    PC2_2: yy,
    CDELT1: 1,
    CDELT2: 1,
    CRVAL1: place.sky.ra,
    CRVAL2: place.sky.dec,
  }
  const size = 2 * psf.half + 1
  return writeFits([
    { header, image: { width: side, height: side, data: pixels } },
    {
      header: { UTYPE: 'VarianceUncertainty', EXTNAME: 'UNCERT' },
      image: { width: side, height: side, data: variance },
    },
    { header: { EXTNAME: 'PSFIMAGE' }, image: { width: size, height: size, data: psf.data } },
  ])
}
