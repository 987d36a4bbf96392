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
  it.each([
    ['2023-12-31T23:59:59Z', 20231231], // the night of New Year's Eve …
    ['2024-01-01T11:59:22Z', 20231231], // … to its last moment
    ['2024-01-01T11:59:23Z', 20240101],
    ['2024-02-29T03:00:00Z', 20240228],
    ['2024-02-29T12:00:00Z', 20240229],
    ['2024-03-01T11:00:00Z', 20240229],
    ['2025-03-01T11:00:00Z', 20250228],
    ['2000-03-01T00:00:00Z', 20000229], // 2000 was a leap year, 2100 is none
    ['2100-03-01T00:00:00Z', 21000228],
  ])('of %s is %d', (instant, dayObs) => {
    expect(dayObsOf(Date.parse(instant))).toBe(dayObs)
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
    expect(parseExposureId(2022032100004n)).toEqual({ dayObs: 20220321, sequence: 4, controller: 'O' })
  })

  /** As obs_lsst's translator of 2026 gives them. */
  it.each([
    ['C', 20231004, 3023100400005n],
    ['C', 20231005, 2023100500005n],
    ['H', 20231004, 4023100400005n],
    ['H', 20260224, 4026022400005n],
    ['P', 20250417, 5025041700005n],
    ['P', 20250418, 2025041800005n],
    ['Q', 20250417, 6025041700005n],
    ['Q', 20250418, 2025041800005n],
    ['S', 20250417, 7025041700005n],
    ['S', 20250418, 2025041800005n],
    ['O', 20231004, 2023100400005n],
  ] as const)(
    'of controller %s on %d have its thousand years while it counted for itself: %d',
    (controller, day, id) => {
      expect(exposureId(day, 5, controller)).toBe(id)
      const own = id !== exposureId(day, 5)
      expect(parseExposureId(id)).toEqual({ dayObs: day, sequence: 5, controller: own ? controller : 'O' })
    },
  )

  it('are read back as what was written, or refused', () => {
    const digits = (min: number, max: number) => fc.integer({ min, max })
    const plausible = fc
      .tuple(digits(1999, 8000), digits(0, 13), digits(0, 32), digits(0, 99_999))
      .map(([year, month, day, sequence]) => BigInt(year * 10_000 + month * 100 + day) * 100_000n + BigInt(sequence))
    fc.assert(
      fc.property(fc.oneof(plausible, fc.bigInt({ min: -1n, max: 10n ** 19n })), exposure => {
        const parsed = parsedOrRefused(() => parseExposureId(exposure))
        if (parsed) expect(exposureId(parsed.dayObs, parsed.sequence, parsed.controller)).toBe(exposure)
      }),
      { numRuns: 1000 },
    )
  })

  it.each([
    [20260231, 1],
    [20250229, 1],
    [21000229, 1],
    [20261301, 1],
    [20260101, 100_000],
    [20260101, -1],
    [20260101, 0.5],
    [2026, 1],
    [19991231, 1],
    [30260101, 1],
  ])('refuse %d, %d', (dayObs, sequence) => {
    expect(() => exposureId(dayObs, sequence)).toThrow(RangeError)
  })

  it.each([
    [3023100500001n, 'controller C, which has none of its own after 20231004'],
    [7025041800001n, 'controller S, which has none of its own after 20250417'],
    [8026022400001n, 'allowed are 20000101 to 79991231'],
    [4026023100001n, 'day_obs 20260231 is not a date'],
    [404n, 'begins with no day_obs'],
  ])('%d is refused: %s', (exposure, sentence) => {
    expect(() => parseExposureId(exposure)).toThrow(sentence)
  })
})

describe('source ids', () => {
  it('agree with two published ones', () => {
    expect(packVisitDetector(2026022401010n, 89)).toBe(49476268633n)
    expect(diaSourceId(2026022401010n, 89, 90)).toBe(170055002004914266n)
    expect(diaSourceId(2025112300055n, 140, 56, 2)).toBe(313761043604045880n)
  })

  it('have a bit of their own for a first snap that is taken for a visit: a leading 9', () => {
    const id = diaSourceId(92026022401010n, 89, 90)
    expect(id - diaSourceId(2026022401010n, 89, 90)).toBe(1n << 56n)
    expect(parseDiaSourceId(id)).toEqual({ release: 1, visit: 92026022401010n, detector: 89, counter: 90 })
  })

  it('come back, and lie below 2^63', () => {
    const parts = fc.record({
      day: fc.integer({ min: 0, max: 16_383 }),
      sequence: fc.integer({ min: 0, max: 32_767 }),
      alone: fc.constantFrom(0n, 90_000_000_000_000n),
      detector: fc.integer({ min: 0, max: 255 }),
      counter: fc.integer({ min: 1, max: 524_287 }),
      release: fc.integer({ min: 0, max: 63 }),
    })
    const noonOf2010 = Date.parse('2010-01-01T18:00:00Z')
    fc.assert(
      fc.property(parts, ({ day, sequence, alone, detector, counter, release }) => {
        const visit = alone + exposureId(dayObsOf(noonOf2010 + day * 86_400_000), sequence)
        const id = diaSourceId(visit, detector, counter, release)
        expect(id).toBeLessThan(1n << 63n)
        expect(parseDiaSourceId(id)).toEqual({ release, visit, detector, counter })
      }),
    )
  })

  it('of 63 bits are all somebody’s, but for those with the counter 0; nothing is lost between the two forms', () => {
    const edges = [0n, 1n, 524_287n, 524_288n, (1n << 57n) - 1n, 1n << 57n, (1n << 63n) - 1n].map(id => fc.constant(id))
    const any = fc.oneof(fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }), ...edges)
    const withoutCounter = fc.bigInt({ min: 0n, max: (1n << 44n) - 1n }).map(high => high << 19n)
    fc.assert(
      fc.property(fc.oneof({ arbitrary: any, weight: 9 }, withoutCounter), id => {
        const parsed = parsedOrRefused(() => parseDiaSourceId(id))
        expect(parsed === undefined).toBe(id % 524_288n === 0n)
        if (parsed) expect(diaSourceId(parsed.visit, parsed.detector, parsed.counter, parsed.release)).toBe(id)
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    [-1n, '63 bits'],
    [1n << 63n, '63 bits'],
    [170055002004914266n - 90n, 'its counter is 0, and counters start at 1'],
  ])('%d is none: %s', (id, sentence) => {
    expect(() => parseDiaSourceId(id)).toThrow(sentence)
  })

  it.each([
    ['detector', () => diaSourceId(2026022401010n, 256, 1)],
    ['counter', () => diaSourceId(2026022401010n, 1, 0)],
    ['counter', () => diaSourceId(2026022401010n, 1, 524_288)],
    ['release', () => diaSourceId(2026022401010n, 1, 1, 64)],
    ['sequence', () => diaSourceId(2026022440000n, 1, 1)],
    ['2010-01-01', () => diaSourceId(2009123100001n, 1, 1)],
    ['2010-01-01', () => diaSourceId(2054111000001n, 1, 1)],
  ])('name the %s that does not fit', (what, make) => {
    expect(make).toThrow(what)
    expect(make).toThrow(/allowed are/)
  })

  it.each([
    [12026022401010n, 'only a 9 is allowed'],
    [-2026022401010n, 'begins with no day_obs'],
    [3022032100004n, 'is of controller C; only O can be packed'],
    [94026022401010n, 'is of controller H; only O can be packed'],
  ])('are not packed of visit %d: %s', (visit, sentence) => {
    expect(() => diaSourceId(visit, 1, 1)).toThrow(sentence)
  })
})

/** What was parsed; undefined where it was refused with a sentence, as what is impossible must be. */
function parsedOrRefused<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError)
    return undefined
  }
}

it('names a run by night, pipeline and deployment', () => {
  expect(outputRun('LSSTCam', 20250912, 'ApPipe', 'pipelines-cf62e06-config-8acfde6')).toBe(
    'LSSTCam/prompt/output-2025-09-12/ApPipe/pipelines-cf62e06-config-8acfde6',
  )
})
