import type { Codec } from '../../schemas/codec.ts'
import type { AnyStep } from '../../topology/model/topology.ts'
import type { LogClient } from '../log-client.ts'
import type { Log } from '../log.ts'
import type { Scheduler } from '../scheduler.ts'
import type { Meter } from '../meter.ts'
import type { Effect } from './effects.ts'

export type Implementation = { readonly step: AnyStep } | { readonly effect: Effect }

export interface TaskOptions {
  /** A transaction is closed when it holds about this many records, taken or to be written. */
  readonly maxBatch: number
  /** How long after the last commit one that moved only time may wait. All else is committed as soon as the input is idle. */
  readonly timeCommitMs: number
  /** Records taken and not yet committable, at most; the intake waits beyond. */
  readonly maxHeld: number
  /** Records that an effect works on at once. */
  readonly concurrency: number
  /** For tests: awaited at named points of the protocol. */
  readonly failPoint: (point: 'restored' | 'before commit' | 'after commit', task: string) => Promise<void>
}
export const defaultTaskOptions: TaskOptions = {
  maxBatch: 500,
  timeCommitMs: 1_000,
  maxHeld: 1_000,
  concurrency: 16,
  failPoint: async () => undefined,
}

export interface TaskDeps {
  readonly client: LogClient
  readonly codec: Codec
  readonly implementation: Implementation
  /** Configuration that the step sees at every event. */
  readonly shared: unknown
  readonly scheduler: Scheduler
  readonly log: Log
  readonly meter: Meter
  readonly options: TaskOptions
}
