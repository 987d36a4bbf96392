import { backgroundOf } from './background.ts'
import { type Kernel, chain, kernelSum, scaled, trimmed } from './convolve.ts'
import type { Plane } from './fits.ts'
import { MASK, type MaskedImage, emptyImage, growMask, multiply } from './image.ts'
import { fitKernel } from './kernel.ts'
import { type KernelFit, applyKernel, kernelAt } from './spatial-kernel.ts'
import type { Psf, Star } from './psf.ts'

/** The template on the science grid, `pad` pixels larger on each side. */
export interface PaddedTemplate {
  readonly image: MaskedImage
  readonly pad: number
  /** The image without its margin. */
  readonly chip: MaskedImage
  /** Of its PSF's adaptive moments, pixels of the science grid. */
  readonly sigma: number
}

/** Everything in nJy per pixel on the science grid. The variances are densities of noise (see `warp`). */
export interface Subtraction {
  readonly difference: MaskedImage
  readonly science: MaskedImage
  readonly template: MaskedImage
  /** Point source on all three, sum 1. */
  readonly psf: Kernel
  /** nJy per electron. */
  readonly scale: number
  readonly fit: KernelFit
  readonly convolved: 'template' | 'science'
  /** The kernel at the chip's centre, sum 1. */
  readonly kernel: Kernel
}

/**
 * science − template after matching their PSFs. The template is convolved unless the science image is the sharper by more than 3 %. The scale
 * to nJy is the kernel's sum against the calibrated template: there is no reference catalogue in this first form.
 */
export function subtract(
  science: MaskedImage,
  template: PaddedTemplate,
  psf: Psf,
  stars: readonly Star[],
): Subtraction {
  const { chip } = template
  const blur = Math.sqrt(Math.abs(psf.sigma ** 2 - template.sigma ** 2))
  return psf.sigma > 0.97 * template.sigma
    ? convolveTemplate(science, chip, template, psf, fitKernel(chip, science, stars, blur, 'target'))
    : convolveScience(science, chip, psf, fitKernel(science, chip, stars, blur, 'source'))
}

function convolveTemplate(
  science: MaskedImage,
  chip: MaskedImage,
  { image: padded, pad }: PaddedTemplate,
  psf: Psf,
  fit: KernelFit,
): Subtraction {
  const scale = 1 / fit.sum
  const matched = applyKernel(fit, { width: padded.width, height: padded.height, data: padded.image }, pad)
  const calibrated = copyOf(science)
  addBackground(calibrated.image, fit, -1)
  multiply(calibrated.image, scale)
  multiply(calibrated.variance, scale * scale)
  const model = { ...chip, image: multiply(matched, scale), mask: chip.mask.slice() }
  growMask(model, MASK.noData, fit.kernels[0]!.half)
  return finish(calibrated, model, { psf: psf.kernel, scale, fit, convolved: 'template' })
}

function convolveScience(science: MaskedImage, chip: MaskedImage, psf: Psf, fit: KernelFit): Subtraction {
  const matched = applyKernel(fit, { width: science.width, height: science.height, data: science.image }, 0)
  addBackground(matched, fit, 1)
  const calibrated = { ...copyOf(science), image: matched }
  multiply(calibrated.variance, fit.sum ** 2)
  const half = fit.kernels[0]!.half
  growMask(calibrated, MASK.saturated, half)
  growMask(calibrated, MASK.bad, half)
  maskEdge(calibrated, half)
  const centre = kernelAt(fit, fit.width / 2, fit.height / 2)
  const blurred = trimmed(chain(psf.kernel, scaled(centre, 1 / fit.sum)), psf.kernel.half)
  return finish(calibrated, chip, { psf: blurred, scale: fit.sum, fit, convolved: 'science' })
}

function finish(
  science: MaskedImage,
  template: MaskedImage,
  rest: Pick<Subtraction, 'psf' | 'scale' | 'fit' | 'convolved'>,
): Subtraction {
  const { width, height } = science
  const difference = emptyImage(width, height)
  takeAway(science, template, difference)
  flatten(difference)
  const centre = kernelAt(rest.fit, width / 2, height / 2)
  return { difference, science, template, ...rest, kernel: scaled(centre, 1 / kernelSum(centre)) }
}

function takeAway(science: MaskedImage, template: MaskedImage, { image, variance, mask }: MaskedImage): void {
  for (let i = 0; i < mask.length; i++) {
    mask[i] = science.mask[i]! | template.mask[i]!
    if (mask[i] !== 0) continue
    image[i] = science.image[i]! - template.image[i]!
    variance[i] = science.variance[i]! + template.variance[i]!
  }
}

/** Takes out what is left of the background after the kernel's linear one; sources of the sky are gone here, so the mesh sees only it. */
function flatten(difference: MaskedImage): void {
  const { width, height, image, mask } = difference
  const { plane } = backgroundOf({ width, height, data: image }, mask, 'mean')
  for (let i = 0; i < image.length; i++) if (mask[i] === 0) image[i]! -= plane[i]!
}

/** Adds `times` the fit's linear background. */
function addBackground(data: Float32Array, fit: KernelFit, times: number): void {
  const { background, width, height } = fit
  const [constant, slopeX, slopeY] = background
  for (let y = 0, i = 0; y < height; y++) {
    const left = constant + slopeY * ((2 * y) / height - 1)
    for (let x = 0; x < width; x++, i++) data[i]! += times * (left + slopeX * ((2 * x) / width - 1))
  }
}

const copyOf = (image: MaskedImage): MaskedImage => ({
  ...image,
  image: image.image.slice(),
  variance: image.variance.slice(),
  mask: image.mask.slice(),
})

function maskEdge({ width, height, mask }: MaskedImage, reach: number): void {
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (x < reach || y < reach || x >= width - reach || y >= height - reach) mask[y * width + x]! |= MASK.noData
}

export function crop(image: MaskedImage, pad: number): MaskedImage {
  const [width, height] = [image.width - 2 * pad, image.height - 2 * pad]
  const cropped = emptyImage(width, height)
  for (let y = 0; y < height; y++) {
    const at = (y + pad) * image.width + pad
    cropped.image.set(image.image.subarray(at, at + width), y * width)
    cropped.variance.set(image.variance.subarray(at, at + width), y * width)
    cropped.mask.set(image.mask.subarray(at, at + width), y * width)
  }
  return cropped
}

export const planeOf = (image: MaskedImage, data: Float32Array): Plane => ({
  width: image.width,
  height: image.height,
  data,
})
