import { ConfigError } from '../streams/main/config.ts'
import type { Instant } from '../topology/model/time.ts'

/** Times as an operator writes and reads them. */

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds of 90s, 30m, 2h, 1d. @throws ConfigError naming the flag and what is allowed */
export function durationOf(flag: string, text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count === undefined) throw new ConfigError(`${flag} is "${text}"; allowed are 90s, 30m, 2h, 1d and the like`)
  return Number(count) * UNITS[unit as keyof typeof UNITS]
}

/** A time with its zone. @throws ConfigError naming the flag and what is allowed */
export function instantOf(flag: string, text: string): Instant {
  // Without its zone the time would be that of the machine where the order is given; and 30 February would be 2 March.
  const [, day] = /^(\d{4}-\d\d-\d\d)T.*(?:Z|[+-]\d\d:\d\d)$/.exec(text) ?? []
  const instant = day === undefined ? NaN : Date.parse(text)
  if (Number.isNaN(instant) || new Date(`${day}T00:00Z`).toISOString().slice(0, 10) !== day)
    throw new ConfigError(`${flag} is "${text}"; a time with its zone like 2026-02-25T09:00:00Z`)
  return instant
}

/** Either of them; a duration is so long ago. @throws ConfigError */
export const sinceOf = (flag: string, text: string, now: Instant): Instant =>
  /^\d+[a-z]$/.test(text) ? now - durationOf(flag, text) : instantOf(flag, text)

/** Whole seconds are written without their milliseconds. */
export const timeOf = (instant: Instant): string => new Date(instant).toISOString().replace('.000Z', 'Z')
