import { at, DataLoss, type Tail, type TopicPartition } from '../log-client.ts'
import { decode, type Fetched } from './batches.ts'
import type { Log } from '../log.ts'
import type { ClusterHandle } from './clusters.ts'
import { messageOf } from './errors.ts'
import { fetch, type FetchLimits } from './fetch.ts'
import { protocolError, type Broker } from './internals.ts'
import { leadingNode } from './leaders.ts'
import { endsOf } from './offsets.ts'
import { PartitionTail } from './tail.ts'

const OFFSET_OUT_OF_RANGE = 1
/** The partition is elsewhere, or not ready there: 3 unknown, 5 and 6 leader, 9 replica, 13 network, 56 storage, 74–76 and 78 epochs, 100 topic id. */
const ASK_ANOTHER = new Set([3, 5, 6, 9, 13, 56, 74, 75, 76, 78, 100])
const ROUTE_PAUSE_MS = 50
/** How long a topic may be unknown to the brokers before its readers are told. */
const UNKNOWN_TOPIC_MS = 10_000
const WARN_EVERY_MS = 5_000

/** Tails of one partition that stand at the same offset share what is fetched. */
interface Ask extends TopicPartition {
  readonly offset: bigint
  readonly tails: PartitionTail[]
}

/**
 * All reading of one isolation level. A leader is asked by one request for all partitions that somebody wants to read on:
 * a broker answers one request at a time per connection, so a long poll per reader would queue behind the others'. A
 * partition whose last chunk was not taken yet is left out, and delays nobody.
 *
 * There are two lanes, each with connections of its own. Example: eleven idle tails wait in a poll of 100 ms on the first
 * lane, and a new one is opened, or one whose reader was busy wants more: it goes on the second lane at once, instead of
 * waiting for the poll to end.
 */
export class FetchHub {
  readonly #lanes: readonly ClusterHandle[]
  /** The first lane's; it also answers where partitions and ends of logs are. */
  readonly #handle: ClusterHandle
  readonly #isolation: 'committed' | 'uncommitted'
  readonly #limits: FetchLimits
  readonly #log: Log
  #tails: PartitionTail[] = []
  readonly #leaders = new Map<string, number>()
  readonly #topics = new Set<string>()
  readonly #unknownSince = new Map<string, number>()
  /** Node and lane of each request under way. */
  readonly #polling = new Set<string>()
  #routing = false
  #closed = false
  #scheduled: NodeJS.Immediate | undefined
  #routeLater: NodeJS.Timeout | undefined
  #warnedAt = -Infinity

  constructor(open: () => ClusterHandle, isolation: 'committed' | 'uncommitted', limits: FetchLimits, log: Log) {
    this.#handle = open()
    this.#lanes = [this.#handle, open()]
    this.#isolation = isolation
    this.#limits = limits
    this.#log = log
  }

  open({ topic, partition }: TopicPartition, offset: bigint): Tail {
    const tail = new PartitionTail({ topic, partition }, offset, () => this.#poke())
    if (this.#closed) tail.close()
    else this.#tails.push(tail)
    this.#poke()
    return tail
  }

  /** Ends every tail and cuts the connections. */
  async close(): Promise<void> {
    this.#closed = true
    clearImmediate(this.#scheduled)
    clearTimeout(this.#routeLater)
    for (const tail of this.#tails) tail.close()
    this.#tails = []
    await Promise.all(this.#lanes.map(lane => lane.close()))
  }

  /** Gathers what is asked for in this turn of the event loop, so that twelve tails opened together make one request. */
  #poke(): void {
    if (!this.#closed) this.#scheduled ??= setImmediate(() => this.#schedule())
  }

  #schedule(): void {
    this.#scheduled = undefined
    if (this.#closed) return
    this.#tails = this.#tails.filter(tail => !tail.closed)
    // Rotated, since a limited response serves the first partitions of a request first.
    this.#tails.push(...this.#tails.splice(0, 1))
    const hungry = this.#tails.filter(tail => tail.hungry)
    if (hungry.some(tail => !this.#leaders.has(at(tail.from)))) void this.#route()
    for (const [node, asks] of this.#byLeader(hungry)) {
      const lane = this.#lanes.findIndex((_, lane) => !this.#polling.has(`${node}/${lane}`))
      if (lane >= 0) void this.#poll(node, lane, asks)
    }
  }

  #byLeader(hungry: readonly PartitionTail[]): Map<number, Map<string, Ask>> {
    const byLeader = new Map<number, Map<string, Ask>>()
    for (const tail of hungry) {
      const key = at(tail.from)
      const node = this.#leaders.get(key)
      if (node === undefined) continue
      const asks = byLeader.get(node) ?? new Map<string, Ask>()
      byLeader.set(node, asks)
      const ask = asks.get(key)
      if (!ask) asks.set(key, { ...tail.from, offset: tail.position, tails: [tail] })
      else if (ask.offset === tail.position) ask.tails.push(tail)
    }
    return byLeader
  }

  async #poll(node: number, lane: number, asks: ReadonlyMap<string, Ask>): Promise<void> {
    const tails = [...asks.values()].flatMap(ask => ask.tails)
    for (const tail of tails) tail.asked = true
    this.#polling.add(`${node}/${lane}`)
    let leader: Broker | undefined
    try {
      const cluster = await this.#lanes[lane]!.connect()
      leader = await cluster.findBroker({ nodeId: `${node}` })
      const answers = await fetch(leader, [...asks.values()], this.#isolation, this.#limits)
      await Promise.all(answers.map(answer => this.#take(answer, asks.get(at(answer)))))
    } catch (error) {
      if (this.#closed) return
      this.#warn({ node, reason: messageOf(error) }, 'a fetch failed; looking for the leaders again')
      this.#forget(asks.keys())
      // A connection whose answer never came may be dead without knowing it.
      void leader?.disconnect().catch(() => undefined)
    } finally {
      for (const tail of tails) tail.asked = false
      this.#polling.delete(`${node}/${lane}`)
      this.#poke()
    }
  }

  async #take(answer: Fetched, ask: Ask | undefined): Promise<void> {
    if (!ask) return
    if (answer.errorCode === 0) return this.#deliver(answer, ask)
    if (answer.errorCode === OFFSET_OUT_OF_RANGE) return this.#explain(ask)
    if (ASK_ANOTHER.has(answer.errorCode)) this.#forget([at(ask)])
    else {
      const reason = protocolError.createErrorFromCode(answer.errorCode).message
      for (const tail of ask.tails) tail.fail(new Error(`${at(ask)}: ${reason} (error ${answer.errorCode})`))
    }
  }

  async #deliver(answer: Fetched, ask: Ask): Promise<void> {
    try {
      const { records, next } = await decode(answer, ask.offset, this.#isolation)
      if (next === ask.offset) return
      for (const tail of ask.tails) tail.accept({ records, next, highWatermark: answer.highWatermark })
    } catch (error) {
      for (const tail of ask.tails) tail.fail(error as Error)
    }
  }

  /** The broker has nothing at this offset: is it outside the log, or has only the leader just changed? */
  async #explain(ask: Ask): Promise<void> {
    try {
      const { first, end } = await endsOf(this.#handle.cluster, ask)
      if (ask.offset < first || ask.offset > end)
        for (const tail of ask.tails) tail.fail(new DataLoss(ask, ask.offset, first, end))
    } catch (error) {
      if (!this.#closed)
        this.#warn({ ...ask, tails: undefined, reason: messageOf(error) }, 'the ends of a log are unknown')
    }
    this.#forget([at(ask)])
  }

  /** With a pause: until a dead node is noticed, the brokers go on naming it as the leader. */
  #forget(partitions: Iterable<string>): void {
    for (const key of partitions) this.#leaders.delete(key)
    this.#routeSoon()
  }

  #routeSoon(): void {
    if (this.#closed) return
    this.#routeLater ??= setTimeout(() => {
      this.#routeLater = undefined
      void this.#route()
    }, ROUTE_PAUSE_MS)
  }

  /** Finds leaders; comes back by itself while a partition has none, since nobody else will ask again. */
  async #route(): Promise<void> {
    if (this.#routing || this.#closed || this.#routeLater) return
    this.#routing = true
    const homeless = () => this.#tails.filter(tail => tail.hungry && !this.#leaders.has(at(tail.from)))
    try {
      await this.#refresh(homeless())
      for (const tail of homeless()) this.#settle(tail)
    } catch (error) {
      if (!this.#closed) this.#warn({ reason: messageOf(error) }, 'no broker says where the partitions are')
    }
    this.#routing = false
    if (this.#closed) return
    if (homeless().length > 0) this.#routeSoon()
    this.#poke()
  }

  async #refresh(tails: readonly PartitionTail[]): Promise<void> {
    const cluster = await this.#handle.connect()
    const fresh = [...new Set(tails.map(tail => tail.from.topic))].filter(topic => !this.#topics.has(topic))
    if (fresh.length === 0) return cluster.refreshMetadata()
    await cluster.addMultipleTargetTopics(fresh)
    for (const topic of fresh) this.#topics.add(topic)
  }

  #settle(tail: PartitionTail): void {
    const key = at(tail.from)
    const node = leadingNode(this.#handle.cluster, tail.from)
    if (node === undefined) {
      const since = this.#unknownSince.get(key) ?? performance.now()
      this.#unknownSince.set(key, since)
      if (performance.now() - since < UNKNOWN_TOPIC_MS) return
      tail.fail(new Error(`${key}: there is no such partition, or no permission to read it`))
    } else if (node >= 0) this.#leaders.set(key, node)
    else this.#warn({ partition: key }, 'a partition has no leader')
    this.#unknownSince.delete(key)
  }

  #warn(fields: object, message: string): void {
    if (performance.now() - this.#warnedAt < WARN_EVERY_MS) return
    this.#warnedAt = performance.now()
    this.#log.warn(fields, message)
  }
}
