import {
  at,
  type Chunk,
  type FencedProducer,
  type GroupOffsets,
  type GroupPlan,
  type LogClient,
  type LogRecord,
  type MembershipHandler,
  type NewRecord,
  type Place,
  type Tail,
  type TopicPartition,
  type TopicSpec,
} from '../log-client.ts'
import { MemoryBroker } from './broker.ts'
import { MemoryClient } from './client.ts'
import { committedOf } from './partition.ts'

interface Reading {
  tail: Tail | undefined
  isClosed: boolean
}

/**
 * A log as it is now, and on top of it what is written here and seen by nobody else. Reading goes on from the one to the other; locks,
 * groups and whatever is committed stay here, and a group offset that was never set here is the one below. So tasks can be run
 * on real topics and change nothing. Example: a partition below ends at 40; the first record written here has offset 40.
 */
export class Overlay implements LogClient {
  readonly #below: LogClient
  readonly #ends: ReadonlyMap<string, bigint>
  readonly #broker: MemoryBroker
  readonly #own: MemoryClient

  private constructor(below: LogClient, ends: ReadonlyMap<string, bigint>, broker: MemoryBroker) {
    this.#below = below
    this.#ends = ends
    this.#broker = broker
    this.#own = new MemoryClient(broker, 'overlay')
  }

  /** Over these topics of `below`, all of which exist. Tables are fixed first: what a journal says has been read lies below the ends. */
  static async over(below: LogClient, topics: readonly TopicSpec[], now: () => number): Promise<Overlay> {
    const broker = new MemoryBroker(now)
    topics.forEach(spec => broker.createTopic(spec))
    const isTable = ({ config }: TopicSpec) => config['cleanup.policy'] === 'compact'
    const endsOf = (specs: readonly TopicSpec[]) => below.offsets(specs.flatMap(partitionsOfSpec), 'latest')
    const tables = await endsOf(topics.filter(isTable))
    const streams = await endsOf(topics.filter(spec => !isTable(spec)))
    return new Overlay(below, new Map([...tables, ...streams]), broker)
  }

  /** What an operator's tool does. */
  setOffsets(offsets: GroupOffsets): void {
    this.#broker.setOffsets(offsets)
  }
  /** Records of a topic that were committed here. Their offsets count from the end below. */
  written(topic: string): LogRecord[] {
    const { partitions } = this.#broker.describe(topic)!
    return Array.from({ length: partitions }, (_, partition) =>
      this.#broker.committedRecords({ topic, partition }),
    ).flat()
  }

  /** The last committed record of a partition that was written here. */
  lastWritten(tp: TopicPartition): LogRecord | undefined {
    const log = this.#broker.partition(tp)
    // A transaction ends in its marker.
    const fetched = log.fetch(tp, Math.max(0, log.stable - 2), 'committed', 2)
    return fetched && committedOf(fetched).at(-1)
  }

  read({ offset, ...tp }: TopicPartition & { readonly offset: bigint }, isolation: 'committed' | 'uncommitted'): Tail {
    const reading: Reading = { tail: undefined, isClosed: false }
    const chunks = this.#chunks(tp, offset, isolation, reading)
    const close = () => {
      reading.isClosed = true
      reading.tail?.close()
    }
    return { close, [Symbol.asyncIterator]: () => chunks }
  }

  async *#chunks(
    tp: TopicPartition,
    from: bigint,
    isolation: 'committed' | 'uncommitted',
    reading: Reading,
  ): AsyncGenerator<Chunk, void, undefined> {
    const end = this.#endOf(tp)
    if (from < end) yield* this.#chunksBelow({ ...tp, offset: from }, isolation, reading, end)
    if (reading.isClosed) return
    reading.tail = this.#own.read({ ...tp, offset: from < end ? 0n : from - end }, isolation)
    for await (const { records, next, highWatermark } of reading.tail) {
      const shifted = records.map(record => ({ ...record, offset: record.offset + end }))
      yield { records: shifted, next: next + end, highWatermark: highWatermark + end }
    }
  }
  async *#chunksBelow(
    from: TopicPartition & { readonly offset: bigint },
    isolation: 'committed' | 'uncommitted',
    reading: Reading,
    end: bigint,
  ): AsyncGenerator<Chunk, void, undefined> {
    const tail = (reading.tail = this.#below.read(from, isolation))
    for await (const { records, next } of tail) {
      const within = records.filter(({ offset }) => offset < end)
      yield { records: within, next: next < end ? next : end, highWatermark: end }
      if (next >= end) break
    }
    tail.close()
  }

  async offsets(of: readonly TopicPartition[], place: Place): Promise<ReadonlyMap<string, bigint>> {
    const [below, own] = await Promise.all([this.#below.offsets(of, place), this.#own.offsets(of, place)])
    const offsetOf = (tp: TopicPartition) => {
      const [end, under] = [this.#endOf(tp), below.get(at(tp))!]
      return place === 'latest' || under >= end ? own.get(at(tp))! + end : under
    }
    return new Map(of.map(tp => [at(tp), offsetOf(tp)]))
  }
  async committed(group: string, of: readonly TopicPartition[]) {
    return new Map([...(await this.#below.committed(group, of)), ...(await this.#own.committed(group, of))])
  }
  describeTopics(topics: readonly string[]) {
    return this.#below.describeTopics(topics)
  }
  fence(transactionalId: string): Promise<FencedProducer> {
    return this.#own.fence(transactionalId)
  }
  produce(records: readonly NewRecord[]): Promise<void> {
    return this.#own.produce(records)
  }
  join(plan: GroupPlan, handler: MembershipHandler) {
    return this.#own.join(plan, handler)
  }
  members(group: string) {
    return this.#own.members(group)
  }
  createTopics(specs: readonly TopicSpec[]) {
    return this.#own.createTopics(specs)
  }
  /** What lies below stays open. */
  close(): Promise<void> {
    return this.#own.close()
  }

  #endOf(tp: TopicPartition): bigint {
    const end = this.#ends.get(at(tp))
    if (end === undefined) throw new Error(`${at(tp)} does not lie under this overlay`)
    return end
  }
}

const partitionsOfSpec = ({ topic, partitions }: TopicSpec): TopicPartition[] =>
  Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
