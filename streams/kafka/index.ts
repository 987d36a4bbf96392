import {
  at,
  type FencedProducer,
  type GroupPlan,
  type LogClient,
  type MembershipHandler,
  type NewRecord,
} from '../log-client.ts'
import type { Place, TopicPartition } from '../log-client.ts'
import { createTopics, describeTopics } from './admin.ts'
import { openCluster, type ClusterHandle, type Connection } from './clusters.ts'
import { messageOf } from './errors.ts'
import { FetchHub } from './fetch-hub.ts'
import { checkInternals, type Compression } from './internals.ts'
import { Member } from './member.ts'
import { committed, members, offsets } from './offsets.ts'
import { batchesOf, produceBatch } from './produce.ts'
import { fence } from './tx-producer.ts'

export type { Connection } from './clusters.ts'

export interface KafkaLogClientOptions extends Connection {
  /**
   * Connections that the transactional producers share in turn; about one for four producers. On one alone, each write that
   * waits for its replicas would hold up the others' (measured with two replicas: 16 commits at once, 123–195 ms on one, 99–106 on 16).
   */
  readonly writeClusters?: number
  /** By topic; a topic that is not named is written plain. */
  readonly compression?: Readonly<Record<string, Compression>>
}

/** Arrivals do not wait for the poll to end: its length only sets the cost of idling, some 0.1 % of a core per poll a second. */
const LIVE = { maxWaitMs: 250, maxBytes: 16 << 20, maxPartitionBytes: 1 << 20 }
const TRANSACTION_TIMEOUT_MS = 15_000
const READ_TIMEOUT_MS = 5_000
const WRITE_TIMEOUT_MS = 15_000

/**
 * `LogClient` on kafkajs: its sockets, framing, authentication, codecs and request encoding; the fetch loop, the decoding,
 * the transactions and the group member are ours (docs/architecture.md says why).
 *
 * @throws Error when no broker answers, or when kafkajs is not the version this was written for
 */
export async function kafkaLogClient(options: KafkaLogClientOptions): Promise<LogClient> {
  checkInternals()
  const client = new KafkaLogClient(options)
  try {
    await client.connect()
  } catch (cause) {
    await client.close()
    throw new Error(`no Kafka broker answers at ${options.brokers.join(', ')}: ${messageOf(cause)}`, { cause })
  }
  return client
}

class KafkaLogClient implements LogClient {
  readonly #options: KafkaLogClientOptions
  /** Short requests: offsets, topics, plain writes, goodbyes. */
  readonly #general: ClusterHandle
  readonly #writers: readonly ClusterHandle[]
  readonly #hubs = new Map<'committed' | 'uncommitted', FetchHub>()
  readonly #members = new Set<Member>()
  #nextWriter = 0

  constructor(options: KafkaLogClientOptions) {
    this.#options = options
    this.#general = openCluster(options, WRITE_TIMEOUT_MS)
    this.#writers = Array.from({ length: options.writeClusters ?? 2 }, () => openCluster(options, WRITE_TIMEOUT_MS))
  }

  async connect(): Promise<void> {
    await this.#general.connect()
  }

  read(from: TopicPartition & { readonly offset: bigint }, isolation: 'committed' | 'uncommitted') {
    let hub = this.#hubs.get(isolation)
    if (!hub) {
      hub = new FetchHub(() => openCluster(this.#options, READ_TIMEOUT_MS), isolation, LIVE, this.#options.log)
      this.#hubs.set(isolation, hub)
    }
    return hub.open(from, from.offset)
  }

  async offsets(of: readonly TopicPartition[], place: Place) {
    return offsets(await this.#general.connect(), of, place)
  }

  async committed(group: string, of: readonly TopicPartition[]) {
    return committed(await this.#general.connect(), group, of)
  }

  async members(group: string) {
    return members(await this.#general.connect(), group)
  }

  async fence(id: string, options: { readonly transactionTimeoutMs?: number } = {}): Promise<FencedProducer> {
    const writer = this.#writers[this.#nextWriter++ % this.#writers.length]!
    const transactionTimeoutMs = options.transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS
    return fence(() => writer.connect(), id, { transactionTimeoutMs, compressionOf: topic => this.#compression(topic) })
  }

  async produce(records: readonly NewRecord[]): Promise<void> {
    const cluster = await this.#general.connect()
    const deadline = performance.now() + WRITE_TIMEOUT_MS
    const writes = batchesOf(records).map(async ({ to, batches }) => {
      for (const batch of batches)
        await produceBatch(cluster, to, batch, { compression: this.#compression(to.topic), deadline }).catch(
          (cause: unknown) => {
            throw new Error(`${at(to)}: ${batch.length} records may not have been stored: ${String(cause)}`, { cause })
          },
        )
    })
    for (const outcome of await Promise.allSettled(writes)) if (outcome.status === 'rejected') throw outcome.reason
  }

  async join(plan: GroupPlan, handler: MembershipHandler) {
    const goodbye = async () => {
      const cluster = await this.#general.connect()
      return cluster.findGroupCoordinator({ groupId: plan.group, coordinatorType: 0 })
    }
    const handle = openCluster(this.#options, plan.sessionTimeoutMs)
    const member = new Member(handle, goodbye, plan, handler, this.#options.log)
    this.#members.add(member)
    try {
      await member.start()
    } catch (error) {
      this.#members.delete(member)
      await member.vanish()
      throw error
    }
    return member
  }

  async createTopics(specs: Parameters<LogClient['createTopics']>[0]) {
    return createTopics(await this.#general.connect(), specs)
  }

  async describeTopics(topics: readonly string[]) {
    return describeTopics(await this.#general.connect(), topics)
  }

  async close(): Promise<void> {
    await Promise.all([
      ...[...this.#members].map(member => member.vanish()),
      ...[...this.#hubs.values()].map(hub => hub.close()),
      ...[this.#general, ...this.#writers].map(handle => handle.close()),
    ])
  }

  #compression(topic: string): Compression {
    return this.#options.compression?.[topic] ?? 'none'
  }
}
