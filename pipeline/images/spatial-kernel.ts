import { type Kernel, addColumns, alongRows, linesFor, separateAll, strips } from './convolve.ts'
import type { Plane } from './fits.ts'

/** The kernel that makes one image look like the other, as polynomials over the chip, and the differential background. */
export interface KernelFit {
  readonly width: number
  readonly height: number
  /** Order of the kernel's polynomials in x and y: 0, 1 or 2. */
  readonly order: number
  /** One kernel per polynomial term (see `polynomials`); all but the first sum to 0. */
  readonly kernels: readonly Kernel[]
  /** Coefficients of 1, x, y. */
  readonly background: readonly [number, number, number]
  /** Target units per unit of the convolved image: the photometric scale. */
  readonly sum: number
  readonly stars: number
  /** Median over the stars used, per degree of freedom. */
  readonly chi2: number
}

/** 1, x, y, x², xy, y² up to an order, of coordinates from −1 to 1 over the chip. */
export function polynomials(order: number, x: number, y: number, width: number, height: number): number[] {
  const [u, v] = [(2 * x) / width - 1, (2 * y) / height - 1]
  return [1, ...(order > 0 ? [u, v] : []), ...(order > 1 ? [u * u, u * v, v * v] : [])]
}

/** The kernel at a pixel. */
export function kernelAt({ kernels, order, width, height }: KernelFit, x: number, y: number): Kernel {
  const terms = polynomials(order, x, y, width, height)
  const data = kernels[0]!.data.map((_, i) => kernels.reduce((sum, kernel, k) => sum + terms[k]! * kernel.data[i]!, 0))
  return { half: kernels[0]!.half, data }
}

/** Powers of u and v in the terms of `polynomials`. */
const POWERS = [
  [0, 0],
  [1, 0],
  [0, 1],
  [2, 0],
  [1, 1],
  [0, 2],
] as const
/**
 * Rows below this share of the largest singular value are left out: the image's error is then 0.006 σ, 0.3 σ and 0.08 % at worst in stars. Cut at
 * 10⁻³ it would be 1.5 % there, for three rows less.
 */
const TOLERANCE = 3e-4
/** So many rows of the chip share one v: a kernel changes by less than the rows left out over their half. */
const SHARED = 8

/**
 * K ⊗ image with the kernel of each pixel (no background). The image reaches `pad` pixels over the chip on each side, so that the kernel finds
 * light there too; the result is the chip.
 *
 * All polynomial terms share their rows (see `separateAll`), so that the image passes few of them, and each but one column, whatever the order: at
 * each pixel the terms' columns are summed before they are applied. For the sums to be cheap, eight rows of the chip take the v of their middle.
 */
export function applyKernel(fit: KernelFit, padded: Plane, pad: number): Float32Array {
  const { width, height, kernels, order } = fit
  const out = new Float32Array(width * height)
  const lines = linesFor(padded, kernels[0]!.half)
  const terms = separateAll(kernels, TOLERANCE)
  for (const { from, to } of strips(width))
    for (const { row, columns } of terms) {
      alongRows(padded, row, lines, from + pad, to + pad)
      const ofV = [0, 1, 2].slice(0, order + 1).map(power => tapsOf(columns, power, fit, from, to))
      const taps = ofV[0]!.slice()
      for (let y = 0; y < height; y += SHARED) {
        if (order > 0) evaluate(ofV, (2 * (y + (SHARED - 1) / 2)) / height - 1, taps)
        const box = { y: y + pad, width: to - from, height: Math.min(SHARED, height - y) }
        addColumns(lines, box, taps, columns[0]!.length, { data: out, at: y * width + from, width })
      }
    }
  return out
}

/** For columns `from` to before `to` of the chip, the taps (of a correlation) that belong to v^power there. */
function tapsOf(
  columns: readonly Float64Array[],
  power: number,
  { width }: KernelFit,
  from: number,
  to: number,
): Float64Array {
  const n = columns[0]!.length
  const taps = new Float64Array((to - from) * n)
  columns.forEach((column, k) => {
    const [ofU, ofV] = POWERS[k]!
    if (ofV !== power) return
    for (let x = from; x < to; x++) {
      const weight = ((2 * x) / width - 1) ** ofU
      for (let i = 0; i < n; i++) taps[(x - from) * n + i]! += weight * column[n - 1 - i]!
    }
  })
  return taps
}

/** Σ ofV[power] · v^power, power 0 to 1 or 2. */
function evaluate([constant, linear, square = linear]: readonly Float64Array[], v: number, taps: Float64Array): void {
  const v2 = square === linear ? 0 : v * v
  for (let k = 0; k < taps.length; k++) taps[k] = constant![k]! + v * linear![k]! + v2 * square![k]!
}
