import type { Kernel } from './convolve.ts'
import type { MaskedImage } from './image.ts'
import { shifted } from './lanczos.ts'
import { solveSymmetric } from './linear.ts'

/** A PSF flux at a position: Σ P·D ÷ Σ P² over usable pixels, the matched filter of the score image. */
export interface PsfFlux {
  readonly flux: number
  readonly error: number
  /** Of the fit to the pixels. */
  readonly chi2: number
  readonly pixels: number
  /** The stamp runs over the image's edge. */
  readonly edge: boolean
}

/** Share of ΣP² that must be usable. */
const LEAST_WEIGHT = 0.5

/**
 * PSF flux at (x, y), pixels counted from 0; undefined where less than half of the PSF's weight is usable. P alone weighs the pixels, not 1/V: a
 * variance that is taken from the pixels themselves is low where noise is low and would pull fluxes down. `error` has the noise of the pixels only.
 */
export function psfFlux(image: MaskedImage, psf: Kernel, x: number, y: number): PsfFlux | undefined {
  const { half } = psf
  const [cx, cy] = [Math.round(x), Math.round(y)]
  const model = shifted(psf.data, half, x - cx, y - cy)
  let [light, weight, noise, all, squares, cross, chi, pixels] = [0, 0, 0, 0, 0, 0, 0, 0]
  let edge = false
  const n = 2 * half + 1
  for (let k = 0; k < n * n; k++) {
    const u = cx - half + (k % n)
    const v = cy - half + Math.floor(k / n)
    const p = model[k]!
    all += p * p
    if (u < 0 || v < 0 || u >= image.width || v >= image.height) {
      edge = true
      continue
    }
    const i = v * image.width + u
    const variance = image.variance[i]!
    if (image.mask[i] !== 0 || !(variance > 0)) continue
    const value = image.image[i]!
    light += p * value
    weight += p * p
    noise += p * p * variance
    squares += (value * value) / variance
    cross += (p * value) / variance
    chi += (p * p) / variance
    pixels++
  }
  if (!(weight > LEAST_WEIGHT * all)) return undefined
  const flux = light / weight
  const chi2 = squares - 2 * flux * cross + flux * flux * chi
  return { flux, error: Math.sqrt(noise) / weight, chi2, pixels, edge }
}

export interface Centroid {
  readonly x: number
  readonly y: number
  /** Variances and covariance, pixels². */
  readonly xx: number
  readonly yy: number
  readonly xy: number
}

/**
 * Fits flux and position of the PSF (Gauss–Newton on the pixels within `radius` of a peak's pixel (x, y), where it starts). The errors are those of this estimator under the
 * image's variance: (JᵀJ)⁻¹ JᵀVJ (JᵀJ)⁻¹. undefined when it does not settle within 1.5 px of its start.
 */
export function psfCentroid(
  image: MaskedImage,
  psf: Kernel,
  x: number,
  y: number,
  radius: number,
): Centroid | undefined {
  let [px, py] = [x, y]
  for (let round = 0; round < 20; round++) {
    const system = linearised(image, psf, { x, y, dx: px - x, dy: py - y }, radius)
    const step = system && solveSymmetric(system.matrix, system.right)
    if (!step || !(Math.abs(step[0]!) > 0)) return undefined
    // The unknowns are flux, flux·dx, flux·dy.
    const clamp = (d: number) => Math.max(-0.5, Math.min(0.5, d))
    const [dx, dy] = [clamp(step[1]! / step[0]!), clamp(step[2]! / step[0]!)]
    px += dx
    py += dy
    if (!(Math.hypot(px - x, py - y) < 1.5)) return undefined
    if (Math.hypot(dx, dy) < 1e-3) return { x: px, y: py, ...covariance(system, step[0]!) }
  }
  return undefined
}

interface System {
  readonly matrix: Float64Array
  readonly right: Float64Array
  /** JᵀVJ. */
  readonly spread: Float64Array
}

/** The pixels stay those around the start (x, y whole) while the model moves by dx, dy: a window that moved too would make the fit jump for ever. */
function linearised(
  image: MaskedImage,
  psf: Kernel,
  { x: cx, y: cy, dx, dy }: { x: number; y: number; dx: number; dy: number },
  radius: number,
): System | undefined {
  const { half } = psf
  const n = 2 * half + 1
  const model = shifted(psf.data, half, dx, dy)
  const [matrix, spread, right] = [new Float64Array(9), new Float64Array(9), new Float64Array(3)]
  const reach = Math.min(half - 1, Math.ceil(radius))
  const terms = [0, 0, 0]
  for (let v = -reach; v <= reach; v++)
    for (let u = -reach; u <= reach; u++) {
      const [ix, iy] = [cx + u, cy + v]
      if (u * u + v * v > radius * radius || ix < 0 || iy < 0 || ix >= image.width || iy >= image.height) continue
      const i = iy * image.width + ix
      if (image.mask[i] !== 0) continue
      const k = (v + half) * n + u + half
      terms[0] = model[k]!
      terms[1] = (model[k - 1]! - model[k + 1]!) / 2
      terms[2] = (model[k - n]! - model[k + n]!) / 2
      for (let a = 0; a < 3; a++) {
        right[a]! += terms[a]! * image.image[i]!
        for (let b = 0; b < 3; b++) {
          matrix[a * 3 + b]! += terms[a]! * terms[b]!
          spread[a * 3 + b]! += terms[a]! * terms[b]! * image.variance[i]!
        }
      }
    }
  return matrix[0]! > 0 ? { matrix, right, spread } : undefined
}

/** The 2 × 2 part for the position of M⁻¹·S·M⁻¹, divided by flux². */
function covariance({ matrix, spread }: System, flux: number): Pick<Centroid, 'xx' | 'yy' | 'xy'> {
  const unit = (k: number) => Float64Array.from({ length: 3 }, (_, i) => (i === k ? 1 : 0))
  const [a, b] = [solveSymmetric(matrix, unit(1)), solveSymmetric(matrix, unit(2))]
  const form = (p: Float64Array | undefined, q: Float64Array | undefined) => {
    if (!p || !q) return NaN
    let sum = 0
    for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) sum += p[i]! * spread[i * 3 + j]! * q[j]!
    return sum / flux ** 2
  }
  return { xx: form(a, a), yy: form(b, b), xy: form(a, b) }
}

/** Sum within a circle (pixels whose centre is inside), its error, and whether part of the circle was not usable. */
export function apertureFlux(image: MaskedImage, x: number, y: number, radius: number) {
  let [flux, variance] = [0, 0]
  let truncated = false
  for (let v = Math.ceil(y - radius); v <= y + radius; v++)
    for (let u = Math.ceil(x - radius); u <= x + radius; u++) {
      if ((u - x) ** 2 + (v - y) ** 2 > radius * radius) continue
      const outside = u < 0 || v < 0 || u >= image.width || v >= image.height
      if (outside || image.mask[v * image.width + u] !== 0) {
        truncated = true
        continue
      }
      flux += image.image[v * image.width + u]!
      variance += image.variance[v * image.width + u]!
    }
  return { flux, error: Math.sqrt(variance), truncated }
}
