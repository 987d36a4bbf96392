import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readFits, writeFits } from './fits.ts'
import { type Wcs, boundaryOf, localScale, pixelOf, pixelScale, skyOf, wcsCards, wcsOf } from './wcs.ts'

const wcs = fc
  .record({
    ra: fc.double({ min: 0, max: 359.999, noNaN: true }),
    dec: fc.double({ min: -89, max: 89, noNaN: true }),
    angle: fc.double({ min: 0, max: 6.28, noNaN: true }),
    mirrored: fc.boolean(),
  })
  .map(({ ra, dec, angle, mirrored }): Wcs => {
    const [c, s] = [(0.2 / 3600) * Math.cos(angle), (0.2 / 3600) * Math.sin(angle)]
    return { crval: [ra, dec], crpix: [511.5, 300.2], cd: mirrored ? [-c, s, s, c] : [c, -s, s, c] }
  })
const pixel = fc.double({ min: -1000, max: 5000, noNaN: true })

describe('TAN projection', () => {
  it('comes back from the sky to the same pixel', () => {
    fc.assert(
      fc.property(wcs, pixel, pixel, (projection, x, y) => {
        const back = pixelOf(projection, skyOf(projection, x, y))!
        expect(Math.hypot(back.x - x, back.y - y)).toBeLessThan(1e-4)
      }),
    )
  })

  it('is what its cards say', () => {
    fc.assert(
      fc.property(wcs, projection => {
        const read = wcsOf(readFits(writeFits([{ header: wcsCards(projection) }]))[0]!.header)
        expect(read.crpix[0]).toBeCloseTo(projection.crpix[0], 10)
        for (const [i, value] of read.cd.entries()) expect(value).toBeCloseTo(projection.cd[i]!, 15)
      }),
    )
  })

  it('gives corners counter-clockwise as seen from outside, whatever the chip shows first', () => {
    const vector = ({ ra, dec }: { ra: number; dec: number }) => {
      const [a, d] = [(ra * Math.PI) / 180, (dec * Math.PI) / 180]
      return [Math.cos(d) * Math.cos(a), Math.cos(d) * Math.sin(a), Math.sin(d)] as const
    }
    fc.assert(
      fc.property(wcs, projection => {
        const [a, b, c] = boundaryOf(projection, 1024, 1024)
          .slice(0, 3)
          .map(sky => [...vector(sky)]) as [number[], number[], number[]]
        const [u, v] = [a.map((_, i) => b[i]! - a[i]!), a.map((_, i) => c[i]! - b[i]!)] as [number[], number[]]
        const cross = [u[1]! * v[2]! - u[2]! * v[1]!, u[2]! * v[0]! - u[0]! * v[2]!, u[0]! * v[1]! - u[1]! * v[0]!]
        expect(cross.reduce((sum, value, i) => sum + value * a[i]!, 0)).toBeGreaterThan(0)
      }),
    )
  })

  it('knows its scale at dec 60 without the cos(dec) of right ascension', () => {
    const projection: Wcs = { crval: [359.99999, 60], crpix: [0, 0], cd: [-0.2 / 3600, 0, 0, 0.2 / 3600] }
    expect(pixelScale(projection)).toBeCloseTo(0.2, 12)
    const [xx, , , yy] = localScale(projection, 0, 0)
    expect(xx * 3600).toBeCloseTo(-0.2, 6)
    expect(yy * 3600).toBeCloseTo(0.2, 6)
  })

  it('refuses what is no TAN projection', () => {
    const read = (cards: Record<string, string | number>) =>
      wcsOf(
        readFits(
          writeFits([{ header: { ...wcsCards({ crval: [1, 2], crpix: [3, 4], cd: [1e-4, 0, 0, 1e-4] }), ...cards } }]),
        )[0]!.header,
      )
    expect(() => read({ CTYPE1: 'RA---SIN' })).toThrow('RA---TAN, DEC--TAN are supported')
    expect(() => read({ CD1_1: 0 })).toThrow('singular')
    expect(pixelOf({ crval: [0, 0], crpix: [0, 0], cd: [1e-4, 0, 0, 1e-4] }, { ra: 180, dec: 0 })).toBeUndefined()
  })
})
