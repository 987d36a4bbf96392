import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { angle, ARCSEC, vectorOf } from '../sphere.ts'
import type { Place } from './candidates.ts'
import { match } from './match.ts'
import { crowd, type Errors, near } from './testing/crowds.ts'

const places = (...list: readonly Place[]): Map<bigint, Place> =>
  new Map(list.map((place, i) => [BigInt(i + 1), place]))
/** Offsets in arcseconds east and north of a field at dec 0 that wraps nowhere. */
const at = (east: number, north: number, errors?: Errors) => near({ ra: 30, dec: 0 }, east, north, errors)
const found = (sources: readonly Place[], objects: readonly Place[]) =>
  Object.fromEntries([...match(places(...sources), places(...objects))].map(([s, o]) => [Number(s), Number(o)]))

describe('matching', () => {
  it('takes the nearest within an arcsecond, and nothing beyond', () => {
    const objects = [at(0, 0), at(0, 0.6)]
    expect(found([at(0, 0.2)], objects)).toEqual({ 1: 1 })
    expect(found([at(0, 0.5)], objects)).toEqual({ 1: 2 })
    expect(found([at(0, -1.001)], objects)).toEqual({})
    expect(found([at(0, -0.999)], objects)).toEqual({ 1: 1 })
  })

  it('lets nobody go without where another arrangement serves all, even if the nearest pair has to part', () => {
    // The first source is 0.2″ from the first object and 0.8″ from the second; the other reaches the first object alone.
    const [sources, objects] = [
      [at(0, 0.2), at(0, -0.3)],
      [at(0, 0), at(0, 1)],
    ]
    expect(found(sources, objects)).toEqual({ 1: 2, 2: 1 })
  })

  it('parts no good pair for two bad ones: to stay alone costs little more than the dearest pair', () => {
    for (const errors of [undefined, { raErr: 0.1, decErr: 0.1 }]) {
      const [good, rival] = [at(0, 0, errors), at(0, 0.9, errors)]
      expect(found([good, rival], [at(0, 0, errors), at(0, -0.9, errors)])).toEqual({ 1: 1 })
    }
  })

  it('leaves the farther of two rivals alone, and of equal ones the higher id', () => {
    expect(found([at(0, 0.3), at(0, 0.1)], [at(0, 0)])).toEqual({ 2: 1 })
    expect(found([at(0, 0.25), at(0, -0.25)], [at(0, 0)])).toEqual({ 1: 1 })
    expect(found([at(0, 0)], [at(0, -0.25), at(0, 0.25)])).toEqual({ 1: 1 })
  })

  it('prefers at equal distance the object that is better known: the logarithm of its errors counts', () => {
    const [vague, sharp] = [
      { raErr: 0.5, decErr: 0.5 },
      { raErr: 0.1, decErr: 0.1 },
    ]
    expect(found([at(0, 0, sharp)], [at(0.2, 0, vague), at(-0.2, 0, sharp)])).toEqual({ 1: 2 })
    // Many sigmas away from the sharp one, it is the vague one after all.
    expect(found([at(0, 0, sharp)], [at(0.7, 0, vague), at(-0.7, 0, sharp)])).toEqual({ 1: 1 })
  })

  it('ranks by the errors and never rejects by them', () => {
    const sharp = { raErr: 0.001, decErr: 0.001 }
    expect(found([at(0, 0, sharp)], [at(0.99, 0, sharp)])).toEqual({ 1: 1 })
  })

  it('takes raErr as an error on the sky: at dec 60 an offset in ra counts half of its coordinate', () => {
    const errors = { raErr: 0.1, decErr: 0.1 }
    for (const dec of [60, -60]) {
      const field = { ra: 30, dec }
      const east = near(field, 0.5, 0, errors)
      expect(east.ra - 30).toBeCloseTo(1 / 3600, 8)
      expect(found([near(field, 0, 0, errors)], [near(field, 0, 0.6, errors), east])).toEqual({ 1: 2 })
    }
  })

  it.each([
    ['null', null],
    ['NaN', NaN],
    ['zero', 0],
    ['negative', -1],
    ['infinite', Infinity],
  ])('goes by distance where all errors of one side are %s', (_, none) => {
    const [unknown, wide] = [
      { raErr: none, decErr: none },
      { raErr: 5, decErr: 0.1 },
    ]
    // By likelihood the wide error in ra would make the second the better one.
    const objects = [at(0, 0.3, wide), at(0.4, 0, { raErr: 0.4, decErr: 0.1 })]
    expect(found([at(0, 0, unknown)], objects)).toEqual({ 1: 1 })
    expect(found([at(0, 0, { raErr: 0.1, decErr: 0.1 })], objects)).toEqual({ 1: 2 })
    expect(found([at(0, 0, { raErr: 0.1, decErr: none })], objects)).toEqual({ 1: 1 })
    expect(found([at(0, 0, { raErr: none, decErr: 0.1 })], objects)).toEqual({ 1: 1 })
    expect(found([at(0, 0, wide)], [at(0, 0.3, unknown), at(0.4, 0, unknown)])).toEqual({ 1: 1 })
  })

  it('takes 0.2″ for an error that is missing beside others that are there', () => {
    const source = at(0, 0, { raErr: 0.01, decErr: 0.01 })
    const known = (error: number) => at(0, -0.1, { raErr: error, decErr: error })
    const unknown = at(0, 0.1, { raErr: null, decErr: NaN })
    expect(found([source], [unknown, known(0.19)])).toEqual({ 1: 2 })
    expect(found([source], [known(0.22), unknown])).toEqual({ 1: 2 })
  })

  it('knows no pair better than to 0.05″', () => {
    const errors = (error: number) => ({ raErr: error, decErr: error })
    // Were the smaller error believed, the farther would be the likelier.
    expect(found([at(0, 0, errors(1e-6))], [at(0, 0.021, errors(0.03)), at(0.02, 0, errors(0.04))])).toEqual({ 1: 2 })
    expect(found([at(0, 0, errors(1e-6))], [at(0, 0.1, errors(0.06)), at(0.07, 0, errors(0.12))])).toEqual({ 1: 1 })
  })

  it.each([
    ['across 0/360', [359.9999, 10], [0.00005, 10]],
    ['at the north pole', [0, 89.9999], [180, 89.9999]],
    ['at the south pole', [10, -90], [200, -90]],
  ] as const)('works %s', (_, a, b) => {
    const within = angle(vectorOf(a[0], a[1]), vectorOf(b[0], b[1])) <= ARCSEC
    expect(within).toBe(true)
    for (const errors of [
      { raErr: null, decErr: null },
      { raErr: 1e-4, decErr: 1e-4 },
    ])
      expect(found([{ ra: a[0], dec: a[1], ...errors }], [{ ra: b[0], dec: b[1], ...errors }])).toEqual({ 1: 1 })
  })

  it('is one to one, within the limit, and leaves no two neighbours both alone', () => {
    fc.assert(
      fc.property(crowd(12), ({ sources, objects }) => {
        const matched = match(sources, objects)
        expect(new Set(matched.values()).size).toBe(matched.size)
        const apart = (s: Place, o: Place) => angle(vectorOf(s.ra, s.dec), vectorOf(o.ra, o.dec))
        for (const [s, o] of matched)
          expect(apart(sources.get(s)!, objects.get(o)!)).toBeLessThanOrEqual(ARCSEC * (1 + 1e-9))
        const taken = new Set(matched.values())
        for (const [s, source] of sources)
          for (const [o, object] of objects)
            if (!matched.has(s) && !taken.has(o)) expect(apart(source, object)).toBeGreaterThan(ARCSEC * (1 - 1e-9))
      }),
    )
  })

  it('does not depend on the order of its inputs', () => {
    const shuffled = <K, V>(map: ReadonlyMap<K, V>) =>
      fc.shuffledSubarray([...map], { minLength: map.size }).map(entries => new Map(entries))
    const twice = crowd(12).chain(p => fc.record({ p: fc.constant(p), s: shuffled(p.sources), o: shuffled(p.objects) }))
    fc.assert(
      fc.property(twice, ({ p, s, o }) => {
        const sorted = (m: Map<bigint, bigint>) => [...m].sort(([a], [b]) => (a < b ? -1 : 1))
        expect(sorted(match(s, o))).toEqual(sorted(match(p.sources, p.objects)))
      }),
    )
  })
})
