import { WINDOW_DAYS } from '../../topology/association/associate.ts'
import { VISIT_SLACK_DAYS } from '../../topology/association/check.ts'
import { dayObsOf, diaSourceId, exposureId, parseExposureId } from '../../topology/identifiers.ts'
import { instantOfMjdTai, mjdTaiOfInstant } from '../../topology/model/time.ts'

/**
 * Conditions by which a query of the source tables leaves out the months that cannot have an answer (migration 0007 divides the tables).
 * They are never narrower than the question: ids of other releases than production's, which lie in no month, always fulfil them.
 */

/** Days that a packed id can say: 14 bits, counted from 2010-01-01. */
const DAYS = { first: mjdTaiOfInstant(Date.UTC(2010, 0, 2)), last: mjdTaiOfInstant(Date.UTC(2054, 10, 9)) }

/** Ids of release 1, of the view of a visit that has months: from the first on, below the second. */
const MONTHLY = [1n << 57n, (1n << 57n) + (1n << 56n)] as const
const COUNTER_BITS = 19n

/**
 * The lowest visit that can have a midpoint at or after a time (MJD TAI): a visit bears its day of observation, which changes at noon TAI,
 * and `checkResult` says how much later it may have been exposed. Example: 61365.4 is 21 November 09:36, of the night of the 20th; less 31
 * days, 2026102000000.
 */
export function firstVisitSince(mjdTai: number): bigint {
  const inRange = Math.min(Math.max(mjdTai - VISIT_SLACK_DAYS, DAYS.first), DAYS.last)
  return exposureId(dayObsOf(instantOfMjdTai(inRange)), 0)
}

/** SQL: whether a column of source ids may be of a visit since this one. */
export const isSince = (column: string, visit: bigint): string =>
  `(${column} >= ${lowestId(visit, 0)} or ${column} < ${MONTHLY[0]})`

/** SQL: whether a column of source ids may be of this visit and detector. */
export function isOfUnit(column: string, visit: bigint, detector: number): string {
  const low = lowestId(visit, detector)
  const high = low + (1n << COUNTER_BITS)
  return `(${column} >= ${low} and ${column} < ${high} or ${column} < ${MONTHLY[0]} or ${column} >= ${MONTHLY[1]})`
}

const lowestId = (visit: bigint, detector: number): bigint => diaSourceId(visit, detector, 1) - 1n

const VISIT_DIGITS = 10n ** 13n
const monthAt = (ms: number): string => new Date(ms).toISOString().slice(0, 7)
/** Noon of a visit's day. */
function noonOf(visit: bigint): number {
  const { dayObs } = parseExposureId(visit % VISIT_DIGITS)
  return Date.UTC(Math.floor(dayObs / 10_000), (Math.floor(dayObs / 100) % 100) - 1, dayObs % 100, 12)
}

/** The month of a visit, like 2026-11: that of its sources' table. */
export const monthOf = (visit: bigint): string => monthAt(noonOf(visit))

/**
 * Whether what was committed of a visit at a time (MJD TAI) was made from this month, and so are its alerts: from the oldest history that it reads up
 * to its commit, because a visit that was replayed has found later visits there.
 */
export function isMadeFrom(month: string, visit: bigint, committedAtMjdTai: number): boolean {
  const first = monthAt(noonOf(visit) - (WINDOW_DAYS + 1) * 86_400_000)
  const last = monthAt(Math.max(noonOf(visit), instantOfMjdTai(committedAtMjdTai)))
  return first <= month && month <= last
}
