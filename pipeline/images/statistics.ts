/** Median of unsorted values; NaN when there are none. The argument is not changed. */
export function median(values: Float32Array | Float64Array | readonly number[]): number {
  const sorted = new Float64Array(values).sort()
  return sorted.length === 0 ? NaN : medianOfSorted(sorted, 0, sorted.length)
}

const medianOfSorted = (sorted: Float32Array | Float64Array, from: number, to: number) => {
  const middle = (from + to) >> 1
  return (to - from) % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export interface Clipped {
  readonly mean: number
  readonly median: number
  readonly sigma: number
  readonly n: number
}

/** Below this the counting costs more than it saves. */
const WORTH_COUNTING = 512

/**
 * Sorts as `values.sort()` does, five times as fast for the cells of an image: by radix, three rounds of 11 bits. Read as integers, positive floats stand
 * in their order already; with the sign flipped for those and all bits for negative ones, all of them do.
 */
export function sortFloats(values: Float32Array): void {
  const n = values.length
  if (n < WORTH_COUNTING) return void values.sort()
  const bits = new Uint32Array(values.buffer, values.byteOffset, n)
  let [from, to] = [new Uint32Array(n), new Uint32Array(n)]
  for (let i = 0; i < n; i++) from[i] = bits[i]! ^ ((bits[i]! >> 31) | 0x80000000)
  const begins = new Uint32Array(2048)
  for (const shift of [0, 11, 22]) {
    begins.fill(0)
    for (let i = 0; i < n; i++) begins[(from[i]! >>> shift) & 2047]!++
    for (let digit = 0, sum = 0; digit < 2048; digit++) {
      const count = begins[digit]!
      begins[digit] = sum
      sum += count
    }
    for (let i = 0; i < n; i++) to[begins[(from[i]! >>> shift) & 2047]!++] = from[i]!
    ;[from, to] = [to, from]
  }
  for (let i = 0; i < n; i++) bits[i] = from[i]! ^ (((from[i]! >> 31) ^ 0xffffffff) | 0x80000000)
}

/** The standard deviation of a Gaussian cut at ±3σ is 0.986 σ: what is measured after clipping is divided by it. */
const CLIPPED_SIGMA = 0.9866

/**
 * Mean, median and standard deviation after clipping at 3σ around the median until nothing more falls out (at most 8 times).
 * Sorts `values` in place: on sorted values a clip only moves two ends. All NaN for no values.
 */
export function clipped(values: Float32Array | Float64Array): Clipped {
  if (values instanceof Float32Array) sortFloats(values)
  else values.sort()
  let [from, to] = [0, values.length]
  let result: Clipped = { mean: NaN, median: NaN, sigma: NaN, n: 0 }
  for (let round = 0; round < 8 && to > from; round++) {
    let [sum, squares] = [0, 0]
    const centre = medianOfSorted(values, from, to)
    for (let i = from; i < to; i++) {
      const d = values[i]! - centre
      sum += d
      squares += d * d
    }
    const n = to - from
    const sigma = Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2)) / (round === 0 ? 1 : CLIPPED_SIGMA)
    result = { mean: centre + sum / n, median: centre, sigma, n }
    const [low, high] = [centre - 3 * sigma, centre + 3 * sigma]
    const before = n
    while (from < to && values[from]! < low) from++
    while (to > from && values[to - 1]! > high) to--
    if (to - from === before && round > 0) break
  }
  return result
}
