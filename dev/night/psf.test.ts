import { describe, expect, it } from 'vitest'
import { addSource, effectiveArea, profileOf, psfImage } from './psf.ts'

const blank = (side: number) => ({ width: side, height: side, data: new Float32Array(side * side) })
const psf = { fwhm: 4.2, e1: 0.06, e2: -0.04 }

describe('the simulated PSF', () => {
  it('puts the whole light where it was asked to, to a thousandth', () => {
    const image = blank(121)
    addSource(image, psf, 60.3, 59.8, 1e6)
    let [sum, sx, sy] = [0, 0, 0]
    for (let y = 0; y < 121; y++)
      for (let x = 0; x < 121; x++) {
        const value = image.data[y * 121 + x]!
        ;[sum, sx, sy] = [sum + value, sx + value * x, sy + value * y]
      }
    expect(sum / 1e6).toBeCloseTo(1, 2.7)
    expect(sx / sum).toBeCloseTo(60.3, 2)
    expect(sy / sum).toBeCloseTo(59.8, 2)
  })

  it('falls to a half at half its width, and has the effective area of the formula', () => {
    const round = { fwhm: 5, e1: 0, e2: 0 }
    const profile = profileOf(round)
    expect(profile(2.5, 0) / profile(0, 0)).toBeCloseTo(0.5, 6)
    const { data } = psfImage(round)
    expect(1 / data.reduce((sum, p) => sum + p * p, 0)).toBeCloseTo(effectiveArea(5), 0)
  })

  it('is longer along x where e1 is positive, and along the diagonal where e2 is', () => {
    const e1 = profileOf({ fwhm: 5, e1: 0.1, e2: 0 })
    expect(e1(3, 0)).toBeGreaterThan(e1(0, 3))
    const e2 = profileOf({ fwhm: 5, e1: 0, e2: 0.1 })
    expect(e2(2, 2)).toBeGreaterThan(e2(2, -2))
  })

  it('draws the part of a source that falls on the chip', () => {
    const image = blank(40)
    addSource(image, psf, -1, 20, 1000)
    addSource(image, psf, 500, 500, 1000)
    const sum = image.data.reduce((total, value) => total + value, 0)
    expect(sum).toBeGreaterThan(200)
    expect(sum).toBeLessThan(500)
  })

  it('as an image has an odd side and a sum of 1', () => {
    const { width, height, data } = psfImage(psf)
    expect(width % 2).toBe(1)
    expect(height).toBe(width)
    expect(data.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5)
  })
})
