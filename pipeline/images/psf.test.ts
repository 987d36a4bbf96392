import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { winged } from './moffat.ts'
import { medians } from './psf.ts'
import { median } from './statistics.ts'

describe('the stack of stars', () => {
  it('takes the median and the median distance from it out of one sort', () => {
    const number = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ min: -1e6, max: 1e6, noNaN: true }))
    const value = number.map(v => v + 0) // of −0 and 0 either may be the one in the middle
    fc.assert(
      fc.property(fc.array(value, { maxLength: 40 }), values => {
        const middle = median(values)
        const deviation = median(values.map(v => Math.abs(v - middle)))
        expect(medians(Float64Array.from(values).sort())).toEqual({ middle, deviation })
      }),
    )
  })

  it('gives a Moffat profile its own width, and takes off what lies under it', () => {
    const half = 16
    const n = 2 * half + 1
    const alpha = 5 / (2 * Math.sqrt(2 ** (1 / 3) - 1))
    const profile = Float64Array.from(
      { length: n * n },
      (_, i) => (1 + (((i % n) - half) ** 2 + (Math.floor(i / n) - half) ** 2) / alpha ** 2) ** -3,
    )
    const { kernel, fwhm } = winged({ half, data: profile.map(v => 3 * v + 0.01) }, 5.2)
    expect(fwhm).toBeCloseTo(5, 1)
    const total = (Math.PI * alpha ** 2) / 2
    for (const i of [half * n + half, half * n + half + 6, half * n, 0])
      expect((kernel.data[i]! * total) / profile[i]!).toBeCloseTo(1, 1)
  })
})
