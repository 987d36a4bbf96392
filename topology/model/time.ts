/** Milliseconds since the Unix epoch, UTC. Set at an entrance and carried unchanged by everything derived. */
export type Instant = number

/** TAI − UTC in seconds since 2017-01-01 (IERS Bulletin C); a leap second, should one ever come, is changed here alone. */
export const TAI_MINUS_UTC_S = 37

const MJD_OF_UNIX_EPOCH = 40_587
const MS_PER_DAY = 86_400_000

/** The instant (UTC) of a TAI unix time in seconds, as SAL stamps it. */
export const instantOfTaiSeconds = (taiSeconds: number): Instant => Math.round((taiSeconds - TAI_MINUS_UTC_S) * 1000)

/** TAI unix seconds of an instant (UTC). */
export const taiSecondsOfInstant = (instant: Instant): number => instant / 1000 + TAI_MINUS_UTC_S

/** Modified Julian Date, TAI, of an instant (UTC). */
export const mjdTaiOfInstant = (instant: Instant): number =>
  (instant + TAI_MINUS_UTC_S * 1000) / MS_PER_DAY + MJD_OF_UNIX_EPOCH

/** The instant (UTC) of a Modified Julian Date, TAI; rounded to the millisecond. */
export const instantOfMjdTai = (mjdTai: number): Instant =>
  Math.round((mjdTai - MJD_OF_UNIX_EPOCH) * MS_PER_DAY) - TAI_MINUS_UTC_S * 1000
