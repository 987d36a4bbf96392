import type { Codec } from '../schemas/codec.ts'
import { groupOf, transactionalIdOf } from '../topology/model/names.ts'
import type { Out, Replay } from '../topology/model/step.ts'
import type { Stream } from '../topology/model/stream.ts'
import type { Instant } from '../topology/model/time.ts'
import { partitionsOf, taskCount, taskName, type Stage, type Topology } from '../topology/model/topology.ts'
import type { FencedProducer, LogClient, NewRecord, TopicPartition } from './log-client.ts'
import type { Log } from './log.ts'
import { noMeter, type Meter } from './meter.ts'
import { systemScheduler, type Scheduler } from './scheduler.ts'
import { checkStage } from './stage-checks.ts'
import { defaultStageOptions, type StageOptions } from './run-stage.ts'
import { fence, fenceAndRead, type TableReader } from './task/fenced-table.ts'
import { Holding, type Life } from './task/membership.ts'
import { watermarkPartitions } from './task/plan.ts'
import { Unrecoverable } from './task/faults.ts'
import { encoderOf } from './task/processor.ts'
import { outRecord, watermarkRecord } from './task/records.ts'

/** What a service has of one of its tasks while that is ours: the lock, the table behind it, transactions. */
export interface ServiceTask {
  readonly index: number
  /** "stage#index". */
  readonly name: string
  /** The task's partition of the service's table: what was committed before the fence and by `commit` since. Key → value. */
  readonly rows: ReadonlyMap<string, Buffer>
  /** Aborts when the task is taken away: end the transaction at hand and return. */
  readonly signal: AbortSignal
  /** The record of an output that the stage declares. Throws a `Rejection` where it is not declared or not what its contract says. */
  record(out: Out, at: Instant, replay: Replay): NewRecord
  /** "Everything before `t` has come from me", for each partition that time travels on: to be committed last. */
  watermarks(t: Instant): NewRecord[]
  /** One transaction. After any error it throws this task is over: let the error through, and `start` is called anew. */
  commit(records: readonly NewRecord[]): Promise<void>
}

export interface ServiceRun {
  readonly topology: Topology
  readonly stage: Stage
  readonly client: LogClient
  readonly codec: Codec
  readonly app: string
  /** The compacted stream whose partition p belongs to task p, and which only this service writes; restored before `start`. */
  readonly table?: Stream
  /** Runs one task until `signal` aborts; what it throws ends the epoch, and after a new fence and restore it is called again. */
  readonly start: (task: ServiceTask) => Promise<void>
  readonly options?: Partial<Pick<StageOptions, 'sessionTimeoutMs' | 'revokeBudgetMs'>> & {
    /** After which the brokers abort a transaction of its tasks that was left open. */
    readonly transactionTimeoutMs?: number
  }
  readonly scheduler?: Scheduler
  readonly log: Log
  readonly meter?: Meter
  readonly onFatal: (error: Error) => void
}

/**
 * Runs a stage that has a loop of its own (the clock; publish on the outbox) with the same lock as every other: a task per partition
 * of its table, or as many as declared; fence → restore → `start`.
 */
export async function runService(run: ServiceRun): Promise<{ stop(): Promise<void> }> {
  const { topology, stage, client, app, table, log, onFatal, scheduler = systemScheduler, meter = noMeter } = run
  const { sessionTimeoutMs, revokeBudgetMs } = { ...defaultStageOptions, ...run.options }
  await checkStage(topology, stage, client)
  const count = table ? partitionsOf(topology, table) : taskCount(topology, stage)
  const topic = (table ?? stage.writes[0]!).topic
  const tasks = Array.from({ length: count }, (_, partition) => [{ topic, partition }])
  const holding = new Holding({
    client,
    plan: { group: groupOf(app, stage.name), tasks, sessionTimeoutMs },
    nameOf: index => taskName(stage.name, index),
    begin: index => new ServiceLife(run, scheduler, index),
    revokeBudgetMs,
    scheduler,
    log,
    meter,
    onFatal,
  })
  await holding.joined()
  return holding
}

class ServiceLife implements Life {
  readonly #run: ServiceRun
  readonly #scheduler: Scheduler
  readonly #index: number
  readonly #stopping = new AbortController()
  readonly #rows = new Map<string, Buffer>()
  #isKilled = false

  constructor(run: ServiceRun, scheduler: Scheduler, index: number) {
    this.#run = run
    this.#scheduler = scheduler
    this.#index = index
  }
  stop(): void {
    this.#stopping.abort()
  }
  kill(): void {
    this.#isKilled = true
    this.#stopping.abort()
  }

  async run(): Promise<void> {
    const { stage, log, meter = noMeter, start } = this.#run
    const began = this.#scheduler.now()
    try {
      const producer = await this.#restore()
      if (this.#stopping.signal.aborted) return
      const name = taskName(stage.name, this.#index)
      const facts = { task: name, epoch: producer.epoch, rows: this.#rows.size, ms: this.#scheduler.now() - began }
      log.info(facts, 'task restored')
      meter.took('restore', facts.ms)
      await start(this.#task(name, producer))
    } catch (error) {
      if (!this.#isKilled) throw error
      return
    }
    if (!this.#stopping.signal.aborted) throw new Unrecoverable(`the service ${stage.name} ended by itself`)
  }

  #restore(): Promise<FencedProducer> {
    const { client, log, app, stage, table, options } = this.#run
    const deps = { client, log, scheduler: this.#scheduler, transactionTimeoutMs: options?.transactionTimeoutMs }
    const id = transactionalIdOf(app, stage.name, this.#index)
    if (!table) return fence(deps, id, this.#stopping.signal)
    const reader: TableReader = { apply: record => this.#apply(record) }
    return fenceAndRead(deps, id, this.#tablePartition(table), reader, this.#stopping.signal)
  }

  #task(name: string, producer: FencedProducer): ServiceTask {
    const { topology, stage, codec, table, log, meter = noMeter } = this.#run
    const writes = new Map(stage.writes.map(stream => [stream.topic, stream]))
    const encode = encoderOf({ stage, writes }, codec)
    const to = watermarkPartitions(topology, stage)
    return {
      index: this.#index,
      name,
      rows: this.#rows,
      signal: this.#stopping.signal,
      record: (out, at, replay) =>
        outRecord(topology, writes.get(out.stream)!, { ...encode(out), at, replay }, this.#index),
      watermarks: t => to.map(tp => watermarkRecord(tp, name, t)),
      commit: async records => {
        if (this.#isKilled) throw new Error(`${name} is not ours any more`)
        const facts = { task: name, records: records.length }
        log.debug(facts, 'holds work')
        const began = this.#scheduler.now()
        await producer.commit(records)
        log.debug(facts, 'committed')
        meter.took('commit', this.#scheduler.now() - began)
        meter.add('commits')
        meter.add('recordsOut', records.length)
        for (const record of records) {
          if (record.topic === table?.topic && record.partition === this.#index) this.#apply(record)
        }
      },
    }
  }

  #tablePartition(table: Stream): TopicPartition {
    return { topic: table.topic, partition: this.#index }
  }
  #apply({ key, value }: Pick<NewRecord, 'key' | 'value'>): void {
    if (value === null) this.#rows.delete(String(key))
    // A copy: what is read is a view of a whole fetch, which one small row would keep in memory.
    else this.#rows.set(String(key), Buffer.from(value))
  }
}
