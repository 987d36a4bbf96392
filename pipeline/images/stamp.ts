import { STAMP_WASM } from './stamp.generated.ts'
import { type Memory, makeRoom, routinesOf } from './vectors.ts'

/** What stamp.wat exports. */
interface Routines {
  readonly memory: Memory
  readonly alongLines: (
    from: number,
    fromStride: number,
    step: number,
    to: number,
    toStride: number,
    width: number,
    height: number,
    taps: number,
    n: number,
  ) => void
  readonly products: (u: number, f: number, stride: number, to: number) => void
}

const { memory, alongLines, products } = routinesOf<Routines>(STAMP_WASM)

const BYTES = 8
/** A pass writes, and reads, up to seven values behind the last that it is asked for. */
const SLACK = 8
/** Taps this far below a filter's largest change nothing that is kept in float32. */
const NEGLIGIBLE = 1e-10

/** The memory for so many values. */
function room(values: number): Float64Array {
  makeRoom(memory, values * BYTES)
  return new Float64Array(memory.buffer)
}

/** A filter in the memory, turned round as a correlation needs it, without its negligible ends: `skip` taps of each. */
function placeTaps(values: Float64Array, at: number, factor: Float64Array, scale: number) {
  let most = 0
  for (let k = 0; k < factor.length; k++) most = Math.max(most, Math.abs(factor[k]!))
  let skip = 0
  while (2 * skip < factor.length && Math.abs(factor[skip]!) <= NEGLIGIBLE * most) skip++
  const n = Math.max(0, factor.length - 2 * skip)
  for (let k = 0; k < n; k++) values[at + k] = scale * factor[factor.length - 1 - skip - k]!
  return { skip, n }
}

/** A product of a row and a column, by their places in a list of factors. */
export interface Product {
  readonly x: number
  readonly y: number
  readonly scale: number
}

/**
 * A square stamp of side `wide` convolved with products of `factors`, all of one odd length, and each as large at its one end as at the other. The results of
 * side `wide` − length + 1 lie one behind the other; they are valid until the next call of a function of this file.
 */
export function convolveStamp(
  stamp: Float64Array,
  wide: number,
  factors: readonly Float64Array[],
  terms: readonly Product[],
): Float64Array {
  const length = factors[0]!.length
  const side = wide - length + 1
  const lineValues = wide * side
  const taps = stamp.length + SLACK
  const lines = taps + length
  const results = lines + factors.length * lineValues + SLACK
  const values = room(results + terms.length * side * side + SLACK)
  values.set(stamp)
  factors.forEach((factor, i) => {
    const { skip, n } = placeTaps(values, taps, factor, 1)
    const to = (lines + i * lineValues) * BYTES
    alongLines(skip * BYTES, wide * BYTES, BYTES, to, side * BYTES, side, wide, taps * BYTES, n)
  })
  terms.forEach(({ x, y, scale }, i) => {
    const { skip, n } = placeTaps(values, taps, factors[y]!, scale)
    const from = (lines + x * lineValues + skip * side) * BYTES
    // Rows of lines lie behind each other: down the columns, a stamp is one line.
    alongLines(from, 0, side * BYTES, (results + i * side * side) * BYTES, 0, side * side, 1, taps * BYTES, n)
  })
  return values.subarray(results, results + terms.length * side * side)
}

/**
 * Weighted products of functions with each other (n × n, row by row) and with what their sum shall be. The functions lie one behind the other, each as long
 * as `target` and `weight`.
 */
export function normalEquations(functions: Float32Array, target: Float32Array, weight: Float64Array) {
  const pixels = target.length
  const n = functions.length / pixels
  // The target is one more function; all are filled up with zeros, and their number too, for two and four go at a time.
  const [stride, most] = [roundedUp(pixels, 2), roundedUp(n + 1, 4)]
  const sums = most * stride
  const values = room(sums + 8)
  values.fill(0, n * stride, sums)
  const root = weight.map(Math.sqrt)
  for (let f = 0; f <= n; f++) {
    const [from, first] = f < n ? [functions, f * pixels] : [target, 0]
    for (let p = 0; p < pixels; p++) values[f * stride + p] = from[first + p]! * root[p]!
    values.fill(0, f * stride + pixels, (f + 1) * stride)
  }
  const [gram, right] = [new Float64Array(n * n), new Float64Array(n)]
  for (let i = 0; i <= n; i += 2)
    for (let j = 0; j <= i + 1; j += 4) {
      products(i * stride * BYTES, j * stride * BYTES, stride * BYTES, sums * BYTES)
      for (let k = 0; k < 8; k++) {
        const [a, b] = [i + (k >> 2), j + (k & 3)]
        if (b > a || b >= n) continue
        if (a < n) gram[a * n + b] = gram[b * n + a] = values[sums + k]!
        else if (a === n) right[b] = values[sums + k]!
      }
    }
  return { gram, right }
}

const roundedUp = (value: number, to: number) => Math.ceil(value / to) * to
