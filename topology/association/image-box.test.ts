import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boundaryOf, skyOf, type Wcs } from '../../pipeline/images/wcs.ts'
import { imageBox } from './image-box.ts'

const PIXEL = 0.2 / 3600
const chip = (ra: number, dec: number, turn: number, flip: 1 | -1): Wcs => {
  const [c, s] = [PIXEL * Math.cos(turn), PIXEL * Math.sin(turn)]
  return { crval: [ra, dec], crpix: [2000, 2000], cd: [flip * c, -flip * s, s, c] }
}

describe('the box of an image', () => {
  it('holds what lies on its pixels, grown or shrunk, anywhere on the sky, in either sense', () => {
    const sky = fc.record({
      ra: fc.constantFrom(0, 0.05, 120, 359.95),
      dec: fc.constantFrom(-90, -89.95, -60, 0, 45, 89.95),
      turn: fc.double({ min: 0, max: 2 * Math.PI, noNaN: true }),
      flip: fc.constantFrom(1 as const, -1 as const),
    })
    const beside = fc.oneof(
      fc.double({ min: -40, max: 40, noNaN: true }),
      fc.double({ min: 4032, max: 4112, noNaN: true }),
    )
    const along = fc.double({ min: -40, max: 4112, noNaN: true })
    fc.assert(
      fc.property(sky, beside, along, fc.boolean(), fc.constantFrom(-1, 0, 10), (s, a, b, swap, grown) => {
        const wcs = chip(s.ra, s.dec, s.turn, s.flip)
        const box = imageBox({ boundary: boundaryOf(wcs, 4072, 4000), width: 4072, height: 4000 })
        const [x, y] = swap ? [(b * 4072) / 4112, a > 2000 ? a - 72 : a] : [a, (b * 4000) / 4112]
        const depth = Math.min(x + 0.5, y + 0.5, 4071.5 - x, 3999.5 - y) + grown
        fc.pre(Math.abs(depth) > 0.02)
        expect(box.holds(skyOf(wcs, x, y), grown)).toBe(depth > 0)
      }),
      { numRuns: 500 },
    )
  })

  it('knows its pixels', () => {
    const boundary = boundaryOf(chip(30, -70, 1, -1), 4072, 4000)
    expect(imageBox({ boundary, width: 4072, height: 4000 }).pixelScale).toBeCloseTo(0.2, 5)
  })

  it.each([
    ['corners', { boundary: [], width: 4072, height: 4000 }],
    ['pixels', { boundary: boundaryOf(chip(0, 0, 0, 1), 10, 10), width: 0, height: 0 }],
  ])('without %s says nothing against anything', (_, nothing) => {
    const box = imageBox(nothing)
    expect(box.pixelScale).toBeUndefined()
    expect(box.holds({ ra: 200, dec: 20 }, -1)).toBe(true)
  })
})
