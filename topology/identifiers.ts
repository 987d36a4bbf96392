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

/** Who commands an exposure, in the order of their numbers: O the observatory, C the camera, H, P, Q and S simulators. */
export const CONTROLLERS = ['O', 'C', 'H', 'P', 'Q', 'S'] as const
export type Controller = (typeof CONTROLLERS)[number]

/** The last day on which a controller counted for itself. Since then it shares the counter of O; H never will. */
const LAST_DAY_OF_ITS_OWN: Readonly<Partial<Record<Controller, number>>> = {
  ...{ C: 2023_10_04, P: 2025_04_17, Q: 2025_04_17, S: 2025_04_17 },
}
const THOUSAND_YEARS = 1000_00_00
const SEQUENCE_DIGITS = 100_000n
const EXPOSURE_DIGITS = 10n ** 13n

/**
 * Exposure id: the day of observation followed by five digits of sequence number. A controller that counted for itself on that day had
 * its number times 1000 years added: C took 3022032100004 while O took 2022032100004.
 */
export function exposureId(dayObs: number, sequence: number, controller: Controller = 'O'): bigint {
  checkRange('day_obs of an exposure', checkDayObs(dayObs), 2000_01_01, 2999_12_31)
  checkRange('sequence number', sequence, 0, 99_999)
  const isShared = dayObs > (LAST_DAY_OF_ITS_OWN[controller] ?? Infinity)
  const thousands = isShared ? 0 : CONTROLLERS.indexOf(controller)
  return BigInt(dayObs + thousands * THOUSAND_YEARS) * SEQUENCE_DIGITS + BigInt(sequence)
}

/** The inverse of `exposureId`; O stands for everybody who shares its counter. Also of a visit's id, that of its first exposure. */
export function parseExposureId(exposure: bigint): {
  readonly dayObs: number
  readonly sequence: number
  readonly controller: Controller
} {
  const date = Number(exposure / SEQUENCE_DIGITS)
  const controller = CONTROLLERS[Math.floor(date / THOUSAND_YEARS) - 2]
  if (controller === undefined)
    throw new RangeError(
      `exposure ${exposure} begins with no day_obs of a controller: allowed are 20000101 to 79991231`,
    )
  const dayObs = checkDayObs(date - CONTROLLERS.indexOf(controller) * THOUSAND_YEARS)
  const last = LAST_DAY_OF_ITS_OWN[controller]
  if (last !== undefined && dayObs > last)
    throw new RangeError(
      `exposure ${exposure} would be of controller ${controller}, which has none of its own after ${last}`,
    )
  return { dayObs, sequence: Number(exposure % SEQUENCE_DIGITS), controller }
}

const FIRST_DAY = daysOfCivil(2010, 1, 1)
const DETECTORS = 256n
const SEQUENCES = 32_768n
const DAYS = 16_384n
const PACKED_BITS = 38n
const COUNTER_BITS = 19n

/**
 * Visit and detector in 38 bits: detector + 256·(sequence + 32768·(days since 2010-01-01 + 16384·alone)). `alone` is 1 for a visit whose
 * id has a leading 9: the first snap of several, taken for a visit of its own (92026022401010). Only exposures of controller O have a
 * place: the packer reserves none for others.
 * @throws RangeError where a part does not fit: detector < 256, sequence < 32768, a day from 2010 into 2054.
 */
export function packVisitDetector(visit: bigint, detector: number): bigint {
  const nine = visit / EXPOSURE_DIGITS
  if (nine !== 0n && nine !== 9n)
    throw new RangeError(`visit ${visit} is no exposure's id of 13 digits; before them only a 9 is allowed`)
  const { dayObs, sequence, controller } = parseExposureId(visit % EXPOSURE_DIGITS)
  if (controller !== 'O') throw new RangeError(`visit ${visit} is of controller ${controller}; only O can be packed`)
  checkRange('detector', detector, 0, Number(DETECTORS) - 1)
  checkRange(`sequence number of visit ${visit}`, sequence, 0, Number(SEQUENCES) - 1)
  const day = daysOfDayObs(dayObs) - FIRST_DAY
  checkRange(`days from 2010-01-01 to visit ${visit}`, day, 0, Number(DAYS) - 1)
  return BigInt(detector) + DETECTORS * (BigInt(sequence) + SEQUENCES * (BigInt(day) + (nine === 0n ? 0n : DAYS)))
}

/** The inverse of `packVisitDetector`: every number of 38 bits is a visit and a detector. */
function unpackVisitDetector(packed: bigint): { readonly visit: bigint; readonly detector: number } {
  const { year, month, day } = civilOfDays(Number((packed / (DETECTORS * SEQUENCES)) % DAYS) + FIRST_DAY)
  const exposure = exposureId(year * 10_000 + month * 100 + day, Number((packed / DETECTORS) % SEQUENCES))
  const alone = packed / (DETECTORS * SEQUENCES * DAYS)
  return { visit: exposure + 9n * alone * EXPOSURE_DIGITS, detector: Number(packed % DETECTORS) }
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

/**
 * The inverse of `diaSourceId`.
 * @throws RangeError where no source can have the id: more than 63 bits, or the counter 0.
 */
export function parseDiaSourceId(id: bigint): {
  readonly release: number
  readonly visit: bigint
  readonly detector: number
  readonly counter: number
} {
  if (id < 0n || id >= 1n << 63n) throw new RangeError(`${id} is not a source id: it must fit in 63 bits`)
  const counter = Number(id % (1n << COUNTER_BITS))
  if (counter === 0) throw new RangeError(`${id} is not a source id: its counter is 0, and counters start at 1`)
  return {
    release: Number(id >> (COUNTER_BITS + PACKED_BITS)),
    ...unpackVisitDetector((id >> COUNTER_BITS) % (1n << PACKED_BITS)),
    counter,
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
