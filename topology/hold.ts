import type { Control } from '../schemas/avro/generated.ts'
import { Rejection } from './model/step.ts'
import type { Instant } from './model/time.ts'

/** Time that operators withhold: no watermark moves, so nothing is fanned out and no window closes by its deadline. */
export interface Hold {
  readonly reason: string
  readonly by: string
  readonly since: Instant
  readonly until: Instant
}

/** Whoever forgets a hold loses half a night at most. */
export const LONGEST_HOLD_MS = 12 * 3_600_000

/** Orders about the time of the whole topology, and not about detectors. */
export const isAboutTime = ({ kind }: Control): boolean => kind === 'hold' || kind === 'release'

/**
 * The hold after an order given at `at`; the last order counts. Throws a `Rejection` for one that could hold nothing or would hold too long:
 * it changes nothing.
 */
export function applyHold(hold: Hold | undefined, { kind, reason, by, until }: Control, at: Instant): Hold | undefined {
  if (kind === 'release') return undefined
  if (kind !== 'hold') return hold
  if (until === null || until <= at || until > at + LONGEST_HOLD_MS)
    throw new Rejection(
      'bad-hold',
      `a hold ordered at ${at} is to end at ${until}; allowed is an end after that, by ${LONGEST_HOLD_MS / 3_600_000} hours at most`,
    )
  return { reason, by, since: at, until }
}

/** Whether time is withheld at `t`; a hold ends by itself. */
export const isHeld = (hold: Hold | undefined, t: Instant): hold is Hold => hold !== undefined && t < hold.until
