import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rubinPython } from '../schemas/testing/python.ts'
import { htmIndex, htmIndexOf } from './htm.ts'
import { angle, positionOf, sum, unit, type Vector, vectorOf } from './sphere.ts'

const python = await rubinPython()
const missing = 'missing' in python ? python.missing : undefined

/** Of each position: its index at level 20, and the unit vector that its degrees become. */
async function sphgeom(positions: readonly (readonly [number, number])[]) {
  const script = `
import sys, json
from lsst.sphgeom import HtmPixelization, LonLat, UnitVector3d
pixels = HtmPixelization(20)
vectors = [UnitVector3d(LonLat.fromDegrees(ra, dec)) for ra, dec in json.load(sys.stdin)]
print(json.dumps([[pixels.index(v), v.x(), v.y(), v.z()] for v in vectors]))
`
  const answer = 'run' in python ? await python.run(script, JSON.stringify(positions)) : '[]'
  return (JSON.parse(answer) as [number, ...Vector][]).map(([index, ...vector]) => ({ index, vector }))
}

const seed = Number(process.env.SEED ?? 20)
const position = fc
  .tuple(fc.double({ min: 0, max: 360, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true }))
  .map(([ra, sine]) => [ra, (Math.asin(sine) * 180) / Math.PI] as const)

/** Corners of trixels down to the ends of their edges' division, where three or more meet: nothing lies nearer to an edge. */
const axis = fc.constantFrom<Vector[]>([1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, -1, 0], [0, 0, -1])
const corner = fc
  .tuple(axis, axis, fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }))
  .filter(([a, b]) => a.every((x, i) => x * b[i]! === 0))
  .map(([a, b, path]) => {
    let [from, to] = [a, b]
    for (const isFirst of path) {
      const middle = unit(sum([from, to]))
      if (isFirst) to = middle
      else from = middle
    }
    const { ra, dec } = positionOf(unit(sum([from, to])))
    return [ra, dec] as const
  })
const seams = [0, 1e-12, 45, 90, 180, 270, 359.999999999999, 360].flatMap(ra =>
  [-90, -89.999999999, -45, -1e-12, 0, 1e-12, 45, 89.999999999, 90].map(dec => [ra, dec] as const),
)

describe.skipIf(missing !== undefined)(
  `the mesh beside sphgeom${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    it('gives the index of sphgeom to 100,000 random positions, the poles, the equator and both ends of ra', async () => {
      const positions = [...fc.sample(position, { seed, numRuns: 100_000 }), ...seams]
      const theirs = await sphgeom(positions)
      expect(theirs).toHaveLength(positions.length)
      const other = positions.filter(([ra, dec], i) => htmIndex(ra, dec) !== theirs[i]!.index)
      expect(other).toEqual([])
    })

    it('gives every unit vector on an edge the index of sphgeom; degrees become the same vector but for the last bit', async () => {
      const positions = fc.sample(corner, { seed, numRuns: 5_000 })
      const theirs = await sphgeom(positions)
      expect(theirs.filter(({ index, vector }) => htmIndexOf(vector, 20) !== index)).toEqual([])
      // The sine of the C library and that of JavaScript may differ by one in the sixteenth digit, which on an edge is to either side.
      positions.forEach(([ra, dec], i) => expect(angle(vectorOf(ra, dec), theirs[i]!.vector)).toBeLessThan(4e-16))
    })
  },
)
