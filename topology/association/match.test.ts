import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { angle, ARCSEC, vectorOf } from '../sphere.ts'
import { match, type Place } from './match.ts'

const ARCSEC_DEG = 1 / 3600
const places = (...list: readonly (readonly [number, number])[]): Map<bigint, Place> =>
  new Map(list.map(([ra, dec], i) => [BigInt(i + 1), { ra, dec }]))

describe('matching', () => {
  it('takes the nearest within an arcsecond, and nothing beyond', () => {
    const objects = places([30, 0], [30, 0.6 * ARCSEC_DEG])
    expect(match(places([30, 0.2 * ARCSEC_DEG]), objects)).toEqual(new Map([[1n, 1n]]))
    expect(match(places([30, 0.5 * ARCSEC_DEG]), objects)).toEqual(new Map([[1n, 2n]]))
    expect(match(places([30, -1.001 * ARCSEC_DEG]), objects)).toEqual(new Map())
    expect(match(places([30, -0.999 * ARCSEC_DEG]), objects)).toEqual(new Map([[1n, 1n]]))
  })

  it('gives a contested object to the nearer source, and leaves the other alone', () => {
    const sources = places([30, 0.3 * ARCSEC_DEG], [30, 0.1 * ARCSEC_DEG])
    expect(match(sources, places([30, 0]))).toEqual(new Map([[2n, 1n]]))
  })

  it('resolves an exact tie by the lower id', () => {
    const sources = places([30, 0.25 * ARCSEC_DEG], [30, -0.25 * ARCSEC_DEG])
    expect(match(sources, places([30, 0]))).toEqual(new Map([[1n, 1n]]))
  })

  it.each([
    ['across 0/360', [359.9999, 10], [0.00005, 10]],
    ['at the north pole', [0, 89.9999], [180, 89.9999]],
    ['at the south pole', [10, -90], [200, -90]],
  ] as const)('works %s', (_, a, b) => {
    const within = angle(vectorOf(a[0], a[1]), vectorOf(b[0], b[1])) <= ARCSEC
    expect(within).toBe(true)
    expect(match(places(a), places(b))).toEqual(new Map([[1n, 1n]]))
  })

  /** A crowded patch of a few arcseconds around a random position, poles and 0/360 included. */
  const patch = fc
    .record({
      ra: fc.constantFrom(0, 0.0001, 120, 359.9999),
      dec: fc.constantFrom(-90, -89.9995, -30, 0, 60, 89.9995, 90),
      sources: fc.array(fc.tuple(fc.integer({ min: -30, max: 30 }), fc.integer({ min: -30, max: 30 })), {
        maxLength: 12,
      }),
      objects: fc.array(fc.tuple(fc.integer({ min: -30, max: 30 }), fc.integer({ min: -30, max: 30 })), {
        maxLength: 12,
      }),
    })
    .map(({ ra, dec, sources, objects }) => {
      const at = (offsets: readonly (readonly [number, number])[]) =>
        places(
          ...offsets.map(([x, y]): [number, number] => {
            const cosDec = Math.max(Math.cos((dec * Math.PI) / 180), 1e-6)
            const high = Math.max(-90, Math.min(90, dec + (y * ARCSEC_DEG) / 10))
            return [(ra + (x * ARCSEC_DEG) / 10 / cosDec + 360) % 360, high]
          }),
        )
      return { sources: at(sources), objects: at(objects) }
    })

  it('is one to one, within the limit, and leaves no two neighbours both alone', () => {
    fc.assert(
      fc.property(patch, ({ sources, objects }) => {
        const matched = match(sources, objects)
        expect(new Set(matched.values()).size).toBe(matched.size)
        const apart = (s: Place, o: Place) => angle(vectorOf(s.ra, s.dec), vectorOf(o.ra, o.dec))
        for (const [s, o] of matched) expect(apart(sources.get(s)!, objects.get(o)!)).toBeLessThanOrEqual(ARCSEC)
        const taken = new Set(matched.values())
        for (const [s, source] of sources)
          for (const [o, object] of objects)
            if (!matched.has(s) && !taken.has(o)) expect(apart(source, object)).toBeGreaterThan(ARCSEC)
      }),
    )
  })

  it('does not depend on the order of its inputs', () => {
    const shuffled = <K, V>(map: Map<K, V>) =>
      fc.shuffledSubarray([...map], { minLength: map.size }).map(entries => new Map(entries))
    const twice = patch.chain(p => fc.record({ p: fc.constant(p), s: shuffled(p.sources), o: shuffled(p.objects) }))
    fc.assert(
      fc.property(twice, ({ p, s, o }) => {
        const sorted = (m: Map<bigint, bigint>) => [...m].sort(([a], [b]) => (a < b ? -1 : 1))
        expect(sorted(match(s, o))).toEqual(sorted(match(p.sources, p.objects)))
      }),
    )
  })
})
