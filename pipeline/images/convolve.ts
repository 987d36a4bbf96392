import type { Plane } from './fits.ts'
import { multiply, total } from './image.ts'
import { eigenSymmetric } from './linear.ts'
import { Strip, strips } from './strip.ts'

/** A square stencil of odd side: `data[(dy + half) * (2 * half + 1) + dx + half]`. */
export interface Kernel {
  readonly half: number
  readonly data: Float64Array
}

/** A kernel as a sum of products column(y) · row(x). */
export type Separable = readonly { readonly column: Float64Array; readonly row: Float64Array }[]

/** What the pixels pass is written as loops: a function made anew for every kernel would be compiled anew for every chip. */
export const kernelSum = ({ data }: Kernel): number => total(data)
export const flipped = ({ half, data }: Kernel): Kernel => ({ half, data: data.slice().reverse() })
export const squared = ({ half, data }: Kernel): Kernel => {
  const out = data.slice()
  for (let i = 0; i < out.length; i++) out[i]! *= data[i]!
  return { half, data: out }
}
export const scaled = ({ half, data }: Kernel, by: number): Kernel => ({ half, data: multiply(data.slice(), by) })

/**
 * Several kernels of one size as products with common rows: kernel k = Σ columns[k](y) · row(x), so that an image needs to pass each row
 * but once for all of them. It is the singular value decomposition of the kernels stacked upon each other, cut where the rest is below
 * `tolerance` × the largest singular value. A round PSF of 31 × 31 alone needs 3 or 4 terms: 250 multiplications a pixel, not 961.
 */
export function separateAll(
  kernels: readonly Kernel[],
  tolerance: number,
): { row: Float64Array; columns: Float64Array[] }[] {
  const n = 2 * kernels[0]!.half + 1
  const gram = new Float64Array(n * n)
  for (const { data } of kernels)
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0
        for (let k = 0; k < n; k++) sum += data[k * n + i]! * data[k * n + j]!
        gram[i * n + j]! += sum
      }
  const { values, vectors } = eigenSymmetric(gram, n)
  const order = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b)
  const largest = Math.sqrt(Math.max(0, values[order[0]!]!))
  return order
    .filter(k => values[k]! > 0 && Math.sqrt(values[k]!) > tolerance * largest)
    .map(k => {
      const row = new Float64Array(n)
      for (let i = 0; i < n; i++) row[i] = vectors[i * n + k]!
      return { row, columns: kernels.map(kernel => timesRow(kernel, row)) }
    })
}

/** Σ_x K(x, y) · row(x). */
function timesRow({ data }: Kernel, row: Float64Array): Float64Array {
  const n = row.length
  const column = new Float64Array(n)
  for (let y = 0; y < n; y++) {
    let sum = 0
    for (let x = 0; x < n; x++) sum += data[y * n + x]! * row[x]!
    column[y] = sum
  }
  return column
}

/** One kernel as few separable terms. */
export const separate = (kernel: Kernel, tolerance = 1e-4): Separable =>
  separateAll([kernel], tolerance).map(({ row, columns }) => ({ row, column: columns[0]! }))

/** Convolution, Σ_u K(u) · image(p − u); outside the image is 0. In float32: an error of 10⁻⁷ of what the kernel meets. */
export function convolve(plane: Plane, terms: Separable): Float32Array {
  const { width, height } = plane
  const out = new Float32Array(width * height)
  if (terms.length === 0) return out
  const strip = new Strip(plane, (terms[0]!.row.length - 1) / 2, height)
  for (const { from, to } of strips(width)) {
    strip.load(from)
    for (const { column, row } of terms) {
      strip.alongRows(row.toReversed())
      strip.addColumns(column.toReversed())
    }
    strip.unload(out, from, to - from, width)
  }
  return out
}

/** Correlation, Σ_u P(u) · image(p + u): what a matched filter does. */
export const correlate = (plane: Plane, kernel: Kernel, tolerance?: number): Float32Array =>
  convolve(plane, separate(flipped(kernel), tolerance))

/** The middle of a kernel. */
export function trimmed({ half: from, data }: Kernel, half: number): Kernel {
  const [n, m] = [2 * half + 1, 2 * from + 1]
  const out = new Float64Array(n * n)
  for (let y = 0; y < n; y++) {
    const at = (y - half + from) * m - half + from
    out.set(data.subarray(at, at + n), y * n)
  }
  return { half, data: out }
}

/** Two kernels one after the other; the result has the sum of both half sizes. */
export function chain(a: Kernel, b: Kernel): Kernel {
  const half = a.half + b.half
  const n = 2 * half + 1
  const [na, nb] = [2 * a.half + 1, 2 * b.half + 1]
  const data = new Float64Array(n * n)
  for (let ay = 0; ay < na; ay++)
    for (let ax = 0; ax < na; ax++) {
      const weight = a.data[ay * na + ax]!
      if (weight === 0) continue
      for (let by = 0; by < nb; by++)
        for (let bx = 0; bx < nb; bx++) data[(ay + by) * n + ax + bx]! += weight * b.data[by * nb + bx]!
    }
  return { half, data }
}
