import { UnknownSchemaError } from '../../schemas/codec.ts'
import type { Instant } from '../../topology/model/time.ts'
import { clock, type ClockTick } from '../../topology/streams.ts'
import { ClockWatch, isWithheld, trustedTime } from '../clock/trust.ts'
import { at, type FencedProducer, type LogRecord, type NewRecord } from '../log-client.ts'
import type { TaskStatus } from '../meter.ts'
import type { Move } from '../operators/moves.ts'
import { backOff, Bell, sleep } from '../scheduler.ts'
import { Effects } from './effects.ts'
import { fenceAndRead, type TableReader } from './fenced-table.ts'
import { Inbox, type Item } from './inbox.ts'
import { commitRecord, Journal, TaskStore, type Commit } from './journal.ts'
import { migrate } from './migrate.ts'
import type { TaskDeps } from './options.ts'
import { groupOffsets, progressOf, Rereading, standingOf, takeOrder } from './orders.ts'
import type { TaskPlan } from './plan.ts'
import { encoderOf, stepProcessor, type Processor } from './processor.ts'
import type { Progress } from './progress.ts'
import { outRecord, parkedRecord, Reader, watermarkRecord } from './records.ts'

/** What the next transaction will hold, besides states and the commit record. */
interface Batch {
  readonly records: NewRecord[]
  /** Input records wholly processed. */
  done: number
  /** Ticks or watermarks were taken, or markers passed: worth a commit, and one that may wait. */
  moved: boolean
  /** Our own watermark rose. */
  watermarkMoved: boolean
}
/** To a stage without time a watermark is a position and no news: to commit it serves retention and lag tools, and they are not in a hurry. */
const TIMELESS_PATIENCE = 10

const newBatch = (): Batch => ({ records: [], done: 0, moved: false, watermarkMoved: false })

/**
 * One life of a task: fence → restore → run, until it is stopped, killed, or an error ends its epoch. Whoever runs it again makes a
 * new one: nothing of a life survives but what its last transaction holds.
 */
export class Task {
  readonly #plan: TaskPlan
  readonly #deps: TaskDeps
  readonly #bell: Bell
  readonly #reader: Reader
  readonly #clockInput: string | undefined
  readonly #trust: ClockWatch | undefined
  readonly #killed = new AbortController()
  #stopping = false

  // What the task knows: rebuilt by `#restore`, kept by `#commit`.
  #producer!: FencedProducer
  #store!: TaskStore
  #progress!: Map<string, Progress>
  #marks!: Map<string, Instant>
  #watermark: Instant | null = null
  #seq = 0
  #rereading!: Rereading

  #inbox: Inbox | undefined
  #unwatch = (): void => undefined
  #processor: Processor | undefined
  #batch = newBatch()
  #lastCommit = 0
  /** The first tick whose ends are not reached yet; no later one is looked at before it. */
  #tick: { readonly record: LogRecord; readonly value: ClockTick } | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(plan: TaskPlan, deps: TaskDeps) {
    this.#plan = plan
    this.#deps = deps
    this.#bell = new Bell(deps.scheduler)
    this.#reader = new Reader(plan, deps.codec)
    this.#clockInput = plan.stage.watermark === 'clock' ? at({ topic: clock.topic, partition: 0 }) : undefined
    this.#trust = this.#clockInput === undefined ? undefined : new ClockWatch(plan.name, deps)
  }

  /** Takes no more, finishes what it has, commits; `run` then returns. */
  stop(): void {
    this.#stopping = true
    this.#bell.ring()
  }
  /** Lets go at once and begins no further transaction. */
  kill(): void {
    this.#killed.abort()
    this.#processor?.close()
    this.stop()
  }

  /**
   * Returns after `stop` or `kill`. Throws what ended the epoch: `Fenced`, `UnknownOutcome`, `NotCommitted`, `DataLoss`,
   * `BrokenJournal`, `NoAppendTime`, `Unrecoverable`, or the client's trouble.
   */
  async run(): Promise<void> {
    try {
      await this.#restore()
      while (!this.#stopping) await this.#turn()
      await this.#finish()
    } catch (error) {
      if (!this.#killed.signal.aborted) throw error
    } finally {
      this.#killed.abort()
      this.#unwatch()
      this.#inbox?.close()
      this.#processor?.close()
    }
  }

  async #restore(): Promise<void> {
    const { client, scheduler, log, meter, options } = this.#deps
    const { name, transactionalId, journal, inputs } = this.#plan
    const began = scheduler.now()
    const kept = new Journal()
    const reader: TableReader = {
      apply: record => kept.apply(record),
      finish: () => kept.finish(this.#plan.stateVersion),
    }
    this.#producer = await fenceAndRead(this.#deps, transactionalId, journal, reader, this.#killed.signal)

    const standing = await standingOf(client, this.#plan, kept.commit)
    const ordered = await takeOrder(client, this.#plan, standing, log)
    const { offsets, marks, watermark, replay } = ordered ?? standing
    this.#progress = progressOf(ordered ?? standing)
    this.#marks = new Map(marks)
    this.#watermark = watermark
    this.#rereading = new Rereading(replay)
    this.#seq = kept.commit?.seq ?? 0
    this.#store = new TaskStore(kept.state, kept.digest)
    migrate(this.#store, this.#plan, kept.commit?.stateVersion)
    this.#processor = this.#makeProcessor()
    if (this.#killed.signal.aborted) return
    if (ordered) await this.#commit()
    const from = inputs.map(input => ({ ...input, offset: offsets.get(at(input))! }))
    this.#inbox = new Inbox(client, from, this.#bell.ring)
    this.#lastCommit = scheduler.now()
    const { epoch } = this.#producer
    const facts = { task: name, epoch, seq: this.#seq, records: kept.records, keys: kept.state.size }
    const ms = scheduler.now() - began
    log.info({ ...facts, ms }, 'task restored')
    meter.took('restore', ms)
    this.#unwatch = meter.watch(() => this.#status())
    await options.failPoint('restored', name)
  }

  #makeProcessor(): Processor {
    const { implementation, shared, codec, scheduler, log, meter, options } = this.#deps
    const encode = encoderOf(this.#plan, codec)
    if ('step' in implementation) {
      const state = { store: this.#store, marks: this.#marks, shared }
      return stepProcessor(this.#plan, implementation.step, state, encode, move => this.#take(move))
    }
    const emit = (move: Move) => {
      try {
        this.#take(move)
      } catch (error) {
        this.#failure ??= { error }
      }
      this.#bell.ring()
    }
    const onRetry = () => meter.add('effectRetries')
    const { concurrency } = options
    return new Effects({ ...implementation, encode, concurrency, scheduler, log, emit, onRetry })
  }

  /** Fills a batch from what has come; commits it when it is full or the input is idle; else waits for more. */
  async #turn(): Promise<void> {
    const idle = await this.#fill()
    const { done, records, moved } = this.#batch
    const isPending = done > 0 || records.length > 0
    const patienceMs = this.#deps.options.timeCommitMs * (this.#plan.stage.watermark ? 1 : TIMELESS_PATIENCE)
    const mayWait = this.#lastCommit + patienceMs - this.#deps.scheduler.now()
    if (isPending || (moved && mayWait <= 0)) await this.#commit()
    else if (idle) await this.#bell.wait(moved ? mayWait : undefined)
  }

  /** Takes records and ticks until the batch is full (`false`) or there is nothing to take (`true`). */
  async #fill(): Promise<boolean> {
    while (!this.#stopping && this.#batch.done + this.#batch.records.length < this.#deps.options.maxBatch) {
      if (this.#failure) throw this.#failure.error
      if (this.#takeTick()) continue
      const item = this.#inbox!.take(input => this.#wants(input))
      if (!item) return true
      await this.#feed(item)
    }
    return false
  }

  #wants(input: string): boolean {
    if (input === this.#clockInput) return this.#tick === undefined
    if (!this.#processor!.hasRoom) return false
    if (this.#held() < this.#deps.options.maxHeld) return true
    // A stage that puts its inputs in order holds them until the next tick, so what that tick waits for must come in.
    const end = this.#plan.stage.order === 'time' ? this.#tick?.value.end[input] : undefined
    return end !== undefined && this.#progress.get(input)!.next < BigInt(end)
  }

  #held(): number {
    let held = 0
    for (const progress of this.#progress.values()) held += progress.held
    return held
  }

  #status(): TaskStatus {
    const { name, inputs, stage } = this.#plan
    return {
      task: name,
      inbox: this.#inbox!.waiting,
      held: this.#held(),
      running: this.#processor!.running,
      states: this.#store.size,
      watermark: stage.watermark ? this.#watermark : undefined,
      inputs: inputs.map(input => ({ ...input, low: this.#progress.get(at(input))!.low })),
    }
  }

  async #feed({ input, record, next }: Item): Promise<void> {
    const progress = this.#progress.get(input)!
    const move = record && (await this.#read(record))
    // A watermark is no work to be remembered: read again, it says nothing new.
    const isNew = move && (move.kind === 'upstream' || progress.take(record.offset))
    progress.moveTo(next)
    // Over markers too the position is committed: a quiet input would else be asked, after its retention, for what never was a record.
    // Likewise over what is not for us.
    if (!move) this.#batch.moved = true
    if (!isNew) return
    if (input === this.#clockInput && move.kind === 'event') {
      this.#tick = { record, value: move.event.value as ClockTick }
      return
    }
    if (move.kind === 'upstream') this.#batch.moved = true
    else this.#trust?.lookAtRecord(record, this.#watermark)
    this.#processor!.next(move)
  }

  /** A record written with a schema that we have not seen is no poison: it waits for the registry, with all behind it. */
  async #read(record: LogRecord): Promise<ReturnType<Reader['read']>> {
    const { codec, scheduler, log, meter } = this.#deps
    for (let attempt = 0; ; attempt++) {
      try {
        const read = this.#reader.read(record)
        return read?.kind === 'event' ? this.#rereading.mark(read) : read
      } catch (error) {
        if (!(error instanceof UnknownSchemaError) || this.#killed.signal.aborted) throw error
        await codec.prefetch([error.id]).catch(async (reason: unknown) => {
          meter.add('schemaRetries')
          log.warn({ ...this.#place(record), attempt, err: reason }, `the registry did not give schema ${error.id} yet`)
          await sleep(scheduler, backOff(scheduler, attempt), this.#killed.signal)
        })
      }
    }
  }

  /**
   * Takes the tick at hand if everything below its ends, in our own partitions, is done. Then it is a fact that all that entered
   * before `t` has been processed, and `t` is our watermark (an operator's `hold` withholds that, and the broker's time bounds it).
   * With an input done up to 7, and ticks {t: 1000, end: 9}, {t: 2000, end: 9}: both wait for records 7 and 8, then both are taken.
   * A tick that knows nothing of one of our inputs was written before that existed; it is passed over, and a later one says more.
   * A stage in order of time has done its part when the records are in its buffer: the watermark is what lets them go.
   */
  #takeTick(): boolean {
    if (!this.#tick) return false
    const { record, value } = this.#tick
    const inputs = [...this.#progress].filter(([input]) => input !== this.#clockInput)
    const isComplete = inputs.every(([input]) => value.end[input] !== undefined)
    const reached = (progress: Progress) => (this.#plan.stage.order === 'time' ? progress.next : progress.low)
    if (isComplete && inputs.some(([input, progress]) => reached(progress) < BigInt(value.end[input]!))) return false
    this.#tick = undefined
    this.#batch.moved = true
    this.#trust?.lookAtTick(value, record.timestamp)
    const t = trustedTime(value, record.timestamp)
    const mayGoOn = isComplete && !isWithheld(value, record.timestamp)
    if (mayGoOn && t > (this.#watermark ?? -Infinity)) this.#processor!.next({ kind: 'watermark', t })
    this.#progress.get(at(record))!.finish(record.offset)
    return true
  }

  /** What the processor says. */
  #take(move: Move): void {
    const { topology, index, writes } = this.#plan
    switch (move.kind) {
      case 'output': {
        const out = { ...move.out, value: move.out.value as Buffer, at: move.at, replay: move.replay }
        this.#batch.records.push(outRecord(topology, writes.get(out.stream)!, out, index))
        break
      }
      case 'refusal': {
        const { record, code, reason } = move
        this.#deps.log.warn({ ...this.#place(record), code, reason }, 'a record was parked')
        this.#deps.meter.parked(code)
        this.#batch.records.push(parkedRecord(this.#plan, this.#deps.codec, move))
        break
      }
      case 'note':
        this.#deps.log.info(this.#place(move.record), move.sentence)
        break
      case 'done':
        this.#progress.get(at(move.record))!.finish(move.record.offset)
        this.#batch.done++
        break
      case 'watermark':
        this.#watermark = move.t
        this.#batch.watermarkMoved = true
    }
  }

  #place(record: LogRecord): object {
    return { task: this.#plan.name, record: `${at(record)}@${record.offset}` }
  }

  /** One transaction: outputs, our watermark as the last record of each partition it travels on, states, the commit record. */
  async #commit(): Promise<void> {
    const { scheduler, log, meter, options } = this.#deps
    const { name, journal, forwardsTo } = this.#plan
    const batch = this.#batch
    this.#batch = newBatch()
    const states = this.#store.takeChanges(journal)
    const commit = this.#commitNow()
    const watermarks = batch.watermarkMoved ? forwardsTo.map(to => watermarkRecord(to, name, this.#watermark!)) : []
    const records = [...batch.records, ...watermarks, ...states, commitRecord(journal, commit)]
    const facts = { task: name, seq: commit.seq, done: batch.done, outputs: batch.records.length }
    log.debug({ ...facts, running: this.#processor!.running }, 'holds work')
    await options.failPoint('before commit', name)
    if (this.#killed.signal.aborted) return
    const began = scheduler.now()
    await this.#producer.commit(records, groupOffsets(this.#plan, commit))
    this.#seq = commit.seq
    this.#lastCommit = scheduler.now()
    meter.took('commit', this.#lastCommit - began)
    meter.add('commits')
    meter.add('recordsIn', batch.done)
    meter.add('recordsOut', batch.records.length + watermarks.length)
    log.debug(facts, 'committed')
    await options.failPoint('after commit', name)
  }

  #commitNow(): Commit {
    const inputs = [...this.#progress]
    return {
      seq: this.#seq + 1,
      stateVersion: this.#plan.stateVersion,
      digest: this.#store.digest,
      offsets: Object.fromEntries(inputs.map(([input, { low }]) => [input, String(low)])),
      done: Object.fromEntries(
        inputs.map(([input, { done }]) => [input, done.map(String)] as const).filter(([, done]) => done.length > 0),
      ),
      upstream: Object.fromEntries(this.#marks),
      watermark: this.#watermark,
      replay: this.#rereading.kept,
    }
  }

  /** After `stop`: what is under way comes to its end, and is committed. */
  async #finish(): Promise<void> {
    while (!this.#killed.signal.aborted && this.#processor!.running > 0) await this.#bell.wait()
    if (this.#failure) throw this.#failure.error
    const { done, records, moved } = this.#batch
    if (!this.#killed.signal.aborted && (done > 0 || records.length > 0 || moved)) await this.#commit()
  }
}
