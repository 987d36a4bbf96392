import { backgroundOf } from './background.ts'
import type { Detection } from './detect.ts'
import { AlgorithmError } from './errors.ts'
import { MASK, type MaskedImage, countMasked, imagePlane } from './image.ts'
import { type Psf, type Star, findSources, measurePsf, selectStars } from './psf.ts'
import type { Wcs } from './wcs.ts'

/** The science image on its own: background off, sources found, PSF known. */
export interface Characterized {
  /** Electrons, background subtracted. */
  readonly image: MaskedImage
  /** Level and noise of one pixel of the sky, electrons. */
  readonly sky: number
  readonly skySigma: number
  readonly sources: readonly Detection[]
  readonly stars: readonly Star[]
  readonly psf: Psf
  /** Of the chip, 0 to 1. */
  readonly saturatedFraction: number
}

/** A Gaussian near the expected seeing finds what is bright enough for a PSF, whatever the PSF turns out to be. */
const FIRST_SIGMA = 2

/**
 * Background in two passes (the second without the sources that the first lets us see), stars, PSF.
 * @throws AlgorithmError no-good-pixels, too-few-psf-stars
 */
export function characterize(raw: MaskedImage): Characterized {
  const good = raw.mask.length - countMasked(raw.mask)
  if (good < 0.1 * raw.mask.length)
    throw new AlgorithmError(
      'no-good-pixels',
      `${good} of ${raw.mask.length} pixels are usable; at least a tenth is needed`,
    )
  const first = backgroundOf(imagePlane(raw), raw.mask)
  const rough = without(raw, first.plane)
  const sources = findSources(rough, FIRST_SIGMA, 5)
  const second = backgroundOf(imagePlane(raw), sourceMask(raw, sources), 'mean')
  const image = without(raw, second.plane)
  const stars = selectStars(image, sources, 8)
  return {
    image,
    sky: second.level,
    skySigma: second.sigma,
    sources,
    stars,
    psf: measurePsf(image, stars, sources),
    saturatedFraction: countMasked(raw.mask, MASK.saturated) / raw.mask.length,
  }
}

/** Masked pixels become 0: they are sums' neutral element from here on. */
function without({ width, height, image, variance, mask }: MaskedImage, background: Float32Array): MaskedImage {
  const out = new Float32Array(image.length)
  for (let i = 0; i < out.length; i++) if (!(mask[i]! & MASK.bad)) out[i] = image[i]! - background[i]!
  return { width, height, image: out, variance, mask }
}

/** The mask with every source covered out to where its wings drown: 6 px, and 4 px more per factor 10 of significance. */
function sourceMask({ width, height, mask }: MaskedImage, sources: readonly Detection[]): Uint8Array {
  const skip = mask.slice()
  for (const { x, y, score } of sources) {
    const radius = Math.round(6 + 4 * Math.log10(score / 5))
    for (let v = Math.max(0, y - radius); v <= Math.min(height - 1, y + radius); v++)
      for (let u = Math.max(0, x - radius); u <= Math.min(width - 1, x + radius); u++)
        if ((u - x) ** 2 + (v - y) ** 2 <= radius * radius) skip[v * width + u] = 1
  }
  return skip
}

/** A science WCS for an image with `pad` more pixels on each side. */
export const paddedWcs = (wcs: Wcs, pad: number): Wcs => ({ ...wcs, crpix: [wcs.crpix[0] + pad, wcs.crpix[1] + pad] })
