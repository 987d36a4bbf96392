import fc from 'fast-check'
import { expect, it } from 'vitest'
import { convolveStamp, normalEquations } from './stamp.ts'

const numbers = (n: number, seed: number) => Float64Array.from({ length: n }, (_, i) => Math.sin(seed + 1.7 * i * i))

it('convolves a stamp with products of rows and columns, whatever their ends are', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 19 }), fc.nat(2), (half, side, zeros) => {
      const n = 2 * half + 1
      const wide = side + 2 * half
      const stamp = numbers(wide * wide, 1)
      const factors = [numbers(n, 2), numbers(n, 3)]
      const skip = Math.min(zeros, half)
      factors[0]!.fill(0, 0, skip).fill(0, n - skip)
      const terms = [
        { x: 0, y: 1, scale: 1 },
        { x: 1, y: 0, scale: -2 },
        { x: 1, y: 1, scale: 0.5 },
      ]
      const expected = terms.flatMap(({ x, y, scale }) =>
        Array.from({ length: side * side }, (_, p) => {
          let sum = 0
          for (let v = 0; v < n; v++)
            for (let u = 0; u < n; u++) {
              const from = (Math.floor(p / side) + n - 1 - v) * wide + (p % side) + n - 1 - u
              sum += scale * factors[x]![u]! * factors[y]![v]! * stamp[from]!
            }
          return sum
        }),
      )
      const results = convolveStamp(stamp, wide, factors, terms)
      expect(results.length).toBe(expected.length)
      expected.forEach((value, i) => expect(results[i]).toBeCloseTo(value, 10))
    }),
    { numRuns: 30 },
  )
})

it('sums the products of any number of functions over any number of pixels', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 30 }), (n, pixels) => {
      const functions = new Float32Array(numbers(n * pixels, 4))
      const target = new Float32Array(numbers(pixels, 5))
      const weight = numbers(pixels, 6).map(Math.abs)
      const { gram, right } = normalEquations(functions, target, weight)
      const product = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, p) => sum + v * b[p]! * weight[p]!, 0)
      const of = (f: number) => functions.subarray(f * pixels, (f + 1) * pixels)
      for (let i = 0; i < n; i++) {
        expect(right[i]).toBeCloseTo(product(of(i), target), 12)
        for (let j = 0; j < n; j++) expect(gram[i * n + j]).toBeCloseTo(product(of(i), of(j)), 12)
      }
    }),
  )
})
