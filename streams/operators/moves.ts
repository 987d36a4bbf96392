import type { Event, Out, Replay } from '../../topology/model/step.ts'
import type { Instant } from '../../topology/model/time.ts'
import type { LogRecord } from '../log-client.ts'

/** A record that could be read. */
export interface Arrival {
  readonly kind: 'event'
  readonly event: Event
  readonly record: LogRecord
}
/** A record that is to be parked: undecodable, or refused by the step. */
export interface Refusal {
  readonly kind: 'refusal'
  readonly record: LogRecord
  /** Kind of refusal in kebab-case. */
  readonly code: string
  /** A sentence for the operator. */
  readonly reason: string
}
/** Everything that entered the system before `t` has been seen. */
export interface Watermark {
  readonly kind: 'watermark'
  readonly t: Instant
}
/** What one upstream task says of its own time; `from` is "topic<stage#task". */
export interface UpstreamMark {
  readonly kind: 'upstream'
  readonly from: string
  readonly t: Instant
}

/** What flows into the operators of a task. */
export type In = Arrival | Refusal | Watermark
/** A record to write, with the time and replay it inherits. */
export interface Output {
  readonly kind: 'output'
  readonly out: Out
  readonly at: Instant
  readonly replay: Replay
}
/** Everything that the record had to cause has been said before this. */
export interface Done {
  readonly kind: 'done'
  readonly record: LogRecord
}
/** Why a record was rightly without effect: for the log, and nothing else. */
export interface Note {
  readonly kind: 'note'
  readonly record: LogRecord
  readonly sentence: string
}
/** What comes out: a record's outputs or refusal, then its `done`; a watermark's wake-ups, then the watermark. */
export type Move = Output | Refusal | Note | Done | Watermark
