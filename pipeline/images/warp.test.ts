import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Plane } from './fits.ts'
import { STEPS, TABLE } from './lanczos.ts'
import { gaussian } from './psf.ts'
import { Random } from './scene.ts'
import { type Template, warp } from './warp.ts'
import { type Wcs, pixelArea, pixelOf, skyOf } from './wcs.ts'

const ARCSECOND = 1 / 3600
const wcsAt = (x: number, y: number, turn: number, pixel: number): Wcs => {
  const [cos, sin] = [pixel * ARCSECOND * Math.cos(turn), pixel * ARCSECOND * Math.sin(turn)]
  return { crval: [150, 20], crpix: [x, y], cd: [-cos, sin, sin, cos] }
}
/** Noise on a level of 100 with a variance that differs from pixel to pixel, and some pixels that are missing. */
function templateOf(width: number, height: number, holes: readonly number[], wcs: Wcs): Template {
  const random = new Random(width)
  const data = Float32Array.from({ length: width * height }, () => 100 + 10 * random.normal())
  const variance = data.map((_, i) => 1 + (i % 97))
  holes.forEach((hole, i) => {
    if (i % 2 === 0) data[hole % data.length] = NaN
    else variance[hole % data.length] = -1
  })
  return {
    band: 'r',
    image: { width, height, data },
    variance: { width, height, data: variance },
    psf: gaussian(2),
    wcs,
  }
}

/** The pixel of the science image by the double sum; undefined without coverage. */
function plainly({ image, variance, wcs }: Template, science: Wcs, x: number, y: number) {
  const at = pixelOf(wcs, skyOf(science, x, y))!
  const [p, q] = [Math.round(at.x * STEPS), Math.round(at.y * STEPS)]
  const [i, j] = [Math.floor(p / STEPS), Math.floor(q / STEPS)]
  const pixel = ({ width, height, data }: Plane, u: number, v: number) =>
    u >= 0 && v >= 0 && u < width && v < height ? data[v * width + u]! : NaN
  let value = 0
  for (let v = 0; v < 6; v++)
    for (let u = 0; u < 6; u++)
      value += TABLE[6 * (p - i * STEPS) + u]! * TABLE[6 * (q - j * STEPS) + v]! * pixel(image, i - 2 + u, j - 2 + v)
  const density = pixel(variance, Math.round(p / STEPS), Math.round(q / STEPS))
  const area = pixelArea(science) / pixelArea(wcs)
  return value === value && density >= 0 ? { image: value * area, variance: density * area } : undefined
}

it('takes each pixel from the first template that has all its neighbours, wherever and however the templates lie', () => {
  // In thousandths of a pixel no place lies on the line between two steps of the table, unless it is turned there.
  const place = fc.integer({ min: -100_000, max: 200_000 }).map(thousandths => thousandths / 1000)
  const wcs = fc
    .tuple(
      place,
      place,
      fc.integer({ min: 0, max: 62 }).map(tenths => tenths / 10),
      fc.constantFrom(0.1, 0.2, 0.25, 1),
    )
    .map(values => wcsAt(...values))
  const template = fc
    .tuple(
      fc.integer({ min: 1, max: 220 }),
      fc.integer({ min: 1, max: 220 }),
      fc.array(fc.nat(), { maxLength: 5 }),
      wcs,
    )
    .map(values => templateOf(...values))
  fc.assert(
    fc.property(fc.array(template, { maxLength: 2 }), wcs, (templates, science) => {
      const [width, height] = [150, 37]
      const out = warp(templates, science, width, height)
      let differing = 0
      for (let k = 0; k < width * height; k++) {
        const [x, y] = [k % width, Math.floor(k / width)]
        const expected = templates.map(one => plainly(one, science, x, y)).find(pixel => pixel !== undefined)
        const same =
          (expected === undefined) === (out.mask[k] !== 0) &&
          Math.abs(out.image[k]! - (expected?.image ?? 0)) <= 1e-4 * Math.abs(expected?.image ?? 0) &&
          Math.abs(out.variance[k]! - (expected?.variance ?? 0)) <= 1e-6 * (expected?.variance ?? 0)
        if (!same) differing++
      }
      // A place on the line between two steps or two pixels falls to either side of it.
      expect(differing).toBeLessThan(0.01 * width * height)
    }),
    { numRuns: 20 },
  )
})
