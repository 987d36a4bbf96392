import type { Plane } from './fits.ts'
import { eigenSymmetric } from './linear.ts'

/** A square stencil of odd side: `data[(dy + half) * (2 * half + 1) + dx + half]`. */
export interface Kernel {
  readonly half: number
  readonly data: Float64Array
}

/** A kernel as a sum of products column(y) · row(x). */
export type Separable = readonly { readonly column: Float64Array; readonly row: Float64Array }[]

export const kernelSum = ({ data }: Kernel): number => data.reduce((sum, value) => sum + value, 0)
export const flipped = ({ half, data }: Kernel): Kernel => ({ half, data: data.slice().reverse() })
export const squared = ({ half, data }: Kernel): Kernel => ({ half, data: data.map(value => value * value) })
export const scaled = ({ half, data }: Kernel, by: number): Kernel => ({ half, data: data.map(value => value * by) })

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
      const row = Float64Array.from({ length: n }, (_, i) => vectors[i * n + k]!)
      const columns = kernels.map(({ data }) =>
        Float64Array.from({ length: n }, (_, y) => row.reduce((sum, v, x) => sum + data[y * n + x]! * v, 0)),
      )
      return { row, columns }
    })
}

/** One kernel as few separable terms. */
export const separate = (kernel: Kernel, tolerance = 1e-4): Separable =>
  separateAll([kernel], tolerance).map(({ row, columns }) => ({ row, column: columns[0]! }))

/** Convolution, Σ_u K(u) · image(p − u); outside the image is 0. */
export function convolve(plane: Plane, terms: Separable): Float32Array {
  const { width, height } = plane
  const out = new Float32Array(width * height)
  if (terms.length === 0) return out
  const lines = linesFor(plane, (terms[0]!.row.length - 1) / 2)
  for (const { from, to } of strips(width))
    for (const { column, row } of terms) {
      alongRows(plane, row, lines, from, to)
      addColumns(lines, { y: 0, width: to - from, height }, column.slice().reverse(), 0, { data: out, at: from, width })
    }
  return out
}

/** Correlation, Σ_u P(u) · image(p + u): what a matched filter does. */
export const correlate = (plane: Plane, kernel: Kernel, tolerance?: number): Float32Array =>
  convolve(plane, separate(flipped(kernel), tolerance))

/** Columns that pass the filters together: their lines are half a megabyte, which stays in the cache from the row pass to the column pass. */
const STRIP = 64

/** The image cut into strips, columns `from` to before `to`. */
export const strips = (width: number): { from: number; to: number }[] =>
  Array.from({ length: Math.ceil(width / STRIP) }, (_, i) => ({
    from: i * STRIP,
    to: Math.min(width, (i + 1) * STRIP),
  }))

/** Rows of a strip that have passed a filter; `half` rows of zeros above and below (and three more), so that the column pass has no edges. */
export interface Lines {
  readonly half: number
  readonly data: Float64Array
}

/** An odd number of cache lines: rows a power of two apart would fight for the same few places in the cache. */
const STRIDE = STRIP + 8

export const linesFor = ({ height }: Plane, half: number): Lines => ({
  half,
  data: new Float64Array((height + 2 * half + 3) * STRIDE),
})

/**
 * Convolves columns `begin` to before `end` of every row with `taps`. Four pixels at once stay in registers, and of the four neighbours that a tap
 * needs, three are those of the tap before.
 */
export function alongRows(
  { width, height, data }: Plane,
  taps: Float64Array,
  { half, data: out }: Lines,
  begin: number,
  end: number,
): void {
  const n = taps.length
  const line = new Float64Array(STRIP + n + 3)
  const reversed = taps.slice().reverse()
  const [first, last] = [Math.max(0, begin - half), Math.min(width, end + half)]
  for (let y = 0; y < height; y++) {
    for (let x = first, from = y * width; x < last; x++) line[half + x - begin] = data[from + x]!
    const to = (y + half) * STRIDE
    // Up to three pixels too many: there is room for them in the stride, and nobody reads them.
    for (let x = 0; x < end - begin; x += 4) {
      let a = 0
      let b = 0
      let c = 0
      let d = 0
      let p = line[x]!
      let q = line[x + 1]!
      let r = line[x + 2]!
      for (let k = 0; k < n; k++) {
        const tap = reversed[k]!
        const s = line[x + k + 3]!
        a += tap * p
        b += tap * q
        c += tap * r
        d += tap * s
        p = q
        q = r
        r = s
      }
      out[to + x] = a
      out[to + x + 1] = b
      out[to + x + 2] = c
      out[to + x + 3] = d
    }
  }
}

/** An image of this width, where sums are added from `at` on. */
interface Target {
  readonly data: Float32Array
  readonly at: number
  readonly width: number
}

/**
 * Correlates the columns of a strip, rows `y` to before `y + height`, with the taps that begin at x · `step` of `taps` (x within the strip; 0: the
 * same taps for all) and adds the sums to the target. Four rows at once as `alongRows` has its pixels.
 */
export function addColumns(
  { half, data }: Lines,
  { y: top, width, height }: { readonly y: number; readonly width: number; readonly height: number },
  taps: Float64Array,
  step: number,
  { data: out, at, width: pitch }: Target,
): void {
  const n = 2 * half + 1
  for (let y = 0; y < height; y += 4)
    for (let x = 0, to = at + y * pitch; x < width; x++, to++) {
      let from = (top + y) * STRIDE + x
      let a = 0
      let b = 0
      let c = 0
      let d = 0
      let p = data[from]!
      let q = data[from + STRIDE]!
      let r = data[from + 2 * STRIDE]!
      from += 3 * STRIDE
      for (let k = x * step, end = k + n; k < end; k++, from += STRIDE) {
        const tap = taps[k]!
        const s = data[from]!
        a += tap * p
        b += tap * q
        c += tap * r
        d += tap * s
        p = q
        q = r
        r = s
      }
      out[to]! += a
      if (y + 1 < height) out[to + pitch]! += b
      if (y + 2 < height) out[to + 2 * pitch]! += c
      if (y + 3 < height) out[to + 3 * pitch]! += d
    }
}

/** The middle of a kernel. */
export function trimmed({ half: from, data }: Kernel, half: number): Kernel {
  const [n, m] = [2 * half + 1, 2 * from + 1]
  const out = Float64Array.from(
    { length: n * n },
    (_, i) => data[(Math.floor(i / n) - half + from) * m + (i % n) - half + from]!,
  )
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
