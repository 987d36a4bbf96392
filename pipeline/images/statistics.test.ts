import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Random } from './scene.ts'
import { clipped, median, sortFloats } from './statistics.ts'

/** Pixels of every kind that a cell can hold: sky, sky around 0, few levels, one level, and outliers of both signs among them. */
const pixels = fc
  .record({
    n: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 500, max: 3000 })),
    seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    level: fc.constantFrom(0, 600, -3, 1e-30),
    noise: fc.constantFrom(0, 1e-3, 25),
    step: fc.constantFrom(0, 10),
    outliers: fc.constantFrom(0, 7, 300),
  })
  .map(({ n, seed, level, noise, step, outliers }) => {
    const random = new Random(seed)
    return Float32Array.from({ length: n }, (_, i) => {
      const value = level + noise * random.normal() + (outliers > 0 && i % outliers === 1 ? 1e4 * random.normal() : 0)
      return step > 0 ? step * Math.round(value / step) : value
    })
  })
const plain = (values: ArrayLike<number>) => Float64Array.from(values).sort()
const middleOf = (sorted: Float64Array) => {
  const n = sorted.length
  return n % 2 === 1 ? sorted[n >> 1]! : (sorted[n / 2 - 1]! + sorted[n / 2]!) / 2
}

describe('order', () => {
  it('sorts as the plain sort does, also a part of a longer array', () => {
    fc.assert(
      fc.property(pixels, values => {
        const all = Float32Array.from([NaN, ...values, 7])
        sortFloats(all.subarray(1, values.length + 1))
        expect(all).toEqual(Float32Array.from([NaN, ...plain(values), 7]))
      }),
    )
  })

  it('finds the median that sorting finds, NaN counted as the largest, and changes nothing', () => {
    const some = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double(), fc.constant(NaN)), { maxLength: 30 })
    fc.assert(
      fc.property(fc.oneof(pixels, some), values => {
        const before = values.slice()
        const expected = values.length === 0 ? NaN : middleOf(plain(values))
        // Adding 0 makes one zero of the two, which count as equal here.
        expect(median(values) + 0).toBe(expected + 0)
        expect(values).toEqual(before)
      }),
    )
  })
})

describe('clipping', () => {
  it('leaves what clipping the values one by one leaves', () => {
    fc.assert(
      fc.property(pixels, values => {
        const expected = clippedPlainly(values)
        const { mean, median: middle, sigma, n } = clipped(values)
        expect({ middle, n }).toEqual({ middle: expected.middle, n: expected.n })
        expect(mean).toBeCloseTo(expected.mean, 6)
        expect(sigma).toBeCloseTo(expected.sigma, 6)
      }),
    )
  })
})

function clippedPlainly(values: Float32Array) {
  let left = plain(values)
  for (let round = 0; ; round++) {
    const n = left.length
    const middle = middleOf(left)
    const offset = left.reduce((sum, value) => sum + (value - middle), 0) / n
    const square = left.reduce((sum, value) => sum + (value - middle) ** 2, 0) / n
    const sigma = Math.sqrt(Math.max(0, square - offset ** 2)) / (round === 0 ? 1 : 0.9866)
    const rest = left.filter(value => value >= middle - 3 * sigma && value <= middle + 3 * sigma)
    if (round === 7 || rest.length === 0 || (rest.length === n && round > 0))
      return { mean: middle + offset, middle, sigma, n }
    left = rest
  }
}
