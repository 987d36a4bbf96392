import type { Out, Replay } from '../model/step.ts'
import type { Stream } from '../model/stream.ts'
import type { Instant } from '../model/time.ts'

/** A right record and when it entered; of several sightings of one, the earliest counts. */
export interface Held<R> {
  readonly at: Instant
  readonly value: R
}

/** A right that waits. `from`: when its hold began; later than `at` where a replay reads it again. */
export interface HeldFrom<R> extends Held<R> {
  readonly from: Instant
}

/** Rights came, or a withdrawal, and nobody has announced the key. */
export interface Waiting<R> {
  readonly phase: 'waiting'
  readonly since: Instant
  readonly withdrawnAt: Instant | null
  readonly rights: readonly HeldFrom<R>[]
  readonly unclaimed: readonly string[]
}

/** Announced. *open* until its deadline, *asked* until the answer, *closed* for as long as a duplicate might come. */
export interface Opened<L, R> {
  readonly phase: 'open' | 'asked' | 'closed'
  readonly left: L
  readonly announcedAt: Instant
  /** 0 live; else the replay that opened it last. */
  readonly attempt: Replay
  /** Decisions said in this attempt. */
  readonly number: number
  /** When the left was first taken back; counts, like a right, only up to the deadline. */
  readonly withdrawnAt: Instant | null
  readonly rights: readonly Held<R>[]
  /** Ids of the rights that the closing decision used, and of those that were reported as late. */
  readonly used: readonly string[]
  readonly late: readonly string[]
  readonly unclaimed: readonly string[]
}

/** Announced as no unit at all: its rights are nobody's concern. */
export interface Absent {
  readonly phase: 'absent'
  readonly announcedAt: Instant
  readonly attempt: Replay
  readonly unclaimed: readonly string[]
  readonly forgetAt: Instant
}

/** In each phase `unclaimed` has the ids of the rights that were reported as such. */
export type Window<L, R> = Waiting<R> | Opened<L, R> | Absent

/** What a window says. announced and withdrawn are hints; the others are final for the attempt. */
export interface Decision<L, R> {
  readonly kind: 'announced' | 'withdrawn' | 'ready' | 'missed' | 'cancelled' | 'ignored'
  readonly left: L
  /** Said with every decision, since the one that announced may be read after the others. */
  readonly announcedAt: Instant
  readonly attempt: Replay
  /** Counts the decisions of the attempt from 1. */
  readonly number: number
  /** Whether a ready set is whole; null for the other kinds. */
  readonly inputs: 'complete' | 'partial' | null
  /** By (at, id); empty unless ready. */
  readonly rights: readonly Held<R>[]
}

/** The question of a window past its deadline. */
export interface Question<L> {
  readonly left: L
  readonly attempt: Replay
  readonly announcedAt: Instant
  /** Only rights up to here count; null in a reopened window, where all do. */
  readonly until: Instant | null
}

/** Says what is joined, and in which words; `windowedJoin` makes the state machine of it. */
export interface WindowSpec<L, R, A extends { readonly attempt: Replay }> {
  readonly name: string
  readonly left: Stream<L>
  readonly right: Stream<R>
  /** Answers to the questions, each whole. */
  readonly answer: Stream<A>
  readonly means: (left: L) => 'opens' | 'withdraws' | 'unwanted' | 'absent'
  readonly deadline: (left: L) => Instant
  /** A complete set has a right in each slot 0 … n − 1. 0: not known; then one is enough, but only when time is up. */
  readonly needs: (left: L) => number
  readonly slot: (right: R) => number
  /** Two records of one id are one. */
  readonly id: (right: R) => string
  readonly found: (answer: A) => readonly Held<R>[]
  /** How long a right waits for its left before it is reported as unclaimed. */
  readonly holdMs: number
  /** How long a closed window is remembered. */
  readonly rememberMs: number
  readonly emits: readonly Stream[]
  readonly say: {
    readonly decision: (key: string, decision: Decision<L, R>, at?: Instant) => Out
    readonly question: (key: string, question: Question<L>) => Out
    readonly late: (key: string, right: Held<R>, window: Opened<L, R>) => Out
    readonly unclaimed: (key: string, right: Held<R>, at: Instant) => Out
  }
}
