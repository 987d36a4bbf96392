import type { Instant } from '../../topology/model/time.ts'
import type { ClockTick } from '../../topology/streams.ts'
import { at, type LogRecord } from '../log-client.ts'
import type { Log } from '../log.ts'
import type { Meter } from '../meter.ts'

/** Smaller differences are no news: a tick is under way for a while, and hosts agree so well at best. */
const LEAST_TOLERANCE_MS = 1_000

/**
 * The time that a tick may be taken for: the clock's own, but never more than the broker's time of its append, less ε. Without that bound a
 * clock whose host is an hour ahead would close every window an hour early, and nothing could open them again.
 * Example with ε 1 s: appended at 12:00:00, a tick that says 11:59:59 is that; one that says 12:59:59 is 11:59:59 too; one
 * that says 10:59:59 is that: a clock that is behind only makes deadlines wait.
 */
export const trustedTime = ({ t, epsilonMs = 0 }: ClockTick, appendedAt: Instant): Instant =>
  Math.min(t, appendedAt - epsilonMs)

/** Whether operators withhold time where the tick was appended; a host that is ahead ends no hold early. Ticks of before say only `hold`. */
export const isWithheld = ({ hold, heldUntil }: ClockTick, appendedAt: Instant): boolean =>
  heldUntil === undefined ? hold : appendedAt < heldUntil

/** Holds what an entrance reads against what ticks have promised, and says where the two do not agree. */
export class ClockWatch {
  readonly #task: string
  readonly #log: Log
  readonly #meter: Meter
  #isSkewed = false

  constructor(task: string, { log, meter }: { readonly log: Log; readonly meter: Meter }) {
    this.#task = task
    this.#log = log
    this.#meter = meter
  }

  /** Says when the clock and the broker begin to disagree by more than ε, and when they agree again. */
  lookAtTick({ t, epsilonMs = 0 }: ClockTick, appendedAt: Instant): void {
    const aheadMs = t + epsilonMs - appendedAt
    const isSkewed = Math.abs(aheadMs) > Math.max(epsilonMs, LEAST_TOLERANCE_MS)
    if (isSkewed === this.#isSkewed) return
    this.#isSkewed = isSkewed
    const facts = { task: this.#task, aheadMs }
    if (!isSkewed) return this.#log.info({ ...facts, code: 'clock-agrees' }, 'clock and brokers agree again')
    const sentence =
      aheadMs > 0
        ? "the clock's host is ahead of the brokers: its time is not believed, theirs is"
        : "the clock's host is behind the brokers, or its ticks are long under way: windows close later than they might"
    this.#violated(facts, sentence)
  }

  /** A tick has promised that nothing older could still come. Where it does, ε is too small for how brokers' clocks differ and appends take. */
  lookAtRecord(record: LogRecord, watermark: Instant | null): void {
    if (watermark === null || record.timestamp >= watermark) return
    const facts = { task: this.#task, record: `${at(record)}@${record.offset}`, behindMs: watermark - record.timestamp }
    this.#violated(
      facts,
      'a record came that is older than the time of this entrance: deadlines may have fired before it',
    )
  }

  #violated(facts: object, sentence: string): void {
    this.#meter.add('clockViolations')
    this.#log.error({ ...facts, code: 'clock-violation' }, sentence)
  }
}
