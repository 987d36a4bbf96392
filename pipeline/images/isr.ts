import type { Plane } from './fits.ts'
import { MASK, type MaskedImage, emptyImage, growMask } from './image.ts'
import { type Amplifier, type Raw, columns, rows } from './raw.ts'
import { clipped } from './statistics.ts'

/** The first overscan columns still hold charge that was left behind by the last data column. */
const SKIPPED_OVERSCAN = 2
/** A flat below this is vignetted or dead: dividing by it would make noise out of nothing. */
const LOWEST_FLAT = 0.1

/**
 * Instrument signature removal: raw ADU → electrons with variance and mask. Per amplifier: saturation is marked on the raw
 * numbers, then overscan (clipped mean of each row), bias, gain; the variance RN² + max(0, e⁻) is Poisson's and is
 * taken before the flat, which divides image and variance (twice) alike.
 */
export function removeSignature(raw: Raw, bias: Plane | undefined, flat: Plane | undefined): MaskedImage {
  const out = emptyImage(raw.width, raw.height)
  for (const amplifier of raw.amplifiers) removeFrom(amplifier, bias?.data, out)
  if (flat) divide(out, flat.data)
  for (let i = 0; i < out.image.length; i++)
    if (!Number.isFinite(out.image[i]!) || !Number.isFinite(out.variance[i]!)) blank(out, i)
  growMask(out, MASK.saturated, 2)
  return out
}

function removeFrom(amplifier: Amplifier, bias: Float32Array | undefined, out: MaskedImage): void {
  const { image, data, detector, gain, saturation } = amplifier
  const noise = amplifier.readNoise ** 2
  for (let y = 0; y < rows(data); y++) {
    const overscan = overscanOf(amplifier, data.y0 + y)
    const from = (data.y0 + y) * image.width + data.x0
    const to = (detector.y0 + y) * out.width + detector.x0
    for (let x = 0; x < columns(data); x++) {
      const adu = image.data[from + x]!
      const electrons = (adu - overscan - (bias?.[to + x] ?? 0)) * gain
      out.image[to + x] = electrons
      out.variance[to + x] = noise + Math.max(0, electrons)
      if (adu >= saturation) out.mask[to + x]! |= MASK.saturated
    }
  }
}

/** The clipped mean of one row's overscan in ADU: clipped, because a cosmic ray or trailed charge can sit in it too. */
function overscanOf({ image, overscan }: Amplifier, y: number): number {
  const skip = columns(overscan) > 2 * SKIPPED_OVERSCAN ? SKIPPED_OVERSCAN : 0
  const base = y * image.width
  return clipped(image.data.slice(base + overscan.x0 + skip, base + overscan.x1 + 1)).mean
}

function divide(out: MaskedImage, flat: Float32Array): void {
  for (let i = 0; i < flat.length; i++) {
    const value = flat[i]!
    if (value > LOWEST_FLAT) {
      out.image[i]! /= value
      out.variance[i]! /= value * value
    } else blank(out, i)
  }
}

/** A pixel that cannot be used: 0 with variance 0 drops out of every sum. */
function blank({ image, variance, mask }: MaskedImage, i: number): void {
  image[i] = 0
  variance[i] = 0
  mask[i]! |= MASK.bad
}

/**
 * Adds the snaps of one visit. With two, a pixel that stands out of its twin by more than noise and seeing can explain (6σ and half of
 * the twin's signal) was hit by a cosmic ray: twice the twin is taken, and the mask says so.
 */
export function addSnaps(snaps: readonly MaskedImage[]): MaskedImage {
  const [first, second] = snaps
  if (!second) return first!
  const out = emptyImage(first!.width, first!.height)
  const sky = clipped(second.image.slice()).median
  for (let i = 0; i < out.image.length; i++) {
    const a = first!.image[i]!
    const b = second.image[i]!
    const va = first!.variance[i]!
    const vb = second.variance[i]!
    const low = Math.min(a, b)
    const mask = first!.mask[i]! | second.mask[i]!
    const hit = mask === 0 && Math.abs(a - b) > 6 * Math.sqrt(va + vb) + 0.5 * Math.max(0, low - sky)
    out.image[i] = hit ? 2 * low : a + b
    out.variance[i] = hit ? 4 * Math.min(va, vb) : va + vb
    out.mask[i] = hit ? mask | MASK.cosmicRay : mask
  }
  return out
}
