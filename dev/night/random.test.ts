import { describe, expect, it } from 'vitest'
import { randomOf } from './random.ts'

const moments = (draw: () => number, n = 400_000) => {
  const values = Float64Array.from({ length: n }, draw)
  const mean = values.reduce((a, b) => a + b) / n
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / n
  return { mean, variance, skew: values.reduce((a, b) => a + (b - mean) ** 3, 0) / n / variance ** 1.5 }
}

describe('random numbers', () => {
  it.each([0.3, 3, 12, 60, 900])('poisson of mean %d has its mean, variance and skew', mean => {
    const random = randomOf(1, 'poisson', mean)
    const found = moments(() => random.poisson(mean))
    expect(Math.abs(found.mean - mean)).toBeLessThan(5 * Math.sqrt(mean / 400_000))
    expect(found.variance / mean).toBeCloseTo(1, 1.5)
    expect(Math.abs(found.skew - 1 / Math.sqrt(mean))).toBeLessThan(0.03)
  })

  it('normal has mean 0, variance 1, no skew, and its tails', () => {
    const random = randomOf(2, 'normal')
    const found = moments(random.normal)
    expect(Math.abs(found.mean)).toBeLessThan(0.008)
    expect(found.variance).toBeCloseTo(1, 1.7)
    expect(Math.abs(found.skew)).toBeLessThan(0.02)
    const beyond = Array.from({ length: 400_000 }, random.normal).filter(x => Math.abs(x) > 3).length
    expect(beyond).toBeGreaterThan(900)
    expect(beyond).toBeLessThan(1260)
  })

  it('a stream depends on its seed and its purpose and on nothing else', () => {
    const ten = (...args: Parameters<typeof randomOf>) => {
      const random = randomOf(...args)
      return Array.from({ length: 10 }, random.uniform)
    }
    expect(ten(1, 'sky', 2)).toEqual(ten(1, 'sky', 2))
    expect(ten(1, 'sky', 2)).not.toEqual(ten(2, 'sky', 2))
    expect(ten(1, 'sky', 2)).not.toEqual(ten(1, 'sky', 3))
    expect(ten(1, 'sky', 2)).not.toEqual(ten(1, 'ksy', 2))
  })
})
