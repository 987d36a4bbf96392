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
 * The kernel as few separable terms: its singular value decomposition, cut where the rest is below `tolerance` × `reference`
 * (by default the largest singular value). A round PSF of 31 × 31 needs 3 or 4 terms: 250 multiplications a pixel, not 961.
 */
export function separate({ half, data }: Kernel, tolerance = 1e-4, reference?: number): Separable {
  const n = 2 * half + 1
  const gram = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let k = 0; k < n; k++) sum += data[k * n + i]! * data[k * n + j]!
      gram[i * n + j] = sum
    }
  const { values, vectors } = eigenSymmetric(gram, n)
  const order = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b)
  const largest = reference ?? Math.sqrt(Math.max(0, values[order[0]!]!))
  return order
    .filter(k => values[k]! > 0 && Math.sqrt(values[k]!) > tolerance * largest)
    .map(k => {
      const row = Float64Array.from({ length: n }, (_, i) => vectors[i * n + k]!)
      const column = Float64Array.from({ length: n }, (_, y) =>
        row.reduce((sum, v, x) => sum + data[y * n + x]! * v, 0),
      )
      return { column, row }
    })
}

/** Largest singular value: the reference by which several kernels of one sum are cut alike. */
export const strength = (kernel: Kernel): number => {
  const first = separate(kernel, 0.99)[0]
  return first ? Math.hypot(...first.column) : 0
}

/** Convolution, Σ_u K(u) · image(p − u); outside the image is 0. */
export function convolve(plane: Plane, terms: Separable): Float32Array {
  const { width, height } = plane
  const out = new Float32Array(width * height)
  const half = ((terms[0]?.row.length ?? 1) - 1) / 2
  // Rows above and below the image stay 0, so that the column pass has no edges.
  const lines = new Float32Array((height + 2 * half + 4) * width)
  for (const { column, row } of terms) {
    alongRows(plane, row, lines.subarray(half * width))
    addColumns(lines, width, height, column, out)
  }
  return out
}

/** Correlation, Σ_u P(u) · image(p + u): what a matched filter does. */
export const correlate = (plane: Plane, kernel: Kernel, tolerance?: number): Float32Array =>
  convolve(plane, separate(flipped(kernel), tolerance))

/** Four pixels at a time: each tap is loaded once for them. */
function alongRows({ width, height, data }: Plane, taps: Float64Array, out: Float32Array): void {
  const n = taps.length
  const line = new Float64Array(width + n + 3)
  const reversed = taps.slice().reverse()
  const quads = width & ~3
  for (let y = 0; y < height; y++) {
    const base = y * width
    line.set(data.subarray(base, base + width), (n - 1) / 2)
    for (let x = 0; x < quads; x += 4) {
      let a = 0
      let b = 0
      let c = 0
      let d = 0
      for (let k = 0; k < n; k++) {
        const tap = reversed[k]!
        const at = x + k
        a += tap * line[at]!
        b += tap * line[at + 1]!
        c += tap * line[at + 2]!
        d += tap * line[at + 3]!
      }
      out[base + x] = a
      out[base + x + 1] = b
      out[base + x + 2] = c
      out[base + x + 3] = d
    }
    for (let x = quads; x < width; x++) {
      let sum = 0
      for (let k = 0; k < n; k++) sum += reversed[k]! * line[x + k]!
      out[base + x] = sum
    }
  }
}

/** Four taps at a time: the sums of a line are loaded and stored once for them. */
function addColumns(lines: Float32Array, width: number, height: number, taps: Float64Array, out: Float32Array): void {
  const n = taps.length
  const reversed = new Float64Array(n + 3)
  reversed.set(taps.slice().reverse())
  const sums = new Float64Array(width)
  for (let y = 0; y < height; y++) {
    sums.fill(0)
    for (let k = 0; k < n; k += 4) {
      const t0 = reversed[k]!
      const t1 = reversed[k + 1]!
      const t2 = reversed[k + 2]!
      const t3 = reversed[k + 3]!
      const r0 = (y + k) * width
      const r1 = r0 + width
      const r2 = r1 + width
      const r3 = r2 + width
      for (let x = 0; x < width; x++)
        sums[x]! += t0 * lines[r0 + x]! + t1 * lines[r1 + x]! + t2 * lines[r2 + x]! + t3 * lines[r3 + x]!
    }
    const base = y * width
    for (let x = 0; x < width; x++) out[base + x]! += sums[x]!
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
