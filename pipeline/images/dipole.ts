import type { Kernel } from './convolve.ts'
import type { MaskedImage } from './image.ts'
import { shifted } from './lanczos.ts'
import { solveSymmetric } from './linear.ts'

export interface Lobe {
  readonly x: number
  readonly y: number
  /** Signed. */
  readonly flux: number
}

export interface Dipole {
  readonly positive: Lobe
  readonly negative: Lobe
  /** Of either lobe's flux. */
  readonly error: number
  /** Per degree of freedom. */
  readonly chi2: number
  readonly pixels: number
}

/**
 * Two PSFs of opposite sign (Levenberg–Marquardt on six unknowns, started at the two peaks): what a star that moved or is misregistered
 * leaves. undefined when the fit leaves the neighbourhood, the signs turn or too few pixels are usable.
 */
export function fitDipole(image: MaskedImage, psf: Kernel, positive: Lobe, negative: Lobe): Dipole | undefined {
  const radius = psf.half * 0.8
  const [mx, my] = [(positive.x + negative.x) / 2, (positive.y + negative.y) / 2]
  const pixels = usable(image, mx, my, radius)
  if (pixels.length < 30) return undefined
  let lobes: [Lobe, Lobe] = [positive, negative]
  let damping = 1e-2
  let now = evaluate(image, psf, lobes, pixels)
  for (let round = 0; round < 25; round++) {
    const matrix = now.matrix.slice()
    for (let i = 0; i < 6; i++) matrix[i * 7]! *= 1 + damping
    const step = solveSymmetric(matrix, now.right)
    if (!step) return undefined
    const moved = lobes.map((lobe, k) => advance(lobe, step.subarray(3 * k, 3 * k + 3))) as [Lobe, Lobe]
    const next = evaluate(image, psf, moved, pixels)
    const better = next.chi2 < now.chi2
    damping *= better ? 0.3 : 5
    if (!better && damping > 1e4) break
    if (!better) continue
    const settled = now.chi2 - next.chi2 < 1e-4 * now.chi2
    ;[lobes, now] = [moved, next]
    if (settled) break
  }
  const [a, b] = lobes
  const far = lobes.some(({ x, y }) => Math.hypot(x - mx, y - my) > radius)
  if (far || !(a.flux > 0) || !(b.flux < 0)) return undefined
  const error = Math.sqrt(1 / now.matrix[0]!)
  return { positive: a, negative: b, error, chi2: now.chi2 / (pixels.length - 6), pixels: pixels.length }
}

/** A step of the fit is at most half a pixel. */
function advance({ x, y, flux }: Lobe, step: Float64Array): Lobe {
  const clamp = (d: number) => Math.max(-0.5, Math.min(0.5, d))
  return { flux: flux + step[0]!, x: x + clamp(step[1]!), y: y + clamp(step[2]!) }
}

function usable({ width, height, mask, variance }: MaskedImage, x: number, y: number, radius: number): number[] {
  const pixels: number[] = []
  for (let v = Math.max(0, Math.ceil(y - radius)); v <= Math.min(height - 1, y + radius); v++)
    for (let u = Math.max(0, Math.ceil(x - radius)); u <= Math.min(width - 1, x + radius); u++) {
      const i = v * width + u
      if ((u - x) ** 2 + (v - y) ** 2 <= radius * radius && mask[i] === 0 && variance[i]! > 0) pixels.push(i)
    }
  return pixels
}

function evaluate(image: MaskedImage, psf: Kernel, lobes: readonly [Lobe, Lobe], pixels: readonly number[]) {
  const { half } = psf
  const n = 2 * half + 1
  const stamps = lobes.map(({ x, y, flux }) => {
    const [cx, cy] = [Math.round(x), Math.round(y)]
    return { cx, cy, flux, data: shifted(psf.data, half, x - cx, y - cy) }
  })
  const [matrix, right, terms] = [new Float64Array(36), new Float64Array(6), new Float64Array(6)]
  let chi2 = 0
  for (const i of pixels) {
    const [u, v] = [i % image.width, Math.floor(i / image.width)]
    let model = 0
    stamps.forEach(({ cx, cy, flux, data }, s) => {
      const [sx, sy] = [u - cx + half, v - cy + half]
      const inside = sx > 0 && sy > 0 && sx < n - 1 && sy < n - 1
      const k = sy * n + sx
      terms[3 * s] = inside ? data[k]! : 0
      terms[3 * s + 1] = inside ? (flux * (data[k - 1]! - data[k + 1]!)) / 2 : 0
      terms[3 * s + 2] = inside ? (flux * (data[k - n]! - data[k + n]!)) / 2 : 0
      model += flux * terms[3 * s]!
    })
    const weight = 1 / image.variance[i]!
    const rest = image.image[i]! - model
    chi2 += weight * rest * rest
    for (let a = 0; a < 6; a++) {
      right[a]! += weight * terms[a]! * rest
      for (let b = 0; b < 6; b++) matrix[a * 6 + b]! += weight * terms[a]! * terms[b]!
    }
  }
  return { matrix, right, chi2 }
}
