import type { Instant } from './model/time.ts'

/**
 * Whether the object store has stopped telling us of objects. A night without raws is quiet and nothing is wrong; wrong is a bucket in which
 * objects appear while the topic of its notifications stands still. Units are found all the same, by listing at their deadlines, minutes
 * late each: an operator must hear of it before the first window has run out.
 */
export interface Silence {
  /** The ends of the notifications' partitions, as they were last seen, and when they were last seen to move. */
  readonly ends: string
  readonly movedAt: Instant
  /** When the alarm was last raised, and when it was raised first; null while there is none. */
  readonly alarm: { readonly since: Instant; readonly last: Instant; readonly times: number } | null
}

export interface SilenceRules {
  /** For so long the ends must stand still before the bucket is looked at; an alarm is repeated as often. */
  readonly silenceMs: number
  /** An object must be so much younger than the last notification: clocks differ, and a notification takes its time. */
  readonly toleranceMs: number
}

/** Objects of the raw bucket that are younger than what was asked for. */
export interface Unannounced {
  readonly count: number
  readonly newest: Instant
}

/** After a look at the ends at `now`. The first look counts as a movement: nobody knows what was before it. */
export function heard(before: Silence | undefined, ends: string, now: Instant): Silence & { readonly isBack: boolean } {
  if (before?.ends === ends) return { ...before, isBack: false }
  return { ends, movedAt: now, alarm: null, isBack: before !== undefined && before.alarm !== null }
}

/** Whether to look into the bucket, and for objects stored after when; undefined: there is nothing to ask yet. */
export function askAfter({ movedAt, alarm }: Silence, rules: SilenceRules, now: Instant): Instant | undefined {
  const since = alarm?.last ?? movedAt
  return now - since >= rules.silenceMs ? movedAt + rules.toleranceMs : undefined
}

/**
 * After a look into the bucket at `now`. Worked example with 60 s and 10 s: the last notification came at 12:00:00, objects were stored at
 * 12:00:34 and 12:01:08. At 12:01:00 the first is found, and the alarm is raised: 26 s after it was stored. At 12:02:00 it is raised again, with both.
 */
export function judge(silence: Silence, found: Unannounced, now: Instant): Silence {
  if (found.count === 0) return silence
  const { since, times } = silence.alarm ?? { since: now, times: 0 }
  return { ...silence, alarm: { since, last: now, times: times + 1 } }
}
