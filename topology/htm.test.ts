import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coverCircle, htmIndex, htmIndexOf, pixelsOfCircle } from './htm.ts'
import { ARCSEC, angle, type Circle, positionOf, unit, type Vector, vectorOf } from './sphere.ts'

const direction = fc
  .tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: 0, max: 360, noNaN: true }))
  .map(([z, ra]) => vectorOf(ra, (Math.asin(z) * 180) / Math.PI))

/** A direction at a given angle from another, in some bearing. */
function offset(v: Vector, by: number, bearing: number): Vector {
  const { ra, dec } = positionOf(v)
  const north = vectorOf(ra, dec + 90)
  const east = vectorOf(ra + 90, 0)
  const [c, s] = [Math.cos(by), Math.sin(by)]
  const at = (i: 0 | 1 | 2) => v[i] * c + s * (north[i] * Math.cos(bearing) + east[i] * Math.sin(bearing))
  return unit([at(0), at(1), at(2)])
}

describe('index', () => {
  it.each([
    [0, 0, 17042430230528],
    [10, -5, 8855115269086],
    [150.1, 2.2, 15559761022814],
    [359.9999, -89, 12369611268102],
  ])('of (%f, %f) at level 20 is what sphgeom gives', (ra, dec, index) => {
    expect(htmIndex(ra, dec)).toBe(index)
  })

  it('of a level is the prefix of the deeper one', () => {
    fc.assert(
      fc.property(direction, v => {
        expect(Math.floor(htmIndexOf(v, 20) / 4 ** 12)).toBe(htmIndexOf(v, 8))
      }),
    )
  })

  it('changes at the meridian, of which 360° is the western side, and at a pole is the same whatever the ra', () => {
    expect(htmIndex(360, 12)).toBe(htmIndex(359.99999999, 12))
    expect(htmIndex(0, 12)).toBe(htmIndex(0.00000001, 12))
    expect(new Set([0.1, 45, 89].map(ra => htmIndex(ra, 90, 20))).size).toBe(1)
  })
})

describe('cover of a circle', () => {
  const circle = fc
    .tuple(direction, fc.double({ min: ARCSEC, max: 0.05, noNaN: true }))
    .map(([center, radius]): Circle => ({ center, radius }))
  const inUnit = fc.double({ min: 0, max: 1, noNaN: true })

  it('holds every point of it, in at most 64 ascending, disjoint ranges', () => {
    fc.assert(
      fc.property(circle, inUnit, inUnit, ({ center, radius }, far, turn) => {
        const ranges = coverCircle({ center, radius }, 20)
        const index = htmIndexOf(offset(center, radius * far, 2 * Math.PI * turn), 20)
        expect(ranges.some(([first, last]) => first <= index && index <= last)).toBe(true)
        expect(ranges.length).toBeLessThanOrEqual(64)
        ranges.slice(1).forEach(([first], i) => expect(first).toBeGreaterThan(ranges[i]![1] + 1))
      }),
      { numRuns: 300 },
    )
  })

  it('is not much larger than the circle', () => {
    fc.assert(
      fc.property(circle, ({ center, radius }) => {
        const trixels = coverCircle({ center, radius }, 20).reduce((n, [first, last]) => n + last - first + 1, 0)
        const area = (trixels * 4 * Math.PI) / (8 * 4 ** 20)
        expect(area).toBeLessThan(6 * Math.PI * radius ** 2)
      }),
    )
  })

  it('as single pixels is sorted and holds the centre', () => {
    fc.assert(
      fc.property(circle, c => {
        const pixels = pixelsOfCircle(c, 8)
        expect(pixels).toContain(htmIndexOf(c.center, 8))
        expect(pixels).toEqual([...pixels].sort((a, b) => a - b))
        expect(pixels.length).toBeLessThan(600)
      }),
    )
  })
})

it('positions survive the way to a vector and back', () => {
  fc.assert(
    fc.property(direction, v => {
      const { ra, dec } = positionOf(v)
      expect(angle(vectorOf(ra, dec), v)).toBeLessThan(1e-14)
      expect(ra).toBeGreaterThanOrEqual(0)
      expect(ra).toBeLessThan(360)
    }),
  )
})
