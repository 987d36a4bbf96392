import type { Codec } from '../../schemas/codec.ts'
import type { Out, Replay } from '../../topology/model/step.ts'
import type { Instant } from '../../topology/model/time.ts'
import type { Bell } from '../postgres/hints.ts'
import type { Pool } from '../postgres/pool.ts'

/** A record to write; the runtime's has this shape. */
export interface NewRecord {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, Buffer>>
}

/** What publish needs of a task that holds its lock: shard `index` of the outbox, partition `index` of alerts-ledger. */
export interface PublishTask {
  readonly index: number
  /** The task's partition of alerts-ledger as committed, key → value. */
  readonly rows: ReadonlyMap<string, Buffer>
  readonly signal: AbortSignal
  record(out: Out, at: Instant, replay: Replay): NewRecord
  /** "Everything before `t` has come from me", for every partition of detector-result. */
  watermarks(t: Instant): readonly NewRecord[]
  /** One transaction. What it throws ends the task: a new one fences and restores. */
  commit(records: readonly NewRecord[]): Promise<void>
}

export interface StampStore {
  getRange(bucket: string, key: string, offset: number, length: number): Promise<Buffer>
}

export interface Log {
  info(facts: object, sentence: string): void
  warn(facts: object, sentence: string): void
  error(facts: object, sentence: string): void
}

export interface Publisher {
  readonly pool: Pool
  readonly store: StampStore
  readonly codec: Pick<Codec, 'encode' | 'decode' | 'knows' | 'prefetch'>
  /** Partitions of the alert topic. */
  readonly alertPartitions: number
  /** Rung when the outbox has something new: one bell for each task. */
  readonly bell: () => Bell
  readonly log: Log
  /** Hears of ends that were told and that the database has forgotten, each once in a life of its shard. */
  readonly onForgotten?: (ends: number) => void
}
