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
  /** The newest object that was reported since; null while there is none. Only younger ones are news. */
  readonly reported: Instant | null
  /** When the alarm was last raised, and when it was raised first; null while there is none. */
  readonly alarm: { readonly since: Instant; readonly last: Instant; readonly times: number } | null
}

export interface SilenceRules {
  /** For so long the ends must stand still before the bucket is looked at; an alarm is repeated as often at most. */
  readonly silenceMs: number
  /**
   * An object must be so much younger than the last notification, and so old. In both directions that allows for the store's clock, which
   * need not be ours and at some stores tells whole seconds, and for the time that a notification takes; together they must stay below it.
   */
  readonly toleranceMs: number
}

/** Objects of the raw bucket that were stored in the span that was asked for. */
export interface Unannounced {
  readonly count: number
  readonly newest: Instant
}

/** An alarm is over after so many periods without anything new; fewer, and it would come and go with every long exposure. */
const PERIODS_UNTIL_OVER = 10

/** After a look at the ends at `now`. The first look counts as a movement: nobody knows what was before it. */
export function heard(before: Silence | undefined, ends: string, now: Instant): Silence & { readonly isBack: boolean } {
  if (before?.ends === ends) return { ...before, isBack: false }
  return { ends, movedAt: now, reported: null, alarm: null, isBack: before !== undefined && before.alarm !== null }
}

/**
 * Whether to look into the bucket, and for objects stored from when up to when, both included; undefined: there is nothing to ask yet.
 * `now` is of before the ends were read. Worked example with 10 s: after a pause an object is stored at 12:00:00.0, the look begins at
 * 12:00:00.2, the notification comes at 12:00:00.5. The object is ten seconds too young to be missed, and the next look sees the ends move.
 */
export function askFor(
  { movedAt, reported, alarm }: Silence,
  { silenceMs, toleranceMs }: SilenceRules,
  now: Instant,
): { readonly from: Instant; readonly upTo: Instant } | undefined {
  if (now - (alarm?.last ?? movedAt) < silenceMs) return undefined
  return { from: Math.max(movedAt + toleranceMs, (reported ?? movedAt) + 1), upTo: now - toleranceMs }
}

/**
 * After a look into the bucket at `now`. Worked example with 60 s and 10 s: the last notification came at 12:00:00, objects were stored at
 * 12:00:34 and 12:01:08, and then no more. At 12:01:00 the first is found, and the alarm is raised: 26 s after it was stored. At 12:02:00 it is
 * raised again, for the second alone. At 12:12:00 it is over, although nobody knows whether the store notifies again.
 */
export function judge(silence: Silence, found: Unannounced, rules: SilenceRules, now: Instant): Silence {
  const { alarm } = silence
  if (found.count > 0) {
    const { since, times } = alarm ?? { since: now, times: 0 }
    return { ...silence, reported: found.newest, alarm: { since, last: now, times: times + 1 } }
  }
  const isOver = alarm !== null && now - alarm.last >= PERIODS_UNTIL_OVER * rules.silenceMs
  return isOver ? { ...silence, alarm: null } : silence
}
