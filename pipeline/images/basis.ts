import { type Kernel } from './convolve.ts'
import { total } from './image.ts'
import { type Product, convolveStamp } from './stamp.ts'

/**
 * The Alard & Lupton (1998) basis: Gaussians of three widths times polynomials x^p·y^q, as products of a row and a column. All but the first
 * are made to sum to 0 (by subtracting the first where needed), so that the first coefficient alone is the photometric scale and the others may
 * vary over the chip without changing it (Alard 2000).
 */
export interface Basis {
  readonly half: number
  readonly rows: readonly Float64Array[]
  /** The factors along x and along y are those at these places in `rows`. */
  readonly terms: readonly (Product & {
    /** 1 where the first function is subtracted. */
    readonly minusFirst: 0 | 1
  })[]
}

const DEGREES = [4, 3, 2]
/** Half the side of the largest kernel. What it cannot reach of a star's wings is missing from its sum: 0.4 % at 12 px and a FWHM of 5 px. */
export const LARGEST_HALF = 12

/** `sigma` is the width of the Gaussian that would blur one PSF into the other; the three widths lie around it. */
export function makeBasis(sigma: number): Basis {
  const core = Math.min(4, Math.max(0.9, sigma))
  const widths = [Math.max(0.7, 0.5 * core), core, 3 * core]
  const half = Math.min(LARGEST_HALF, Math.max(8, Math.ceil(7.5 * core)))
  const rows: Float64Array[] = []
  const terms: Basis['terms'][number][] = []
  widths.forEach((width, which) => {
    const first = rows.length
    for (let power = 0; power <= DEGREES[which]!; power++) rows.push(factor(half, width, power))
    for (let p = 0; p <= DEGREES[which]!; p++)
      for (let q = 0; p + q <= DEGREES[which]!; q++) {
        const even = p % 2 === 0 && q % 2 === 0
        const sum = total(rows[first + p]!) * total(rows[first + q]!)
        const norm = Math.hypot(...rows[first + p]!) * Math.hypot(...rows[first + q]!)
        terms.push({
          x: first + p,
          y: first + q,
          scale: even ? 1 / sum : 1 / norm,
          minusFirst: even && terms.length > 0 ? 1 : 0,
        })
      }
  })
  return { half, rows, terms }
}

/** Powers are taken in units of the width, so that all factors are of one size. */
const factor = (half: number, width: number, power: number) =>
  Float64Array.from({ length: 2 * half + 1 }, (_, i) => {
    const x = (i - half) / width
    return x ** power * Math.exp(-0.5 * x * x)
  })

/** Σ coefficient · function as one kernel. */
export function combine({ half, rows, terms }: Basis, coefficients: readonly number[]): Kernel {
  const n = 2 * half + 1
  const data = new Float64Array(n * n)
  let first = coefficients[0]!
  for (let i = 0; i < terms.length; i++) first -= terms[i]!.minusFirst * coefficients[i]!
  for (let i = 0; i < terms.length; i++) {
    const { x, y, scale } = terms[i]!
    const [row, column, weight] = [rows[x]!, rows[y]!, scale * (i === 0 ? first : coefficients[i]!)]
    if (weight === 0) continue
    for (let v = 0; v < n; v++) for (let u = 0; u < n; u++) data[v * n + u]! += weight * row[u]! * column[v]!
  }
  return { half, data }
}

/**
 * Every basis function convolved with a square stamp (side 2·(reach + half) + 1) around its centre; results of side 2·reach + 1, one behind
 * the other.
 */
export function convolveBasis({ half, rows, terms }: Basis, stamp: Float64Array, reach: number): Float32Array {
  const products = convolveStamp(stamp, 2 * (reach + half) + 1, rows, terms)
  const functions = new Float32Array(products)
  const pixels = functions.length / terms.length
  for (let i = 0; i < terms.length; i++)
    if (terms[i]!.minusFirst)
      for (let p = 0; p < pixels; p++) functions[i * pixels + p] = products[i * pixels + p]! - products[p]!
  return functions
}
