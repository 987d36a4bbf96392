import type { Instant } from '../topology/model/time.ts'

/** The narrow port to Kafka. `streams/kafka` stands on kafkajs behind it; `streams/memory` is its twin in memory. */

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface LogRecord extends TopicPartition {
  readonly offset: bigint
  /** Broker's append time where `appendTime` holds, else the producer's, ms UTC. */
  readonly timestamp: number
  readonly appendTime: boolean
  /** Keys, values and headers may be views of one large answer: what is kept for long is copied. */
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer>>
}

/** What one fetch brought for one partition. Delivered also without records, whenever `next` moved over markers or gaps. */
export interface Chunk {
  readonly records: readonly LogRecord[]
  /** Where to read on: over control records and emptied batches too. The restore test is `next >= end`. */
  readonly next: bigint
  readonly highWatermark: bigint
}

/** Reads one partition for ever; ends at `close`, throws `DataLoss` or a fatal error. At most one chunk waits in it. */
export interface Tail extends AsyncIterable<Chunk> {
  close(): void
}

export interface NewRecord extends TopicPartition {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, Buffer>>
}

/** Group offsets for lag tools and operators; never the truth of a crash. */
export interface GroupOffsets {
  readonly group: string
  readonly offsets: readonly (TopicPartition & { readonly offset: bigint; readonly metadata: string })[]
}

/**
 * A producer that holds the lock of its transactional id. After any error of `commit` it is dead: the owner fences and
 * restores anew (an unknown outcome must never be followed by a transaction in the same epoch).
 */
export interface FencedProducer {
  readonly epoch: number
  /**
   * One whole transaction: every record, the group offsets, the commit. Throws `Fenced` when somebody newer holds the id,
   * `UnknownOutcome` when it may or may not have happened, `NotCommitted` when it surely did not.
   */
  commit(records: readonly NewRecord[], groupOffsets?: GroupOffsets): Promise<void>
}

/** A task that a member of the group should run, with the generation that gave it. */
export interface Membership {
  /**
   * Stops heartbeats and leaves the group, so that others take over in milliseconds. Does not call `revoked`. Once it has returned the
   * handler hears nothing more, not even what was under way: who joins again would take it for a word about its new tasks.
   */
  leave(): Promise<void>
  /** Whether the group still counts us in, asked of its coordinator now. Where that cannot be asked it is taken for granted: safety is the fence's. */
  isCurrent(): Promise<boolean>
}

export interface MembershipHandler {
  /**
   * Tasks (by index) that are now ours, after their last owner let them go or vanished. Tasks that stay are not mentioned:
   * they keep running through a rebalance.
   */
  assigned(tasks: readonly number[], generation: number): void
  /** Awaited inside the rebalance: finish or abort, then let go. */
  revoked(tasks: readonly number[]): Promise<void>
  /** The group has moved on without us: drop these at once, commit nothing. */
  lost(tasks: readonly number[]): void
}

export interface GroupPlan {
  readonly group: string
  /** The inputs of every task: index → partitions. Co-partitioned by construction. */
  readonly tasks: readonly (readonly TopicPartition[])[]
  readonly sessionTimeoutMs: number
  /** Of the states that this member can go on from, 1 where it is not said. While a member knows a newer one, those that do not get no task. */
  readonly version?: number
}

export interface TopicSpec {
  readonly topic: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

export interface TopicState {
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

/** `stable`: where committed readers must stop, at the first open transaction; else as `latest`. */
type LogEnd = 'earliest' | 'latest' | 'stable'
/** One end, or the first record that is no older than an instant. */
export type Place = LogEnd | { readonly since: Instant }

export interface LogClient {
  read(from: TopicPartition & { readonly offset: bigint }, isolation: 'committed' | 'uncommitted'): Tail
  /**
   * Offsets at one end of the log (high watermark for `latest`), or of the first record that is no older than an instant, keyed
   * "topic/partition". Where no record is so young it is the end.
   */
  offsets(of: readonly TopicPartition[], at: Place): Promise<ReadonlyMap<string, bigint>>
  /**
   * InitProducerId: returns when every older transaction of the id is complete. The broker aborts a transaction that stays
   * open for `transactionTimeoutMs` (15 s when not said) and fences its producer.
   */
  fence(transactionalId: string, options?: { readonly transactionTimeoutMs?: number }): Promise<FencedProducer>
  /** Outside transactions, acks=all, in order; throws when a record may not have been stored. */
  produce(records: readonly NewRecord[]): Promise<void>
  /** Returns after the first assignment. A client that closes without `leave` vanishes: the group waits for its session to end. */
  join(plan: GroupPlan, handler: MembershipHandler): Promise<Membership>
  committed(
    group: string,
    of: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, { offset: bigint; metadata: string }>>
  /** How many members a group has now; 0 where there is no such group. */
  members(group: string): Promise<number>
  /** Creates what is missing; existing topics are left alone. */
  createTopics(specs: readonly TopicSpec[]): Promise<void>
  describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, TopicState>>
  close(): Promise<void>
}

export const at = (tp: TopicPartition): string => `${tp.topic}/${tp.partition}`

/** Somebody newer holds the transactional id: drop every task and rejoin; never fence again under the old assignment. */
export class Fenced extends Error {
  override readonly name = 'Fenced'
}
/** The transaction may or may not have happened: fence and restore before anything else. */
export class UnknownOutcome extends Error {
  override readonly name = 'UnknownOutcome'
}
/** The transaction surely did not happen and was aborted. */
export class NotCommitted extends Error {
  override readonly name = 'NotCommitted'
}
/** The wanted offset is outside the log: records are gone. An operator decides; nothing is skipped. */
export class DataLoss extends Error {
  override readonly name = 'DataLoss'
  readonly wanted: bigint
  readonly first: bigint
  readonly end: bigint
  constructor(tp: TopicPartition, wanted: bigint, first: bigint, end: bigint) {
    super(`${at(tp)}: offset ${wanted} is outside the log, which holds ${first} to ${end}; records between are lost`)
    this.wanted = wanted
    this.first = first
    this.end = end
  }
}
