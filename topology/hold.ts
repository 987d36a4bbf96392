import type { Control } from '../schemas/avro/generated.ts'
import { Rejection } from './model/step.ts'
import type { Instant } from './model/time.ts'

/** Time that operators withhold: no watermark moves, so nothing is fanned out and no window closes by its deadline. */
export interface Hold {
  readonly reason: string
  readonly by: string
  /** Since when time stands, also where later orders made it longer. */
  readonly since: Instant
  readonly until: Instant
}

/** Whoever forgets a hold loses half a night at most. */
export const LONGEST_HOLD_MS = 12 * 3_600_000
/** The end was counted by the clock of whoever ordered it, and the order is judged by the broker's: they may be so far apart. */
export const HOLD_SLACK_MS = 60_000

/** Orders about the time of the whole topology, and not about detectors. */
export const isAboutTime = ({ kind }: Control): boolean => kind === 'hold' || kind === 'release'

/**
 * The hold after an order given at `at`; the last order counts. Throws a `Rejection` for one that could hold nothing or would hold too long:
 * it changes nothing.
 */
export function applyHold(
  hold: Hold | undefined,
  { kind, reason, by, until }: Control,
  at: Instant,
  slackMs = HOLD_SLACK_MS,
): Hold | undefined {
  if (kind === 'release') return undefined
  if (kind !== 'hold') return hold
  if (until === null || until <= at || until > at + LONGEST_HOLD_MS + slackMs)
    throw new Rejection(
      'bad-hold',
      `a hold ordered at ${at} is to end at ${until}; allowed is an end after that, by ${LONGEST_HOLD_MS / 3_600_000} hours at most`,
    )
  return { reason, by, since: isHeld(hold, at) ? hold.since : at, until }
}

/** Whether time is withheld at `t`; a hold ends by itself. */
export const isHeld = (hold: Hold | undefined, t: Instant): hold is Hold => hold !== undefined && t < hold.until
