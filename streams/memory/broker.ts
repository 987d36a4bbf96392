import {
  at,
  DataLoss,
  Fenced,
  type Chunk,
  type GroupOffsets,
  type LogRecord,
  type NewRecord,
  type TopicPartition,
  type TopicSpec,
  type TopicState,
} from '../log-client.ts'
import { Group } from './group.ts'

/** A transaction as the coordinator knows it. Records point at theirs, so one state decides what readers see. */
interface Transaction {
  state: 'open' | 'committed' | 'aborted'
  readonly touched: Set<Partition>
  offsets: GroupOffsets | undefined
}

/** What lies at one offset. Control markers take offsets too; a slot emptied by compaction is `undefined`. */
type Slot = { readonly record: LogRecord; readonly transaction: Transaction | undefined } | 'marker' | undefined

/** One partition's log: offsets are indexes, the start moves by retention, waiting readers are told of every change. */
export class Partition {
  readonly slots: Slot[] = []
  start = 0
  readonly #open = new Map<Transaction, number>()
  readonly #waiting = new Set<() => void>()

  get highWatermark(): number {
    return this.slots.length
  }
  /** Last stable offset: nothing above the first record of an open transaction is shown to committed readers. */
  get stable(): number {
    return Math.min(this.highWatermark, ...this.#open.values())
  }
  append(slot: Slot, transaction?: Transaction): void {
    if (transaction && !this.#open.has(transaction)) this.#open.set(transaction, this.slots.length)
    this.slots.push(slot)
    this.#changed()
  }
  end(transaction: Transaction): void {
    this.#open.delete(transaction)
    this.append('marker')
  }
  /** Whatever was committed (or also what was not) in `[from, from + max)`; `undefined` where there is nothing yet. */
  read(tp: TopicPartition, from: number, isolation: 'committed' | 'uncommitted', max: number): Chunk | undefined {
    if (from < this.start || from > this.highWatermark) {
      throw new DataLoss(tp, BigInt(from), BigInt(this.start), BigInt(this.highWatermark))
    }
    const next = Math.min(isolation === 'committed' ? this.stable : this.highWatermark, from + max)
    if (next <= from) return undefined
    const records = this.slots.slice(from, next).flatMap(slot => {
      if (slot === undefined || slot === 'marker') return []
      const visible = isolation === 'uncommitted' || (slot.transaction?.state ?? 'committed') === 'committed'
      return visible ? [slot.record] : []
    })
    return { records, next: BigInt(next), highWatermark: BigInt(this.highWatermark) }
  }
  /** Calls back at the next change, once; returns how to forget it. */
  onChange(call: () => void): () => void {
    this.#waiting.add(call)
    return () => this.#waiting.delete(call)
  }
  #changed(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const call of waiting) call()
  }
}

/**
 * A Kafka cluster in memory: logs, the transaction coordinator, groups. It holds no timer, reads the time from `now`, and does
 * everything at once: the delays, losses and deaths are in `MemoryClient`, which stands for a process.
 */
export class MemoryBroker {
  readonly now: () => number
  /** How often a producer was refused because its epoch was over. */
  fenced = 0
  readonly #topics = new Map<string, { readonly state: TopicState; readonly partitions: Partition[] }>()
  readonly #producers = new Map<string, { epoch: number; transaction: Transaction | undefined }>()
  readonly #offsets = new Map<string, Map<string, { offset: bigint; metadata: string }>>()
  readonly #groups = new Map<string, Group>()
  #members = 0

  constructor(now: () => number = () => 0) {
    this.now = now
  }

  createTopic({ topic, partitions, config }: TopicSpec): void {
    if (this.#topics.has(topic)) return
    const state = { partitions, config: { 'message.timestamp.type': 'CreateTime', ...config } }
    this.#topics.set(topic, { state, partitions: Array.from({ length: partitions }, () => new Partition()) })
  }
  describe(topic: string): TopicState | undefined {
    return this.#topics.get(topic)?.state
  }
  /** What an operator's tool does to a topic's configuration. */
  configure(topic: string, config: Readonly<Record<string, string>>): void {
    const { state, partitions } = this.#topics.get(topic)!
    this.#topics.set(topic, { state: { ...state, config: { ...state.config, ...config } }, partitions })
  }
  partition(tp: TopicPartition): Partition {
    const found = this.#topics.get(tp.topic)?.partitions[tp.partition]
    if (!found) throw new Error(`there is no partition ${at(tp)}`)
    return found
  }

  /** Everything that a committed reader would see. */
  committedRecords(tp: TopicPartition): LogRecord[] {
    const log = this.partition(tp)
    return [...(log.read(tp, log.start, 'committed', Infinity)?.records ?? [])]
  }

  committedTopic(topic: string): LogRecord[] {
    const { partitions } = this.#topics.get(topic)!
    return partitions.flatMap((_, partition) => this.committedRecords({ topic, partition }))
  }

  /** InitProducerId: aborts what an older epoch left open, so that the logs below are final when it returns. */
  fence(id: string): number {
    const producer = this.#producers.get(id) ?? { epoch: -1, transaction: undefined }
    this.#producers.set(id, producer)
    this.#finish(producer, 'aborted')
    return ++producer.epoch
  }
  /** Appends outside any transaction, or to the open transaction of the producer (opening one). Throws `Fenced`. */
  append(records: readonly NewRecord[], producer?: { readonly id: string; readonly epoch: number }): void {
    const transaction = producer && this.#transactionOf(producer.id, producer.epoch)
    for (const { topic, partition, key, value, headers } of records) {
      const log = this.partition({ topic, partition })
      const appendTime = this.describe(topic)!.config['message.timestamp.type'] === 'LogAppendTime'
      const offset = BigInt(log.highWatermark)
      const record = { topic, partition, offset, timestamp: this.now(), appendTime, key, value, headers: headers ?? {} }
      log.append({ record, transaction }, transaction)
      transaction?.touched.add(log)
    }
  }
  /** TxnOffsetCommit: they take effect when the transaction commits. */
  addOffsets(id: string, epoch: number, offsets: GroupOffsets): void {
    this.#transactionOf(id, epoch).offsets = offsets
  }
  /** EndTxn. Throws `Fenced`. */
  end(id: string, epoch: number, how: 'committed' | 'aborted'): void {
    this.#transactionOf(id, epoch)
    this.#finish(this.#producers.get(id)!, how)
  }

  committed(group: string, tp: TopicPartition): { offset: bigint; metadata: string } | undefined {
    return this.#offsets.get(group)?.get(at(tp))
  }
  /** What an operator's tool does: group offsets set from outside. */
  setOffsets({ group, offsets }: GroupOffsets): void {
    const kept = this.#offsets.get(group) ?? new Map<string, { offset: bigint; metadata: string }>()
    this.#offsets.set(group, kept)
    for (const { offset, metadata, ...tp } of offsets) kept.set(at(tp), { offset, metadata })
  }
  /** A number that no other member of any group has. */
  nextMember(): number {
    return ++this.#members
  }
  group(name: string): Group {
    const group = this.#groups.get(name) ?? new Group()
    this.#groups.set(name, group)
    return group
  }

  /** What retention does. */
  deleteBefore(tp: TopicPartition, first: bigint): void {
    const log = this.partition(tp)
    log.start = Number(first)
    log.slots.fill(undefined, 0, log.start)
  }
  /** What the cleaner does below the last stable offset: keeps each key's last record, and leaves the gaps. */
  compact(tp: TopicPartition): void {
    const log = this.partition(tp)
    const seen = new Set<string>()
    for (let i = log.stable - 1; i >= log.start; i--) {
      const slot = log.slots[i]
      if (slot === undefined || slot === 'marker') continue
      const key = String(slot.record.key)
      if (slot.transaction?.state === 'aborted' || seen.has(key)) log.slots[i] = undefined
      else seen.add(key)
    }
  }
  /** Whether any transaction is open: none may be left hanging when all is quiet. */
  hanging(): string[] {
    return [...this.#producers].filter(([, producer]) => producer.transaction).map(([id]) => id)
  }
  /** Partitions whose end a committed reader cannot reach. */
  unstable(): string[] {
    return [...this.#topics].flatMap(([topic, { partitions }]) =>
      partitions.flatMap((log, partition) => (log.stable < log.highWatermark ? [at({ topic, partition })] : [])),
    )
  }

  #transactionOf(id: string, epoch: number): Transaction {
    const producer = this.#producers.get(id)
    if (!producer || producer.epoch !== epoch) {
      this.fenced++
      throw new Fenced(`${id}: epoch ${epoch} is over, ${producer?.epoch ?? 'none'} is the present one`)
    }
    return (producer.transaction ??= { state: 'open', touched: new Set(), offsets: undefined })
  }
  #finish(producer: { transaction: Transaction | undefined }, how: 'committed' | 'aborted'): void {
    const { transaction } = producer
    if (!transaction) return
    producer.transaction = undefined
    transaction.state = how
    if (how === 'committed' && transaction.offsets) this.setOffsets(transaction.offsets)
    for (const log of transaction.touched) log.end(transaction)
  }
}
