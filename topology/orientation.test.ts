import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isLeftOrOn } from './orientation.ts'
import { sum, unit, type Vector } from './sphere.ts'

const vector = fc
  .tuple(...[0, 1, 2].map(() => fc.double({ min: -1, max: 1, noNaN: true })))
  .filter(v => v.some(x => Math.abs(x) > 0.01))
  .map(([x, y, z]) => unit([x!, y!, z!]))
const opposite = ([x, y, z]: Vector): Vector => [-x, -y, -z]

it('is on both sides at once only where the determinant is nothing: ends of the arc, and what is opposite to them', () => {
  fc.assert(
    fc.property(vector, vector, (a, b) => {
      for (const v of [a, b, opposite(a), opposite(b)])
        expect([isLeftOrOn(v, a, b), isLeftOrOn(v, b, a)]).toEqual([true, true])
    }),
  )
})

it('gives the two sides of an arc to a direction and its opposite, however near to the arc', () => {
  fc.assert(
    fc.property(vector, vector, fc.double({ min: -1e-15, max: 1e-15, noNaN: true }), (a, b, off) => {
      const [x, y, z] = unit(sum([a, b].map(([x, y, z]) => [x + off, y, z] as Vector)))
      const v: Vector = [x, y, z]
      const here = [isLeftOrOn(v, a, b), isLeftOrOn(v, b, a)]
      const there = [isLeftOrOn(opposite(v), b, a), isLeftOrOn(opposite(v), a, b)]
      expect(there).toEqual(here)
      expect(here).toContain(true)
    }),
  )
})

it('decides by one unit in the last place', () => {
  // det = z · 1 to the smallest number there is; the products of the others cancel exactly.
  const [a, b]: [Vector, Vector] = [
    [1, 0, 0],
    [0, 1, 0],
  ]
  expect(isLeftOrOn([0.6, 0.8, Number.MIN_VALUE], a, b)).toBe(true)
  expect(isLeftOrOn([0.6, 0.8, -Number.MIN_VALUE], a, b)).toBe(false)
  expect(isLeftOrOn([0.6, 0.8, 0], a, b)).toBe(true)
})
