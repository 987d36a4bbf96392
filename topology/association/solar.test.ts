import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DiaSource, Ephemeris } from '../../schemas/avro/generated.ts'
import { angle, ARCSEC, vectorOf } from '../sphere.ts'
import { packedDesignation } from '../ss-object-id.ts'
import { designationOf, ephemerisOf } from '../testing/ephemerides.ts'
import { fullRecord } from '../testing/records.ts'
import { pipelineResult, source } from '../testing/sources.ts'
import { associate } from './associate.ts'
import { HOLDS_S, predict } from './ephemeris.ts'
import { imageBox } from './image-box.ts'
import { objectFrom } from './objects.ts'
import { matchSolarSystem } from './solar.ts'

const EPOCH = 61365.1
const sky = { objects: [], history: [] }
const body = (number: number, ra: number, dec: number, more: object = {}) =>
  ephemerisOf({ number, epochMjdTai: EPOCH, ra, dec, ...more })
const seen = (sources: readonly DiaSource[], ephemerides: readonly Ephemeris[] | null, more: object = {}) =>
  matchSolarSystem(
    { ephemerides, midpointMjdTai: EPOCH },
    new Map([...sources].sort((a, b) => (a.diaSourceId < b.diaSourceId ? -1 : 1)).map(s => [s.diaSourceId, s])),
    imageBox(pipelineResult(sources, more)),
  )
/** Which body each source is, by number. */
const pairsOf = ({ matches }: ReturnType<typeof seen>) =>
  [...matches].map(([id, { ssSource }]) => [id, packedDesignation(ssSource.ssObjectId)] as const).sort()

describe('a prediction', () => {
  const apparent = fc.record({
    number: fc.constant(0),
    epochMjdTai: fc.constant(EPOCH),
    ra: fc.double({ min: 0, max: 360, maxExcluded: true, noNaN: true }),
    dec: fc.double({ min: -89, max: 89, noNaN: true }),
    rateRa: fc.double({ min: -10, max: 10, noNaN: true }),
    rateDec: fc.double({ min: -10, max: 10, noNaN: true }),
    range: fc.double({ min: 0.05, max: 40, noNaN: true }),
  })

  it('is what an observer sees of the body, and moves with it', () => {
    fc.assert(
      fc.property(apparent, fc.double({ min: -HOLDS_S, max: HOLDS_S, noNaN: true }), (it, seconds) => {
        const at = predict(ephemerisOf(it), EPOCH)!
        expect(angle(vectorOf(at.ra, at.dec), vectorOf(it.ra, it.dec)) / ARCSEC).toBeLessThan(1e-6)
        expect(at.rateRa).toBeCloseTo(it.rateRa, 9)
        expect(at.rateDec).toBeCloseTo(it.rateDec, 9)
        const days = (seconds * 0.999) / 86_400
        const later = predict(ephemerisOf(it), EPOCH + days)!
        const path = angle(vectorOf(at.ra, at.dec), vectorOf(later.ra, later.dec)) / ARCSEC / 3600
        expect(path).toBeCloseTo(Math.hypot(it.rateRa, it.rateDec) * Math.abs(days), 5)
      }),
    )
  })

  it('is not made for a moment that is too far away', () => {
    const at = (seconds: number) => predict(body(0, 30, -20), EPOCH + seconds / 86_400)
    expect([at(-HOLDS_S + 1), at(HOLDS_S - 1)].every(it => it !== undefined)).toBe(true)
    expect([at(-HOLDS_S - 1), at(HOLDS_S + 1), at(NaN)]).toEqual([undefined, undefined, undefined])
  })
})

describe('known bodies among the sources', () => {
  it('take the nearest source each, and each source the nearest of them, within 1″', () => {
    const place = fc.tuple(fc.integer({ min: -8, max: 8 }), fc.integer({ min: -8, max: 8 })) // thirds of an arcsecond
    const at = ([x, y]: [number, number], off: number) =>
      [30 + (x / 3 + off) / 3600 / Math.cos((20 * Math.PI) / 180), -20 + y / 3 / 3600] as const
    fc.assert(
      fc.property(fc.array(place, { maxLength: 12 }), fc.array(place, { maxLength: 12 }), (stars, rocks) => {
        // A little off a grid that is different for each, so that no two distances are equal.
        const sources = stars.map((it, i) => source(i + 1, ...at(it, i * 1.3e-3)))
        const ephemerides = rocks.map((it, i) => body(i, ...at(it, 0.02 + i * 1.7e-4)))
        const apart = (s: DiaSource, e: Ephemeris) => {
          const { ra, dec } = predict(e, EPOCH)!
          return angle(vectorOf(s.ra, s.dec), vectorOf(ra, dec)) / ARCSEC
        }
        const expected = sources.flatMap(s => {
          const suitors = ephemerides.filter(
            e => apart(s, e) <= 1 && sources.every(other => apart(s, e) <= apart(other, e)),
          )
          const [best] = suitors.sort((a, b) => apart(s, a) - apart(s, b))
          return best ? [[s.diaSourceId, best.orbit.packed_primary_provisional_designation] as const] : []
        })
        expect(pairsOf(seen(sources, ephemerides))).toEqual(expected.sort())
        expect(pairsOf(seen([...sources].reverse(), [...ephemerides].reverse()))).toEqual(expected.sort())
      }),
    )
  })

  it('a body that loses its nearest source is not seen as the next one', () => {
    const [near, far] = [source(1, 30, -20), source(2, 30, -20 + 0.9 / 3600)]
    const bodies = [body(0, 30, -20 - 0.1 / 3600), body(1, 30, -20 + 0.2 / 3600)]
    const { matches, expected } = seen([near, far], bodies)
    expect([...matches.keys()]).toEqual([near.diaSourceId])
    expect(expected).toBe(2)
  })

  it('told twice are seen once', () => {
    const two = [source(1, 30, -20), source(2, 30, -20 + 3 / 3600)]
    const { matches, expected } = seen(two, [body(0, 30, -20), body(0, 30, -20 + 3 / 3600)])
    expect([matches.size, expected]).toEqual([1, 1])
  })

  it.each([
    ['across 0/360', 0, -20],
    ['at the pole', 200, 89.9999],
  ])('are found %s', (_, ra, dec) => {
    const step = 0.4 / 3600 / Math.cos((dec * Math.PI) / 180)
    const { matches } = seen([source(1, ra + step / 2, dec)], [body(0, (ra - step / 2 + 360) % 360, dec)], {
      boundary: [],
    })
    const [match] = [...matches.values()]
    expect(match!.ssSource.ephOffsetRa).toBeCloseTo(0.4, 4)
    expect(match!.ssSource.ephOffset).toBeCloseTo(0.4, 4)
  })

  it('count as expected on the image and 2″ beyond its edge, and no more than 100 pixels', () => {
    const expected = (arcsec: number, pixels = 4072) =>
      seen([], [body(0, 30 + arcsec / 3600 / Math.cos((20 * Math.PI) / 180), -20)], {
        boundary: [29.9, 30].flatMap(ra => (ra < 30 ? [-20.05, -19.95] : [-19.95, -20.05]).map(dec => ({ ra, dec }))),
        ...{ width: pixels, height: pixels },
      }).expected
    expect([expected(-1), expected(1.9), expected(2.2)]).toEqual([1, 1, 0])
    // Pixels of some 0.01″: 100 of them are less than 2″.
    expect([expected(0.8, 36_000), expected(1.2, 36_000)]).toEqual([1, 0])
  })

  it('are not looked for without ephemerides, and those of no use are left out', () => {
    const one = source(1, 30, -20)
    expect(seen([one], null)).toEqual({ matches: new Map(), expected: undefined })
    const good = body(0, 30, -20)
    const bad: Ephemeris[] = [
      { ...good, epochMjdTai: EPOCH + 1 },
      { ...good, topo: { ...good.topo, x: NaN } },
      { ...good, topo: { ...good.topo, x: 0, y: 0, z: 0 } },
      { ...good, orbit: { ...good.orbit, packed_primary_provisional_designation: 'no name' } },
    ]
    expect(seen([one], bad)).toEqual({ matches: new Map(), expected: 0 })
  })
})

describe('what is said of a body', () => {
  /** 2003 YF26 as Rubin's own test has it (pipe_tasks, checked there against JPL Horizons). */
  const state = {
    helio: { x: -2.03972984386492, y: -0.754159365265218, z: -0.09916618480505775, vx: 6.451686836410149, vy: -17.36829941588102, vz: -9.013339853647382 }, // prettier-ignore
    topo: { x: -1.2867480491014316, y: -0.1395377271885233, z: 0.16727378829681566, vx: -13.061265792221151, vy: 3.5105145303033005, vz: -0.11752881599981002 }, // prettier-ignore
  }
  const saidThere = {
    ephRa: 186.18909260549128,
    ephDec: 7.364065668224215,
    helioRange: 2.1769446746252505,
    topoRange: 1.3050562591039694,
    phaseAngle: 17.248719450313473,
    elongation: 140.17164534286258,
    ephRate: 0.13175297987940152,
    ephRateRa: -0.1242177608944433,
    ephRateDec: -0.0439180553471223,
    helio_vtot: 20.603940956820594,
    topo_vtot: 13.525316609422026,
    helioRangeRate: 0.3824562080346701,
    topoRangeRate: 12.487622241678675,
    eclLambda: 182.73184707660818,
    eclBeta: 9.214287183249514,
    galLon: 283.959546691413,
    galLat: 69.24711603487795,
    ephOffsetRa: -0.08092633090227584,
    ephOffsetDec: -0.06292996923882299,
    ephOffset: 0.10251464315747216,
    ephOffsetAlongTrack: 0.09727483587724564,
    ephOffsetCrossTrack: 0.03235519072357292,
  }
  const yf26: Ephemeris = { ...body(0, 0, 0), ...state }
  const observed = source(1, 186.18906993899677, 7.364048187677204)
  const [match] = [...seen([observed], [yf26], { boundary: [] }).matches.values()]

  it.each(Object.entries(saidThere))('%s is %s, as Rubin says it of 2003 YF26', (name, value) => {
    const ours = match!.ssSource[name as keyof typeof saidThere]!
    // Their rates are the change of the whole prediction, light travel time included; ours are what the velocities say.
    const tolerance = /^ephRate|Track$/.test(name) ? 5e-4 : name.startsWith('ephOffset') ? 1e-4 : 2e-5
    expect(Math.abs(ours / value - 1)).toBeLessThan(tolerance)
  })

  it('has every field of the contracts, the nearest rank, and an orbit without the catalogue’s own marks', () => {
    const { ssSource, orbit } = match!
    expect(fullRecord('lsst.v11_1.ssSource', ssSource)).toEqual([])
    expect(fullRecord('lsst.v11_1.mpc_orbits', orbit)).toEqual([])
    expect(ssSource).toMatchObject({ diaDistanceRank: 1, designation: '2026 NA', diaSourceId: observed.diaSourceId })
    expect(orbit).toMatchObject({
      ...{ id: 0, created_at: 0n, updated_at: 0n, fitting_datetime: 0n, orbit_type_int: -1, u_param: null, a: 2.5 },
      packed_primary_provisional_designation: designationOf(0).packed,
    })
  })

  it('of one that stands still: no track', () => {
    const still = seen([source(1, 30, -20)], [body(0, 30, -20)])
      .matches.values()
      .next().value!
    expect(still.ssSource).toMatchObject({ ephRate: 0, ephOffsetAlongTrack: null, ephOffsetCrossTrack: null })
  })

  it('never holds what is not finite, but null', () => {
    const odd = { ...yf26, vmag: NaN, orbit: { ...yf26.orbit, a: NaN, e: Infinity } }
    const it = seen([observed], [odd], { boundary: [] }).matches.values().next().value!
    expect([it.ssSource.ephVmag, it.orbit.a, it.orbit.e]).toEqual([null, null, null])
  })
})

describe('association with the solar system', () => {
  const object = { ...objectFrom(source(9, 30, -20)), nDiaSources: 1 }
  const rock = source(1, 30, -20 + 0.1 / 3600, { reliability: 0.9 })
  const star = source(2, 30, -20 - 0.3 / 3600)
  const result = pipelineResult([rock, star], { ephemerides: [body(0, 30, -20 + 0.1 / 3600)] })
  const NOW = 61365.2

  it('comes first: a body’s source touches no object, and is stored without one', () => {
    const { sources, objects, solar, expectedBodies, created } = associate(
      result,
      { objects: [object], history: [] },
      NOW,
    )
    expect(sources).toMatchObject([
      { diaSourceId: rock.diaSourceId, diaObjectId: null, timeProcessedMjdTai: NOW },
      { diaSourceId: star.diaSourceId, diaObjectId: object.diaObjectId, ssObjectId: null },
    ])
    expect(packedDesignation(sources[0]!.ssObjectId!)).toBe('K26N00A')
    expect(objects).toMatchObject([{ diaObjectId: object.diaObjectId, nDiaSources: 1, ra: star.ra }])
    expect(solar.map(({ ssSource }) => ssSource.diaSourceId)).toEqual([rock.diaSourceId])
    expect([created, expectedBodies]).toEqual([0, 1])
  })

  it('seeds no object where a body is, and keeps it although it is flagged', () => {
    const flagged = { ...rock, pixelFlags_nodataCenter: true }
    const { sources, objects, dropped } = associate({ ...result, sources: [flagged] }, sky, NOW)
    expect([sources.length, objects, dropped]).toEqual([1, [], []])
  })

  it('does not happen without ephemerides: the same source is a new object', () => {
    const without = associate({ ...result, ephemerides: null }, sky, NOW)
    expect(without).toMatchObject({ solar: [], expectedBodies: undefined, created: 2 })
  })
})
