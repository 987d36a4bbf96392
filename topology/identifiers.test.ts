import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  dayObsDashed,
  dayObsOf,
  diaSourceId,
  exposureId,
  outputRun,
  packVisitDetector,
  parseDiaSourceId,
  parseExposureId,
  parseUnitKey,
  parseVisitKey,
  unitKey,
  visitKey,
} from './identifiers.ts'

describe('keys', () => {
  it('come back whatever the group holds', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 0, max: 204 }), (group, detector) => {
        expect(parseUnitKey(unitKey('LSSTCam', group, detector))).toEqual({ instrument: 'LSSTCam', group, detector })
        expect(parseVisitKey(visitKey('LSSTCam', group))).toEqual({ instrument: 'LSSTCam', group })
      }),
    )
  })
  it.each(['', 'LATISS', 'LATISS/0', 'LATISS//0', '/g/0', 'LATISS/g/x', 'LATISS/g/01', 'LATISS/g/'])(
    'refuse %j',
    key => {
      expect(() => parseUnitKey(key)).toThrow(/instrument\/group\/detector/)
    },
  )
})

describe('day_obs', () => {
  it('turns at noon TAI, 37 s before noon UTC', () => {
    expect(dayObsOf(Date.parse('2026-02-24T11:59:22.999Z'))).toBe(20260223)
    expect(dayObsOf(Date.parse('2026-02-24T11:59:23Z'))).toBe(20260224)
    expect(dayObsOf(Date.parse('2026-02-25T04:00:00Z'))).toBe(20260224)
  })
  it('agrees with the calendar on every day', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40_000 }), days => {
        const date = new Date(days * 86_400_000).toISOString().slice(0, 10)
        expect(dayObsDashed(dayObsOf(days * 86_400_000 + 18 * 3_600_000))).toBe(date)
      }),
    )
  })
})

describe('exposure ids', () => {
  it('are the day and five digits', () => {
    expect(exposureId(20220321, 4)).toBe(2022032100004n)
    expect(parseExposureId(2022032100004n)).toEqual({ dayObs: 20220321, sequence: 4 })
  })
  it.each([
    [20260231, 1],
    [20261301, 1],
    [20260101, 100_000],
    [20260101, -1],
    [20260101, 0.5],
    [2026, 1],
  ])('refuse %d, %d', (dayObs, sequence) => {
    expect(() => exposureId(dayObs, sequence)).toThrow(RangeError)
  })
})

describe('source ids', () => {
  it('agree with two published ones', () => {
    expect(packVisitDetector(2026022401010n, 89)).toBe(49476268633n)
    expect(diaSourceId(2026022401010n, 89, 90)).toBe(170055002004914266n)
    expect(diaSourceId(2025112300055n, 140, 56, 2)).toBe(313761043604045880n)
  })
  it('come back, and lie below 2^63', () => {
    const parts = fc.record({
      day: fc.integer({ min: 0, max: 16_383 }),
      sequence: fc.integer({ min: 0, max: 32_767 }),
      detector: fc.integer({ min: 0, max: 255 }),
      counter: fc.integer({ min: 1, max: 524_287 }),
      release: fc.integer({ min: 0, max: 63 }),
    })
    const noonOf2010 = Date.parse('2010-01-01T18:00:00Z')
    fc.assert(
      fc.property(parts, ({ day, sequence, detector, counter, release }) => {
        const visit = exposureId(dayObsOf(noonOf2010 + day * 86_400_000), sequence)
        const id = diaSourceId(visit, detector, counter, release)
        expect(id).toBeLessThan(1n << 63n)
        expect(parseDiaSourceId(id)).toEqual({ release, visit, detector, counter })
      }),
    )
  })
  it.each([
    ['detector', () => diaSourceId(2026022401010n, 256, 1)],
    ['counter', () => diaSourceId(2026022401010n, 1, 0)],
    ['counter', () => diaSourceId(2026022401010n, 1, 524_288)],
    ['release', () => diaSourceId(2026022401010n, 1, 1, 64)],
    ['sequence', () => diaSourceId(2026022440000n, 1, 1)],
    ['2010-01-01', () => diaSourceId(2009123100001n, 1, 1)],
  ])('name the %s that does not fit', (what, make) => {
    expect(make).toThrow(what)
    expect(make).toThrow(/allowed are/)
  })
})

it('names a run by night, pipeline and deployment', () => {
  expect(outputRun('LSSTCam', 20250912, 'ApPipe', 'pipelines-cf62e06-config-8acfde6')).toBe(
    'LSSTCam/prompt/output-2025-09-12/ApPipe/pipelines-cf62e06-config-8acfde6',
  )
})
