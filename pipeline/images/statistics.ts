/**
 * Median of unsorted values; NaN when there are none. The argument is not changed. NaN counts as larger than every number, as it does when sorted.
 */
export function median(values: Float32Array | Float64Array | readonly number[]): number {
  const own = new Float64Array(values)
  let numbers = 0
  for (let i = 0; i < own.length; i++) {
    const value = own[i]!
    if (!Number.isNaN(value)) own[numbers++] = value
  }
  const middle = own.length >> 1
  if (middle >= numbers) return NaN
  select(own.subarray(0, numbers), middle)
  if (own.length % 2 === 1) return own[middle]!
  let before = -Infinity
  for (let i = 0; i < middle; i++) before = Math.max(before, own[i]!)
  return (before + own[middle]!) / 2
}

/** Moves into place k what sorting would put there, nothing larger before it and nothing smaller behind it (Hoare 1961). No NaN is allowed. */
function select(values: Float64Array, k: number): void {
  let [low, high] = [0, values.length - 1]
  while (low < high) {
    const pivot = values[(low + high) >> 1]!
    let i = low
    let j = high
    while (i <= j) {
      while (values[i]! < pivot) i++
      while (values[j]! > pivot) j--
      if (i > j) break
      const swapped = values[i]!
      values[i++] = values[j]!
      values[j--] = swapped
    }
    if (k <= j) high = j
    else if (k >= i) low = i
    else return
  }
}

const medianOfSorted = (sorted: Float32Array, from: number, to: number) => {
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

const DIGITS = 2048
/** Places of the three digits' values, and the keys on their way: kept between calls, since to allocate them costs as much as a round. */
const places = new Uint32Array(3 * DIGITS)
let [keys, others] = [new Uint32Array(0), new Uint32Array(0)]
/** What is kept for a cell is not kept for a whole chip, which is sorted once. */
const MOST_KEPT = 1 << 16

/**
 * Sorts as `values.sort()` does, ten times as fast for the cells of an image: by radix, three rounds of 11 bits. Read as integers, positive floats stand
 * in their order already; with the sign flipped for those and all bits for negative ones, all of them do.
 */
export function sortFloats(values: Float32Array): void {
  const n = values.length
  if (n < WORTH_COUNTING) return void values.sort()
  const [from, to] = keys.length < n ? [new Uint32Array(n), new Uint32Array(n)] : [keys, others]
  if (n <= MOST_KEPT) [keys, others] = [from, to]
  const bits = new Uint32Array(values.buffer, values.byteOffset, n)
  countDigits(bits, from)
  for (let i = 0; i < n; i++) to[places[from[i]! & 2047]!++] = from[i]!
  for (let i = 0; i < n; i++) from[places[DIGITS + ((to[i]! >>> 11) & 2047)]!++] = to[i]!
  for (let i = 0; i < n; i++) {
    const key = from[i]!
    bits[places[2 * DIGITS + (key >>> 22)]!++] = key ^ (((key >> 31) ^ 0xffffffff) | 0x80000000)
  }
}

/** Turns the bits of floats into keys, and says in `places` where the keys with each value of a digit begin in the order of that digit. */
function countDigits(bits: Uint32Array, to: Uint32Array): void {
  places.fill(0)
  for (let i = 0; i < bits.length; i++) {
    const key = bits[i]! ^ ((bits[i]! >> 31) | 0x80000000)
    to[i] = key
    places[key & 2047]!++
    places[DIGITS + ((key >>> 11) & 2047)]!++
    places[2 * DIGITS + (key >>> 22)]!++
  }
  for (let digit = 0; digit < 3; digit++)
    for (let i = digit * DIGITS, sum = 0; i < (digit + 1) * DIGITS; i++) {
      const count = places[i]!
      places[i] = sum
      sum += count
    }
}

/** The standard deviation of a Gaussian cut at ±3σ is 0.986 σ: what is measured after clipping is divided by it. */
const CLIPPED_SIGMA = 0.9866

/**
 * Mean, median and standard deviation after clipping at 3σ around the median until nothing more falls out (at most 8 times).
 * Sorts `values` in place: on sorted values a clip only moves two ends. All NaN for no values.
 */
export function clipped(values: Float32Array): Clipped {
  sortFloats(values)
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
