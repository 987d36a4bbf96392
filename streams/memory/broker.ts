import { assign } from '../assigner.ts'
import {
  at,
  Fenced,
  type GroupOffsets,
  type LogRecord,
  type NewRecord,
  type TopicPartition,
  type TopicSpec,
  type TopicState,
} from '../log-client.ts'
import { Group, type Assigner } from './group.ts'
import { committedOf, Partition, type Transaction } from './partition.ts'

/** Whoever leads the partition now, it is not who was asked: the records surely were not stored, and are sent again. */
export class NotLeader extends Error {
  override readonly name = 'NotLeader'
}

interface Producer {
  epoch: number
  transaction: Transaction | undefined
  /** Ended, and not all of its markers are written. */
  completing: number
}

export interface BrokerOptions {
  /** What a broker does a little later than it has answered: markers, the last stable offset, group offsets. At once when not said. */
  readonly later?: (work: () => void) => void
  /** Who runs what, of tasks with these inputs. */
  readonly assign?: Assigner
}

/**
 * A Kafka cluster in memory: logs, the transaction coordinator, groups. It holds no timer, reads the time from `now`, and what it does
 * after its answer it does at once unless `later` says when. Losses and deaths are in `MemoryClient`, which stands for a process.
 */
export class MemoryBroker {
  readonly now: () => number
  /** How often a producer was refused because its epoch was over. */
  fenced = 0
  /** How many rebalances moved a task. */
  rebalances = 0
  readonly #topics = new Map<string, { readonly state: TopicState; readonly partitions: Partition[] }>()
  readonly #later: (work: () => void) => void
  readonly #assign: Assigner
  readonly #producers = new Map<string, Producer>()
  readonly #moved = new Set<string>()
  readonly #offsets = new Map<string, Map<string, { offset: bigint; metadata: string }>>()
  readonly #groups = new Map<string, Group>()
  #members = 0

  constructor(now: () => number = () => 0, { later, assign: assigner }: BrokerOptions = {}) {
    this.now = now
    this.#later = later ?? (work => work())
    this.#assign = assigner ?? ((members, tasks) => assign(members, tasks.length))
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
    const fetched = log.fetch(tp, log.start, 'committed', Infinity)
    return fetched ? committedOf(fetched) : []
  }

  /** Everything of a topic that was ever committed, also what retention or the cleaner has taken since. */
  everCommitted(topic: string): LogRecord[] {
    return this.#topics.get(topic)!.partitions.flatMap(log => log.everCommitted())
  }

  /**
   * The first half of InitProducerId: whoever held the id is fenced, and what it left open is aborted. The second is `fence`, once
   * `isCompleting` is over: only then are all older transactions of the id final.
   */
  expel(id: string): void {
    const producer = this.#producers.get(id)
    if (!producer?.transaction) return
    producer.epoch++
    this.#finish(producer, 'aborted')
  }
  /** Whether an ended transaction of the id still lacks markers: until then it may begin no other. */
  isCompleting(id: string): boolean {
    return (this.#producers.get(id)?.completing ?? 0) > 0
  }
  fence(id: string): number {
    this.expel(id)
    const producer = this.#producers.get(id) ?? { epoch: -1, transaction: undefined, completing: 0 }
    this.#producers.set(id, producer)
    return ++producer.epoch
  }
  /** Appends outside any transaction, or to the open transaction of the producer (opening one). Throws `Fenced`, `NotLeader`. */
  append(records: readonly NewRecord[], holder?: { readonly id: string; readonly epoch: number }): void {
    const transaction = holder && this.#transactionOf(holder.id, holder.epoch)
    for (const tp of records) {
      if (this.#moved.delete(at(tp)) && holder) throw new NotLeader(`${at(tp)} has another leader now`)
    }
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
  /** What the coordinator does to transactions that are open for longer than they may. */
  abortOpenSince(before: number): void {
    for (const [id, { transaction }] of this.#producers) if (transaction && transaction.since < before) this.expel(id)
  }
  /** Another broker leads the partition from now on: the next produce request is sent to the wrong one. */
  moveLeader(tp: TopicPartition): void {
    this.#moved.add(at(tp))
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
    const group = this.#groups.get(name) ?? new Group(this.#assign, () => this.rebalances++)
    this.#groups.set(name, group)
    return group
  }

  deleteBefore(tp: TopicPartition, first: bigint): void {
    this.partition(tp).deleteBefore(Number(first))
  }
  compact(tp: TopicPartition): void {
    this.partition(tp).compact()
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
    return (producer.transaction ??= {
      producer: id,
      state: 'open',
      since: this.now(),
      touched: new Set(),
      offsets: undefined,
    })
  }
  #finish(producer: Producer, how: 'committed' | 'aborted'): void {
    const { transaction } = producer
    if (!transaction) return
    producer.transaction = undefined
    transaction.state = how
    const complete = (mark: () => void, then: () => void) => {
      producer.completing++
      this.#later(() => {
        mark()
        producer.completing--
        this.#later(then)
      })
    }
    for (const log of transaction.touched)
      complete(
        () => log.mark(transaction),
        () => log.release(transaction),
      )
    const { offsets } = transaction
    // Like the last stable offset, a group's offsets follow their marker after some time.
    if (how === 'committed' && offsets)
      complete(
        () => undefined,
        () => this.setOffsets(offsets),
      )
  }
}
