import type { Stream } from './stream.ts'
import type { Instant } from './time.ts'

/** 0 live; else the watermark at which an operator's order to replay was taken, or a count where the task knew no time. It is also the attempt's number. */
export type Replay = number

/** A record, as a step sees it. `at` is when what it tells of entered the system, never when it is processed. */
export interface Event<V = unknown> {
  readonly stream: string
  readonly key: string
  readonly at: Instant
  readonly replay: Replay
  readonly value: V
}

/** A wake-up that the step had asked for. `at` is the deadline itself, so that catching up late changes nothing. */
export interface Wake {
  readonly stream: '@deadline'
  readonly key: string
  readonly at: Instant
}

/** A record to write. `at` and `replay` are inherited from the event by the runtime. */
export interface Out<V = unknown> {
  readonly stream: string
  readonly key: string
  readonly value: V
  /**
   * Replaces the inherited `at` where the record tells of several events: which of them came last must not show.
   * Worked example: raws of 12:00:03 and 12:00:05 complete a window at 12:00:05, in whichever order they are read.
   */
  readonly at?: Instant
}

/**
 * A pure state machine per key: `(state, event) → state and outputs`.
 * `undefined` state: not known yet, or forgotten. Timers are read off the state by `deadline`,
 * so that restoring a table restores its timers.
 */
export interface Step<S, Shared = undefined> {
  readonly name: string
  /** The streams whose events it knows, and those it writes to: held against the stage that runs it. */
  readonly handles?: readonly Stream[]
  readonly emits?: readonly Stream[]
  /** Which state an event belongs to; the record's key by default. */
  key?(event: Event): string
  /** `shared` is configuration; `look` reads (never writes) the state of another key of the same task: broadcast state. */
  on(state: S | undefined, event: Event | Wake, shared: Shared, look: (key: string) => S | undefined): Result<S>
  /** When the step wants to be woken, if at all. */
  deadline(state: S): Instant | undefined
  /**
   * How states that an older version of this step has written become ours: the first makes version 2 of version 1, and so on. Whoever
   * changes the shape of the state appends one, and never changes or removes one (docs/upgrades.md).
   */
  readonly migrations?: readonly Migration[]
}

/** A state of one version as one of the next; `undefined` forgets it. Pure, and of nothing but the state and its key. */
export type Migration = (older: unknown, key: string) => unknown

export interface Result<S> {
  readonly state: S | undefined
  readonly out: readonly Out[]
  /** For the log at level info, where a record is rightly without effect. Nothing may depend on it. */
  readonly note?: string
}

/** Writes `value` to `stream`: the compiler sees that they belong together. */
export const to = <V>(stream: Stream<V>, key: string, value: NoInfer<V>, at?: Instant): Out<V> => ({
  stream: stream.topic,
  key,
  value,
  ...(at !== undefined && { at }),
})

/** Whether the event is of this stream; narrows its value. */
export const isOf = <V>(stream: Stream<V>, event: Event | Wake): event is Event<V> => event.stream === stream.topic

/** Thrown by a step or an effect on a record that can never be processed: it is parked, its neighbours go on. */
export class Rejection extends Error {
  override readonly name = 'Rejection'
  /** Kind of refusal in kebab-case, for example `unknown-instrument`. */
  readonly code: string
  constructor(code: string, sentence: string) {
    super(sentence)
    this.code = code
  }
}
