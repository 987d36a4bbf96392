import { type Kernel, alongRows, eachFourRows, linesFor, separateAll } from './convolve.ts'
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
 * Rows below this share of the largest singular value are left out. A star's core is then right to a few parts in 10⁴: several times nearer to the
 * whole kernel than if each term were cut by itself at 10⁻³.
 */
const TOLERANCE = 3e-4

/**
 * K ⊗ image with the kernel of each pixel (no background). The image reaches `pad` pixels over the chip on each side, so that the kernel finds
 * light there too; the result is the chip.
 *
 * All polynomial terms share their rows (see `separateAll`). Down a column of the chip u is but a number, so the six columns of an order of 2
 * become three, those of 1, v and v²: half the multiplications of six convolutions weighed by their polynomials.
 */
export function applyKernel(fit: KernelFit, padded: Plane, pad: number): Float32Array {
  const { width, height, kernels, order } = fit
  const out = new Float32Array(width * height)
  const lines = linesFor(padded, kernels[0]!.half)
  for (const { row, columns } of separateAll(kernels, TOLERANCE)) {
    alongRows(padded, row, lines)
    for (let power = 0; power <= order; power++) {
      const taps = columnsAt(columns, power, padded.width, width, pad)
      eachFourRows(lines, padded.width, padded.height, taps, columns[0]!.length, (above, sums) => {
        for (let y = Math.max(above, pad); y < Math.min(above + 4, height + pad); y++) {
          const weight = ((2 * (y - pad)) / height - 1) ** power
          const from = (y - above) * padded.width + pad
          for (let x = 0, to = (y - pad) * width; x < width; x++, to++) out[to]! += weight * sums[from + x]!
        }
      })
    }
  }
  return out
}

/** For each column of the padded image, the taps (of a correlation) that belong to v^power there. */
function columnsAt(
  columns: readonly Float64Array[],
  power: number,
  padded: number,
  width: number,
  pad: number,
): Float64Array {
  const n = columns[0]!.length
  const taps = new Float64Array(padded * n)
  columns.forEach((column, k) => {
    const [ofU, ofV] = POWERS[k]!
    if (ofV !== power) return
    for (let x = 0; x < padded; x++) {
      const weight = ((2 * (x - pad)) / width - 1) ** ofU
      for (let i = 0; i < n; i++) taps[x * n + i]! += weight * column[n - 1 - i]!
    }
  })
  return taps
}
