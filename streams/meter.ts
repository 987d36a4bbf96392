import type { TopicPartition } from './log-client.ts'
import type { Instant } from '../topology/model/time.ts'

/** What a stage counts as it goes. `streams/main/metrics.ts` makes metrics of it; none of this may throw or take long. */
export type Count =
  /** Records done with, and records written: outputs, what was parked, watermarks. */
  | 'recordsIn'
  | 'recordsOut'
  | 'commits'
  /** An effect that will be tried again; a schema that the registry did not give. */
  | 'effectRetries'
  | 'schemaRetries'
  /** Lives of a task that an error ended; such as ended because somebody newer holds the lock. */
  | 'refences'
  | 'fenced'
  /** The clock and the brokers begin to disagree, or a record comes that is older than its entrance's time. */
  | 'clockViolations'

export interface Meter {
  add(what: Count, n?: number): void
  parked(code: string): void
  took(what: 'commit' | 'restore', ms: number): void
  /** Shows a task, which is asked whenever somebody looks, until the returned function is called. */
  watch(status: () => TaskStatus): () => void
}

/** How a task stands at this moment. */
export interface TaskStatus {
  /** "stage#index". */
  readonly task: string
  /** Records fetched and not taken. */
  readonly inbox: number
  /** Records taken and not yet committable. */
  readonly held: number
  /** Effects under way. */
  readonly running: number
  /** Keys with a state. */
  readonly states: number
  /** Undefined in a stage that knows no time; null before the first. */
  readonly watermark: Instant | null | undefined
  /** Where a successor would read on. */
  readonly inputs: readonly (TopicPartition & { readonly low: bigint })[]
}

const nothing = (): void => undefined
/** Where nobody looks. */
export const noMeter: Meter = { add: nothing, parked: nothing, took: nothing, watch: () => nothing }
