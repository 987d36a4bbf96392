import { TAI_MINUS_UTC_S, type Instant } from './model/time.ts'

/**
 * Names and numbers of the domain: keys of records, exposure and visit ids, packed source ids, names of runs.
 * Ids exceed 2^53 and are `bigint` everywhere; a day of observation is a number YYYYMMDD.
 */

export interface UnitName {
  readonly instrument: string
  readonly group: string
  readonly detector: number
}

/** Key of a visit: `instrument/group`. The group is opaque and may itself hold a slash; an instrument never does. */
export const visitKey = (instrument: string, group: string): string => `${instrument}/${group}`

/** Key of a unit of work: `instrument/group/detector`. */
export const unitKey = (instrument: string, group: string, detector: number): string =>
  `${instrument}/${group}/${detector}`

/** The inverse of `visitKey`: the instrument ends at the first slash. */
export function parseVisitKey(key: string): { readonly instrument: string; readonly group: string } {
  const first = key.indexOf('/')
  if (first < 1 || first === key.length - 1) throw new RangeError(`"${key}" is not a visit's key: instrument/group`)
  return { instrument: key.slice(0, first), group: key.slice(first + 1) }
}

/** The inverse of `unitKey`: parsed from both ends, since only the group between them may hold a slash. */
export function parseUnitKey(key: string): UnitName {
  const first = key.indexOf('/')
  const last = key.lastIndexOf('/')
  const detector = key.slice(last + 1)
  if (first < 1 || last <= first + 1 || !/^(0|[1-9]\d{0,3})$/.test(detector)) {
    throw new RangeError(`"${key}" is not a unit's key: instrument/group/detector, the detector a number`)
  }
  return { instrument: key.slice(0, first), group: key.slice(first + 1, last), detector: Number(detector) }
}

const MS_PER_DAY = 86_400_000

/** The day of observation, YYYYMMDD: the TAI date of the instant (ms UTC) less 12 h, so that a night has one day. */
export function dayObsOf(instant: Instant): number {
  const days = Math.floor((instant + TAI_MINUS_UTC_S * 1000 - MS_PER_DAY / 2) / MS_PER_DAY)
  const { year, month, day } = civilOfDays(days)
  return year * 10_000 + month * 100 + day
}

/** 20250912 as `2025-09-12`, the way runs and partitions are named. */
export function dayObsDashed(dayObs: number): string {
  const text = String(checkDayObs(dayObs))
  return `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`
}

/** Exposure id: the day of observation followed by five digits of sequence number. The controller is not part of it. */
export function exposureId(dayObs: number, sequence: number): bigint {
  checkRange('sequence number', sequence, 0, 99_999)
  return BigInt(checkDayObs(dayObs)) * 100_000n + BigInt(sequence)
}

/** The inverse of `exposureId`; also of a visit id, which is the id of the visit's first exposure. */
export function parseExposureId(exposure: bigint): { readonly dayObs: number; readonly sequence: number } {
  const dayObs = checkDayObs(Number(exposure / 100_000n))
  return { dayObs, sequence: Number(exposure % 100_000n) }
}

const FIRST_DAY = daysOfCivil(2010, 1, 1)
const DETECTORS = 256n
const SEQUENCES = 32_768n
const DAYS = 16_384n
const PACKED_BITS = 38n
const COUNTER_BITS = 19n

/**
 * Visit and detector in 38 bits: detector + 256·(sequence + 32768·(days since 2010-01-01)), for the controller "O" and
 * visits of one exposure each; the two fields above the day are then zero.
 * @throws RangeError where a part does not fit: detector < 256, sequence < 32768, a day from 2010 into 2054.
 */
export function packVisitDetector(visit: bigint, detector: number): bigint {
  const { dayObs, sequence } = parseExposureId(visit)
  checkRange('detector', detector, 0, Number(DETECTORS) - 1)
  checkRange(`sequence number of visit ${visit}`, sequence, 0, Number(SEQUENCES) - 1)
  const day = daysOfDayObs(dayObs) - FIRST_DAY
  checkRange(`days from 2010-01-01 to visit ${visit}`, day, 0, Number(DAYS) - 1)
  return BigInt(detector) + DETECTORS * (BigInt(sequence) + SEQUENCES * BigInt(day))
}

/**
 * Id of a DiaSource (and, in a column of its own, of a DiaForcedSource): from the high bit down 1 zero, 6 release,
 * 38 visit and detector, 19 counter. Counters start at 1. Release 1 is production, 0 development.
 * @throws RangeError where a part does not fit.
 */
export function diaSourceId(visit: bigint, detector: number, counter: number, release = 1): bigint {
  checkRange('release', release, 0, 63)
  checkRange(`counter of visit ${visit}, detector ${detector}`, counter, 1, Number(1n << COUNTER_BITS) - 1)
  const packed = packVisitDetector(visit, detector)
  return (((BigInt(release) << PACKED_BITS) + packed) << COUNTER_BITS) + BigInt(counter)
}

/** The inverse of `diaSourceId`. */
export function parseDiaSourceId(id: bigint): {
  readonly release: number
  readonly visit: bigint
  readonly detector: number
  readonly counter: number
} {
  if (id < 0n || id >= 1n << 63n) throw new RangeError(`${id} is not a source id: it must fit in 63 bits`)
  const packed = (id >> COUNTER_BITS) % (1n << PACKED_BITS)
  const above = packed / (DETECTORS * SEQUENCES * DAYS)
  if (above !== 0n)
    throw new RangeError(`${id} is not of controller "O" with one exposure a visit: the field is ${above}`)
  const { year, month, day } = civilOfDays(Number(packed / (DETECTORS * SEQUENCES)) + FIRST_DAY)
  return {
    release: Number(id >> (COUNTER_BITS + PACKED_BITS)),
    visit: exposureId(year * 10_000 + month * 100 + day, Number((packed / DETECTORS) % SEQUENCES)),
    detector: Number(packed % DETECTORS),
    counter: Number(id % (1n << COUNTER_BITS)),
  }
}

/** The chain of a night in the central repository, newest run first. */
export const outputChain = (instrument: string, dayObs: number): string =>
  `${instrument}/prompt/output-${dayObsDashed(dayObs)}`

/**
 * The run that all workers of one night, pipeline and deployment share.
 * `deployment` is `pipelines-<7 hex>-config-<7 hex>`; the preload's run has the pipeline `NoPipeline`.
 */
export const outputRun = (instrument: string, dayObs: number, pipeline: string, deployment: string): string =>
  `${outputChain(instrument, dayObs)}/${pipeline}/${deployment}`

export const PRELOAD_PIPELINE = 'NoPipeline'

/** Days since 1970-01-01 of a day of observation. */
function daysOfDayObs(dayObs: number): number {
  return daysOfCivil(Math.floor(dayObs / 10_000), Math.floor(dayObs / 100) % 100, dayObs % 100)
}

/** Refuses what is not a date, 20260231 included: it would silently become another day in a packed id. */
function checkDayObs(dayObs: number): number {
  checkRange('day_obs', dayObs, 1000_01_01, 9999_12_31)
  const { year, month, day } = civilOfDays(daysOfDayObs(dayObs))
  if (year * 10_000 + month * 100 + day !== dayObs) throw new RangeError(`day_obs ${dayObs} is not a date YYYYMMDD`)
  return dayObs
}

function checkRange(what: string, value: number, from: number, to: number): void {
  if (!Number.isInteger(value) || value < from || value > to) {
    throw new RangeError(`${what} is ${value}; allowed are the integers ${from} to ${to}`)
  }
}

/** Days since 1970-01-01 of a date of the Gregorian calendar (Fliegel and van Flandern 1968). */
function daysOfCivil(year: number, month: number, day: number): number {
  const a = Math.trunc((month - 14) / 12)
  const julian =
    Math.trunc((1461 * (year + 4800 + a)) / 4) +
    Math.trunc((367 * (month - 2 - 12 * a)) / 12) -
    Math.trunc((3 * Math.trunc((year + 4900 + a) / 100)) / 4) +
    day -
    32_075
  return julian - 2_440_588
}

/** The inverse (same source). */
function civilOfDays(days: number): { year: number; month: number; day: number } {
  let l = days + 2_440_588 + 68_569
  const n = Math.trunc((4 * l) / 146_097)
  l -= Math.trunc((146_097 * n + 3) / 4)
  const i = Math.trunc((4000 * (l + 1)) / 1_461_001)
  l = l - Math.trunc((1461 * i) / 4) + 31
  const j = Math.trunc((80 * l) / 2447)
  const k = Math.trunc(j / 11)
  return { year: 100 * (n - 49) + i + k, month: j + 2 - 12 * k, day: l - Math.trunc((2447 * j) / 80) }
}
