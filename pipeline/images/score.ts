import { type Kernel, chain, correlate, flipped, kernelSum, squared, trimmed } from './convolve.ts'
import type { Detection } from './detect.ts'
import type { Plane } from './fits.ts'
import { type MaskedImage, imagePlane } from './image.ts'
import { solveSymmetric } from './linear.ts'
import type { Star } from './psf.ts'
import { clipped, median } from './statistics.ts'
import { type Subtraction, planeOf } from './subtract.ts'

export interface Score {
  /** Significance of a point source at each pixel: of unit variance in blank sky, 0 where too little of the PSF is usable. */
  readonly score: Float32Array
  /** Variance of the matched filter Σ P·D, in nJy² (noise of the image, misregistration, both × rescale²). */
  readonly noise: Float32Array
  /** Factor by which the propagated noise had to be multiplied to fit the scatter of blank sky: 1 when the noise model is right. */
  readonly rescale: number
  /** Scatter of blank sky after the rescaling. */
  readonly rms: number
  readonly residual: Residual
}

/** What the subtraction leaves of stars beyond noise, as scatter from star to star. */
export interface Residual {
  /** Registration jitter, pixels per axis. */
  readonly shift: number
  /** Relative flux. */
  readonly scale: number
}

/** Less than this is not believed: a kernel's fit has at least these errors of its own. */
const LEAST: Residual = { shift: 0.02, scale: 0.003 }
/** Stars of this many times the noise of the sky (not their own) have wings that show beyond the kernel's reach. */
const BRIGHT = 700
/** Share of those wings that is left on the difference, where seeing and template differ as they usually do. */
const UNMATCHED_WING = 0.3
/** An empirical PSF is no truer than this; singular values below are its noise, and cost time. */
const TOLERANCE = 3e-3
/** A filter that has lost more than a tenth of its weight to masked pixels or the edge detects nothing. */
const LEAST_WEIGHT = 0.9

/**
 * The score image (matched filter) with its noise. Each input's noise passes the filter that it really passed: the unconvolved one the PSF, the
 * convolved one kernel and PSF, so that the correlation which the kernel brought in needs no further treatment.
 *
 * Misregistered stars leave dipoles that no noise plane knows of. As in ZOGY (Zackay, Ofek & Gal-Yam 2016, eq. 33) the filtered
 * template's gradient times the jitter is added in variance; the jitter is measured on the stars of this very difference.
 * Example: a star of 100 σ and FWHM 5 px moved by 0.15 px leaves lobes of about 5 σ; with the term they score 1.
 */
export function scoreOf(subtraction: Subtraction, stars: readonly Star[], sources: readonly Detection[]): Score {
  const { difference } = subtraction
  // The PSF's outer third holds a ten-thousandth of ΣP².
  const psf = trimmed(subtraction.psf, Math.ceil(0.65 * subtraction.psf.half))
  const signal = correlate(imagePlane(difference), psf, TOLERANCE)
  const noise = filteredNoise(subtraction, psf)
  const residual = measureResidual(subtraction, stars)
  const stray = strayLight(subtraction, psf, residual, sources, median(everyNth(noise, 101)))
  const usable = usableWeight(difference, psf)
  const blank = ratios(signal, noise, usable)
  const { sigma } = clipped(blankSky(difference, blank, noise, stray))
  const rescale = sigma > 0 ? sigma : 1
  addNoise(noise, stray, rescale)
  return { score: ratios(signal, noise, usable), noise, rescale, rms: sigma / rescale, residual }
}

/** Significance at each pixel, 0 where there is none: without noise, or with too little of the PSF's weight. */
function ratios(signal: Float32Array, noise: Float32Array, usable: Float32Array): Float32Array {
  const out = new Float32Array(signal.length)
  for (let i = 0; i < out.length; i++)
    if (noise[i]! > 0 && usable[i]! >= LEAST_WEIGHT) out[i] = signal[i]! / Math.sqrt(noise[i]!)
  return out
}

/** The significances of every third pixel each way that neither is masked nor has stray light. */
function blankSky({ width, height, mask }: MaskedImage, ratio: Float32Array, noise: Float32Array, stray: Float32Array) {
  const blank = new Float32Array(Math.ceil(width / 3) * Math.ceil(height / 3))
  let n = 0
  for (let y = 8; y < height - 8; y += 3)
    for (let i = y * width + 8; i < (y + 1) * width - 8; i += 3)
      if (mask[i] === 0 && stray[i]! < 0.05 * noise[i]! && ratio[i] !== 0) blank[n++] = ratio[i]!
  return blank.subarray(0, n)
}

function addNoise(noise: Float32Array, stray: Float32Array, rescale: number): void {
  for (let i = 0; i < noise.length; i++) noise[i] = (noise[i]! + stray[i]!) * rescale * rescale
}

function everyNth(values: Float32Array, n: number): Float32Array {
  const out = new Float32Array(Math.ceil(values.length / n))
  for (let i = 0; i < out.length; i++) out[i] = values[n * i]!
  return out
}

/** Var(Σ P·D): V_science ⊗ F_science² + V_template ⊗ F_template², F being the PSF, after the kernel for the convolved input. */
function filteredNoise({ science, template, difference, kernel, convolved }: Subtraction, psf: Kernel): Float32Array {
  const through = squared(trimmed(chain(psf, flipped(kernel)), psf.half + Math.min(3, kernel.half)))
  const plain = squared(psf)
  const good = (image: MaskedImage) => planeOf(image, usableOnly(image.variance, difference.mask))
  const ofScience = correlate(good(science), convolved === 'science' ? through : plain, TOLERANCE)
  const ofTemplate = correlate(good(template), convolved === 'template' ? through : plain, TOLERANCE)
  // A cut singular value can leave a tiny negative where all is masked but the PSF's rim.
  for (let i = 0; i < ofScience.length; i++) ofScience[i] = Math.max(0, ofScience[i]! + ofTemplate[i]!)
  return ofScience
}

/** A copy with 0 where the mask is set. */
function usableOnly(values: Float32Array, mask: Uint8Array): Float32Array {
  const out = values.slice()
  for (let i = 0; i < out.length; i++) if (mask[i] !== 0) out[i] = 0
  return out
}

/** Variance of the matched filter from light that no kernel puts in its place: misregistered, misscaled, or in the far wings of bright stars. */
function strayLight(
  { template, fit }: Subtraction,
  psf: Kernel,
  residual: Residual,
  sources: readonly Detection[],
  skyNoise: number,
): Float32Array {
  const { width } = template
  const light = correlate(imagePlane(template), psf, TOLERANCE)
  const stray = misplaced({ ...imagePlane(template), data: light }, residual)
  const reach = fit.kernels[0]!.half
  const bright = BRIGHT * Math.sqrt(skyNoise)
  for (const star of sources)
    if (light[star.y * width + star.x]! > bright) addWings(stray, light, template, star, reach)
  return stray
}

/** (shift · gradient)² + (scale · light)². */
function misplaced({ width, height, data: light }: Plane, { shift, scale }: Residual): Float32Array {
  const out = new Float32Array(light.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = y * width + x
      const dx = (light[x < width - 1 ? i + 1 : i]! - light[x > 0 ? i - 1 : i]!) / 2
      const dy = (light[y < height - 1 ? i + width : i]! - light[y > 0 ? i - width : i]!) / 2
      out[i] = shift * shift * (dx * dx + dy * dy) + (scale * light[i]!) ** 2
    }
  return out
}

/** Beyond the kernel's reach a star's wings stay those of the template: up to a third of the light there is on the difference. */
function addWings(
  stray: Float32Array,
  light: Float32Array,
  { width, height }: MaskedImage,
  star: Detection,
  reach: number,
): void {
  const [inner, outer] = [reach - 3, 4 * reach]
  for (let y = Math.max(0, star.y - outer); y <= Math.min(height - 1, star.y + outer); y++)
    for (let x = Math.max(0, star.x - outer); x <= Math.min(width - 1, star.x + outer); x++) {
      const r2 = (x - star.x) ** 2 + (y - star.y) ** 2
      const i = y * width + x
      if (r2 >= inner * inner && r2 <= outer * outer) stray[i]! += (UNMATCHED_WING * light[i]!) ** 2
    }
}

/**
 * Share of the PSF's weight ΣP² that falls on usable pixels: 1 less what the others take. Few pixels are masked, so each run of them in a row, and of
 * the rows and columns outside the image, is taken from the pixels near it alone; no convolution of the whole image.
 */
function usableWeight({ width, height, mask }: MaskedImage, psf: Kernel): Float32Array {
  const { half } = psf
  const sums = runningSums(squared(psf))
  const usable = new Float32Array(mask.length).fill(1)
  for (let y = -half; y < height + half; y++) {
    const inside = y >= 0 && y < height
    for (let x = -half; x < width + half; x++) {
      const begin = x
      while (x < width + half && !(inside && x >= 0 && x < width && mask[y * width + x] === 0)) x++
      if (x > begin) takeRun(usable, width, height, sums, half, { y, begin, end: x })
    }
  }
  return usable
}

/** For each row of a kernel, the sums of its first 0, 1, … 2·half + 1 weights, as shares of the kernel's sum. */
function runningSums({ half, data }: Kernel): Float64Array {
  const n = 2 * half + 1
  const sums = new Float64Array(n * (n + 1))
  const total = kernelSum({ half, data })
  for (let y = 0; y < n; y++)
    for (let x = 0; x < n; x++) sums[y * (n + 1) + x + 1] = sums[y * (n + 1) + x]! + data[y * n + x]! / total
  return sums
}

/** Takes the weight of the pixels `begin` to before `end` of row y from every pixel whose kernel reaches them. */
function takeRun(
  usable: Float32Array,
  width: number,
  height: number,
  sums: Float64Array,
  half: number,
  { y, begin, end }: { readonly y: number; readonly begin: number; readonly end: number },
): void {
  for (let v = Math.max(0, y - half); v <= Math.min(height - 1, y + half); v++) {
    const row = (y - v + half) * (2 * half + 2)
    for (let u = Math.max(0, begin - half); u < Math.min(width, end + half); u++) {
      const first = Math.max(0, begin - u + half)
      const last = Math.min(2 * half + 1, end - u + half)
      usable[v * width + u]! -= sums[row + last]! - sums[row + first]!
    }
  }
}

/**
 * Fits a shift and a scale to what is left of each bright star, D ≈ −δ·∇M + a·M with M the matched template. What the scatter of δ and a has
 * over its photon noise is the residual; medians, because variable stars are among them.
 */
export function measureResidual({ difference, template }: Subtraction, stars: readonly Star[]): Residual {
  const fits = stars.slice(0, 200).flatMap(star => fitResidual(difference, template, star) ?? [])
  if (fits.length < 5) return { shift: 3 * LEAST.shift, scale: 3 * LEAST.scale }
  // For two axes of variance s² each the median of δx² + δy² is 2·ln 2·s²; for one it is 0.455 s².
  const shift = median(fits.map(f => f.shift2)) / (2 * Math.LN2) - median(fits.map(f => f.shiftNoise2))
  const scale = median(fits.map(f => f.scale2)) / 0.455 - median(fits.map(f => f.scaleNoise2))
  return {
    shift: Math.max(LEAST.shift, Math.sqrt(Math.max(0, shift))),
    scale: Math.min(0.05, Math.max(LEAST.scale, Math.sqrt(Math.max(0, scale)))),
  }
}

function fitResidual(difference: MaskedImage, template: MaskedImage, star: Star) {
  const { width, height } = difference
  const [cx, cy] = [Math.round(star.x), Math.round(star.y)]
  const reach = Math.ceil(3.5 * star.sigma)
  if (cx <= reach || cy <= reach || cx >= width - reach - 1 || cy >= height - reach - 1) return undefined
  const [matrix, right] = [new Float64Array(9), new Float64Array(3)]
  for (let y = cy - reach; y <= cy + reach; y++)
    for (let x = cx - reach; x <= cx + reach; x++) {
      const i = y * width + x
      if (difference.mask[i] !== 0) return undefined
      const m = template.image
      const terms = [(m[i - 1]! - m[i + 1]!) / 2, (m[i - width]! - m[i + width]!) / 2, m[i]!]
      for (let a = 0; a < 3; a++) {
        right[a]! += (terms[a]! * difference.image[i]!) / difference.variance[i]!
        for (let b = 0; b < 3; b++) matrix[a * 3 + b]! += (terms[a]! * terms[b]!) / difference.variance[i]!
      }
    }
  const value = solveSymmetric(matrix, right)
  if (!value) return undefined
  return {
    shift2: value[0]! ** 2 + value[1]! ** 2,
    shiftNoise2: (1 / matrix[0]! + 1 / matrix[4]!) / 2,
    scale2: value[2]! ** 2,
    scaleNoise2: 1 / matrix[8]!,
  }
}
