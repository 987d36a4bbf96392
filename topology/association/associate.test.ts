import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DiaObject, DiaSource } from '../../schemas/avro/generated.ts'
import { fullRecord } from '../testing/records.ts'
import { ssObjectId } from '../ss-object-id.ts'
import { ephemerisOf } from '../testing/ephemerides.ts'
import { pipelineResult, source } from '../testing/sources.ts'
import { associate, commitTime } from './associate.ts'
import { checkResult, regionOf } from './check.ts'
import { objectFrom } from './objects.ts'

const NOW = 61365.2
const sky = { objects: [], history: [] }
const unit = 'LATISS/2026-11-22T03:00:00.000/0'

describe('association', () => {
  it('seeds an object with the id of its source, and the next visit finds it', () => {
    const first = associate(pipelineResult([source(1, 30, -20)]), sky, NOW)
    expect(first.objects).toMatchObject([
      { diaObjectId: first.sources[0]!.diaSourceId, nDiaSources: 1, validityStartMjdTai: NOW },
    ])
    expect(first.sources).toMatchObject([{ diaObjectId: first.objects[0]!.diaObjectId, timeProcessedMjdTai: NOW }])

    const visit = 2026112100043n
    const again = source(1, 30, -20 + 0.4 / 3600, { visit, midpointMjdTai: 61365.3 })
    const second = associate(
      pipelineResult([again], { visit, midpointMjdTai: 61365.3 }),
      { objects: first.objects, history: first.sources },
      NOW + 0.2,
    )
    expect(second.created).toBe(0)
    expect(second.objects).toMatchObject([
      { diaObjectId: first.objects[0]!.diaObjectId, nDiaSources: 2, r_psfFluxNdata: 2 },
    ])
    expect(second.objects[0]!.dec).toBeCloseTo(-20 + 0.2 / 3600, 9)
  })

  it('has every field of the contracts in its rows', () => {
    const { sources, objects } = associate(pipelineResult([source(1, 30, -20)]), sky, NOW)
    expect(fullRecord('lsst.v11_1.diaObject', objects[0]!)).toEqual([])
    expect(fullRecord('lsst.v11_1.diaSource', sources[0]!)).toEqual([])
  })

  const known = { ...objectFrom(source(9, 30, -20)), nDiaSources: 1 }
  const onKnown = (more: Partial<DiaSource>) =>
    associate(pipelineResult([source(1, 30, -20, more)]), { objects: [known], history: [] }, NOW)

  it.each<[string, Partial<DiaSource>]>([
    ['centroid_flag', { centroid_flag: true }],
    ['pixelFlags_crCenter', { pixelFlags_crCenter: true }],
    ['negative-science-flux', { scienceFlux: -101, scienceFluxErr: 50 }],
    ['long-trail', { trailLength: 12.51, exposureTime: 30 }],
    // Of the test's image a pixel is 0.26″ wide: this box has a diagonal of 12.8″.
    ['long-trail', { trail_flag: true, trailLength: null, bboxSize: 35 }],
    ['low-reliability', { reliability: 0.49 }],
    ['no-position', { ra: NaN }],
    ['no-psfFlux', { psfFlux: null }],
    ['no-psfFluxErr', { psfFluxErr: NaN }],
    ['no-apFlux', { apFlux: Infinity }],
    ['no-apFluxErr', { apFluxErr: null }],
    ['centroid_flag', { centroid_flag: true, reliability: 0.01, dec: NaN }],
  ])('drops a source for %s, also where it would match', (reason, bad) => {
    const { sources, objects, dropped } = onKnown(bad)
    const { diaSourceId } = source(1, 30, -20)
    expect({ sources, objects, dropped }).toEqual({ sources: [], objects: [], dropped: [{ diaSourceId, reason }] })
  })

  it.each<Partial<DiaSource>>([
    { scienceFlux: -99, scienceFluxErr: 50 },
    { scienceFlux: -1e6, scienceFluxErr: null },
    { trailLength: 12.49, exposureTime: 30 },
    { trailLength: 6.2, exposureTime: 1 },
    { trail_flag: true, trailLength: 99, bboxSize: 34 },
    { reliability: 0.5 },
    { reliability: null, centroid_flag: null, pixelFlags_crCenter: null },
  ])('keeps %o', more => {
    expect(onKnown(more)).toMatchObject({ dropped: [], sources: [{ diaObjectId: known.diaObjectId }] })
    expect(associate(pipelineResult([source(1, 30, -20, more)]), sky, NOW)).toMatchObject({ dropped: [], created: 1 })
  })

  it.each([
    'pixelFlags_nodataCenter',
    'pixelFlags_interpolatedCenter',
    'pixelFlags_saturatedCenter',
    'pixelFlags_suspectCenter',
    'pixelFlags_streakCenter',
    'glint_trail',
  ])('drops a source for %s unless it matches', flag => {
    const bad = source(1, 30, -20, { [flag]: true })
    expect(associate(pipelineResult([bad]), sky, NOW)).toMatchObject({
      ...{ sources: [], objects: [], created: 0 },
      dropped: [{ diaSourceId: bad.diaSourceId, reason: flag }],
    })
    expect(onKnown({ [flag]: true })).toMatchObject({ sources: [{ diaObjectId: known.diaObjectId }], dropped: [] })
  })

  it('stores a source that a body of the solar system has claimed, and lets it touch no object', () => {
    const [asteroid, other] = [source(1, 30, -20, { glint_trail: true }), source(2, 30, -20 + 0.9 / 3600)]
    const ephemerides = [ephemerisOf({ number: 0, epochMjdTai: 61365.1, ra: 30, dec: -20 })]
    const past = { objects: [known], history: [{ ...source(9, 30, -20), diaObjectId: known.diaObjectId }] }
    const { sources, objects, dropped } = associate(pipelineResult([asteroid, other], { ephemerides }), past, NOW)
    expect(sources).toMatchObject([
      { diaSourceId: asteroid.diaSourceId, diaObjectId: null, ssObjectId: ssObjectId('K26N00A') },
      { diaSourceId: other.diaSourceId, diaObjectId: known.diaObjectId, ssObjectId: null },
    ])
    expect(objects).toMatchObject([{ diaObjectId: known.diaObjectId, nDiaSources: 2 }])
    expect(dropped).toEqual([])
    const bad = { ...asteroid, reliability: 0.1 }
    expect(associate(pipelineResult([bad], { ephemerides }), sky, NOW)).toMatchObject({ sources: [], dropped: [{}] })
  })

  it('does not depend on the order of sources, objects and history', () => {
    const sources = Array.from({ length: 8 }, (_, i) => source(i + 1, 30 + i * 0.0001, -20))
    const old = Array.from({ length: 8 }, (_, i) =>
      source(i + 1, 30 + i * 0.0001, -20 + 0.0001, { visit: 2026112000001n, midpointMjdTai: 61364 }),
    )
    const before = associate(pipelineResult(old), sky, NOW)
    const inOrder = { objects: before.objects, history: before.sources }
    const expected = associate(pipelineResult(sources), inOrder, NOW + 1)
    const all = <T>(items: readonly T[]) => fc.shuffledSubarray([...items], { minLength: items.length })
    fc.assert(
      fc.property(all(sources), all(before.objects), all(before.sources), (s, objects, history) => {
        expect(associate(pipelineResult(s), { objects, history }, NOW + 1)).toEqual(expected)
      }),
      { numRuns: 30 },
    )
  })

  it('refuses a flood of new objects', () => {
    const flood = Array.from({ length: 1001 }, (_, i) => source(i + 1, 29.95 + i * 0.00002, -20))
    expect(() => associate(pipelineResult(flood), sky, NOW)).toThrow(/1001 detections match no object/)
  })
})

describe('at the edge of the image', () => {
  const NORTH = -19.85
  /** So fine that ten pixels are 0.6″, less than matching reaches. In the middle the northern edge, a great circle, lies 0.23″ lower than at the corners. */
  const fine = { width: 16_000, height: 17_000 }
  const pixels = (n: number) => NORTH - 0.2258 / 3600 + (n * 1080) / 17_000 / 3600
  const objectAt = (height: number) => ({ ...objectFrom(source(9, 30, pixels(height))), nDiaSources: 5 })
  const seenAt = (height: number, ...objects: DiaObject[]) =>
    associate(pipelineResult([source(1, 30, pixels(height))], fine), { objects, history: [] }, NOW)

  it('an object up to ten pixels off takes part; one farther off is another', () => {
    const [near, far] = [objectAt(7), objectAt(13)]
    expect(seenAt(-4, near).sources).toMatchObject([{ diaObjectId: near.diaObjectId }])
    expect(seenAt(-4, far)).toMatchObject({ created: 1 })
  })

  it('an object off the image, or on its outermost pixel, keeps its version though a stored source belongs to it', () => {
    for (const height of [3, -0.5]) {
      const object = objectAt(height)
      expect(seenAt(-4, object)).toMatchObject({ sources: [{ diaObjectId: object.diaObjectId }], objects: [] })
    }
    expect(seenAt(-4, objectAt(-3)).objects).toMatchObject([{ nDiaSources: 1 }])
  })

  it('nor is it measured, or missed', () => {
    const history = [1, 2].map(day =>
      source(9, 30, NORTH, { visit: 2026112000001n + BigInt(day), diaObjectId: 5n, midpointMjdTai: 61360 + day }),
    )
    const at = (height: number) => [{ ...objectAt(height), diaObjectId: 5n }]
    const flux = { psfFlux: 1, psfFluxErr: 2, scienceFlux: 3, scienceFluxErr: 4 }
    const forced = [{ diaObjectId: 5n, diaSourceId: null, ra: 30, dec: NORTH, ...flux }]
    const measured = (height: number, list: typeof forced) =>
      associate(pipelineResult([], { ...fine, forced: list }), { objects: at(height), history }, NOW)
    expect(measured(-3, forced).forced).toHaveLength(1)
    expect(measured(-0.5, forced).forced).toEqual([])
    expect([measured(-3, []).unmeasured, measured(-0.5, []).unmeasured]).toEqual([1, 0])
  })

  it('a new object is made all the same: its source has nobody else', () => {
    expect(seenAt(-0.5)).toMatchObject({ created: 1, objects: [{ nDiaSources: 1 }] })
  })

  it('is nowhere if the report has no corners', () => {
    const result = pipelineResult([source(1, 30, -20)], { boundary: [] })
    const objects = [{ ...objectFrom(source(9, 30, -20)), nDiaSources: 5 }]
    expect(associate(result, { objects, history: [] }, NOW).objects).toMatchObject([{ nDiaSources: 1 }])
  })
})

describe('forced photometry', () => {
  const seen = (day: number, more = {}) => ({
    ...source(1, 30, -20, { visit: 2026112000001n + BigInt(day), midpointMjdTai: 61360 + day, ...more }),
    diaObjectId: 5n,
  })
  const object = { ...objectFrom(source(1, 30, -20)), diaObjectId: 5n, nDiaSources: 2 }
  const measured = (more: object) => ({
    diaObjectId: null,
    diaSourceId: null,
    ra: 30,
    dec: -20,
    psfFlux: 1,
    psfFluxErr: 2,
    scienceFlux: 3,
    scienceFluxErr: 4,
    ...more,
  })

  it('is kept for an object seen well twice, also where nothing was detected now', () => {
    const result = pipelineResult([], { forced: [measured({ diaObjectId: 5n })] })
    const { forced } = associate(result, { objects: [object], history: [seen(0), seen(1)] }, NOW)
    expect(forced).toMatchObject([{ diaObjectId: 5n, visit: result.visit, psfFlux: 1, timeProcessedMjdTai: NOW }])
    expect(fullRecord('lsst.v11_1.diaForcedSource', forced[0]!)).toEqual([])
  })

  it.each([{ isDipole: true }, { glint_trail: null }, { reliability: 0.4 }, { trailLength: null }])(
    'is not kept when one of two detections has %o',
    more => {
      const result = pipelineResult([], { forced: [measured({ diaObjectId: 5n })] })
      expect(associate(result, { objects: [object], history: [seen(0), seen(1, more)] }, NOW).forced).toEqual([])
    },
  )

  it('of an object born since the preload is taken at its detection in this image; the preloaded position goes before it', () => {
    const own = source(7, 30, -20)
    const atOwn = measured({ diaSourceId: own.diaSourceId, psfFlux: 70 })
    const past = { objects: [object], history: [seen(0), seen(1)] }
    const forced = (...list: (typeof atOwn)[]) => associate(pipelineResult([own], { forced: list }), past, NOW).forced
    expect(forced(atOwn)).toMatchObject([{ diaObjectId: 5n, psfFlux: 70 }])
    expect(forced(measured({ diaObjectId: 5n }), atOwn)).toMatchObject([{ psfFlux: 1 }])
    expect(forced(atOwn, measured({ diaObjectId: 5n }))).toMatchObject([{ psfFlux: 1 }])
  })

  it('that is missing is counted, on the image only', () => {
    const past = { objects: [object], history: [seen(0), seen(1)] }
    expect(associate(pipelineResult([]), past, NOW).unmeasured).toBe(1)
    const off = { objects: [{ ...object, ra: 30.2 }], history: past.history }
    expect(associate(pipelineResult([]), off, NOW).unmeasured).toBe(0)
  })
})

describe('the check of a report', () => {
  const good = pipelineResult([source(1, 30, -20)])
  it('passes a good one, and one without any detection', () => {
    checkResult(unit, good)
    checkResult(unit, pipelineResult([], { cutoutBucket: null, cutoutKey: null }))
  })

  it.each([
    ['another unit', { ...good, detector: 1 }, 'foreign-unit'],
    ['no visit', { ...good, visit: null }, 'malformed-result'],
    ['a visit of no day', { ...good, visit: 2026113100001n }, 'malformed-result'],
    ['a time weeks after its visit', { ...good, midpointMjdTai: 61365 + 33 }, 'malformed-result'],
    ['no time', { ...good, midpointMjdTai: NaN }, 'malformed-result'],
    ['an unknown band', { ...good, band: 'Y2' }, 'malformed-result'],
    ['an id twice', { ...good, sources: [...good.sources, ...good.sources] }, 'malformed-result'],
    ['an id of another visit', pipelineResult([source(1, 30, -20, { diaSourceId: 5n })]), 'malformed-result'],
    ['a source without stamps', { ...good, cutouts: [] }, 'malformed-result'],
    ['a stamp without bytes', { ...good, cutouts: good.cutouts.map(it => ({ ...it, science: { ...it.science, length: 0 } })) }, 'malformed-result'], // prettier-ignore
  ])('refuses %s', (_, result, code) => {
    expect(() => checkResult(unit, result)).toThrow(expect.objectContaining({ code }))
  })

  it('refuses a region that cannot be one image', () => {
    expect(() => regionOf(pipelineResult([source(1, 30, -20), source(2, 210, 20)]))).toThrow(
      /at most 1° is one detector/,
    )
    expect(regionOf(pipelineResult([], { boundary: [] }))).toBeUndefined()
  })
})

it('a commit is later than what it closes, even after a clock was set back', () => {
  expect(commitTime(NOW, [{ validityStartMjdTai: NOW - 1 }])).toBe(NOW)
  const later = commitTime(NOW, [{ validityStartMjdTai: NOW + 1 }, { validityStartMjdTai: NOW }])
  expect(later).toBeGreaterThan(NOW + 1)
})
