import {
  at,
  Fenced,
  NotCommitted,
  UnknownOutcome,
  type Chunk,
  type FencedProducer,
  type GroupOffsets,
  type GroupPlan,
  type LogClient,
  type Membership,
  type MembershipHandler,
  type NewRecord,
  type Tail,
  type TopicPartition,
  type TopicSpec,
  type TopicState,
} from '../log-client.ts'
import type { MemoryBroker } from './broker.ts'

/**
 * What can go wrong with one request. `refused`: it surely did not happen. `request lost`: it never arrived and nobody says so.
 * `reply lost`: it happened and nobody says so. `delayed`: nobody says so, and it arrives some turns later.
 */
export type Fault = 'refused' | 'request lost' | 'reply lost' | 'delayed'

/** How a simulation takes hold of a client. Without it every step takes one microtask and nothing fails. */
export interface Fate {
  /** Every hop to the broker and back waits here. */
  hop(): Promise<void>
  fault(request: 'fence' | 'produce' | 'end', id: string): Fault | undefined
}
const noFate: Fate = { hop: () => Promise.resolve(), fault: () => undefined }

/** Records per chunk at most, so that tests see a partition in several pieces. */
const CHUNK = 100

/**
 * `LogClient` on a `MemoryBroker`; it stands for one process, which can be frozen (and thawed: a zombie) or crashed (frozen for
 * ever). Group members of a frozen client stay until `expire`, as with a session time-out.
 */
export class MemoryClient implements LogClient {
  readonly #broker: MemoryBroker
  readonly #fate: Fate
  readonly #tails = new Set<() => void>()
  readonly #members = new Map<string, string>()
  readonly #name: string
  #frozen: Promise<void> | undefined
  #thaw: () => void = () => undefined

  constructor(broker: MemoryBroker, name = 'client', fate: Fate = noFate) {
    this.#broker = broker
    this.#name = name
    this.#fate = fate
  }

  freeze(): void {
    this.#frozen ??= new Promise(resolve => (this.#thaw = resolve))
  }
  thaw(): void {
    this.#frozen = undefined
    this.#thaw()
  }
  /** The group coordinator has not heard of us for a session. */
  expire(): void {
    for (const [id, group] of this.#members) this.#broker.group(group).expire(id)
  }
  /** SIGKILL: nothing of this process goes on, and its members expire. */
  crash(): void {
    this.freeze()
    this.expire()
  }

  read({ offset, ...tp }: TopicPartition & { readonly offset: bigint }, isolation: 'committed' | 'uncommitted'): Tail {
    const waiting = { isClosed: false, wake: () => undefined as void }
    const chunks = this.#chunks(tp, Number(offset), isolation, waiting)
    const close = () => {
      waiting.isClosed = true
      waiting.wake()
      this.#tails.delete(close)
    }
    this.#tails.add(close)
    return { close, [Symbol.asyncIterator]: () => chunks }
  }

  async *#chunks(
    tp: TopicPartition,
    from: number,
    isolation: 'committed' | 'uncommitted',
    waiting: { isClosed: boolean; wake: () => void },
  ): AsyncGenerator<Chunk, void, undefined> {
    const log = this.#broker.partition(tp)
    for (let position = from; ;) {
      await this.#hop()
      if (waiting.isClosed) return
      const chunk = log.read(tp, position, isolation, CHUNK)
      if (chunk) {
        position = Number(chunk.next)
        yield chunk
      } else {
        await new Promise<void>(resolve => {
          const forget = log.onChange(resolve)
          waiting.wake = () => {
            forget()
            resolve()
          }
        })
      }
    }
  }

  async offsets(of: readonly TopicPartition[], end: 'earliest' | 'latest'): Promise<ReadonlyMap<string, bigint>> {
    await this.#hop()
    return new Map(
      of.map(tp => {
        const log = this.#broker.partition(tp)
        return [at(tp), BigInt(end === 'earliest' ? log.start : log.highWatermark)]
      }),
    )
  }

  async fence(id: string): Promise<FencedProducer> {
    await this.#hop()
    const fault = this.#fate.fault('fence', id)
    if (fault === 'refused' || fault === 'request lost') throw new Error(`${id}: the coordinator did not answer`)
    const epoch = this.#broker.fence(id)
    await this.#hop()
    if (fault) throw new Error(`${id}: the coordinator's answer was lost`)
    let dead: Error | undefined
    return {
      epoch,
      commit: async (records, offsets) => {
        if (dead) throw dead
        try {
          await this.#commit({ id, epoch }, records, offsets)
        } catch (error) {
          dead = error instanceof Fenced ? error : new Error(`${id}: the producer is dead since an earlier error`)
          throw error
        }
      },
    }
  }

  /** One transaction, request by request: a fence may come between any two of them. */
  async #commit(
    producer: { readonly id: string; readonly epoch: number },
    records: readonly NewRecord[],
    offsets?: GroupOffsets,
  ): Promise<void> {
    const { id, epoch } = producer
    for (const batch of byPartition(records)) {
      await this.#hop()
      const fault = this.#fate.fault('produce', id)
      if (!this.#broker.describe(batch[0]!.topic) || fault === 'refused') {
        this.#broker.end(id, epoch, 'aborted')
        throw new NotCommitted(`${id}: ${at(batch[0]!)} refused the records; the transaction was aborted`)
      }
      if (fault !== 'request lost') this.#broker.append(batch, producer)
      if (fault) throw new UnknownOutcome(`${id}: no answer from ${at(batch[0]!)}`)
    }
    await this.#hop()
    if (offsets) this.#broker.addOffsets(id, epoch, offsets)
    await this.#hop()
    await this.#end(id, epoch)
    await this.#hop()
  }
  async #end(id: string, epoch: number): Promise<void> {
    const fault = this.#fate.fault('end', id)
    if (fault === 'refused') {
      this.#broker.end(id, epoch, 'aborted')
      throw new NotCommitted(`${id}: the transaction was aborted`)
    }
    if (fault === 'delayed') {
      // It has left us and is under way: it comes through if it arrives before the next fence, and is refused after it.
      const arrives = async () => {
        for (let i = 0; i < 4; i++) await this.#fate.hop()
        this.#broker.end(id, epoch, 'committed')
      }
      arrives().catch(() => undefined)
    } else if (fault !== 'request lost') this.#broker.end(id, epoch, 'committed')
    if (fault) throw new UnknownOutcome(`${id}: no answer to the end of the transaction`)
  }

  async produce(records: readonly NewRecord[]): Promise<void> {
    await this.#hop()
    this.#broker.append(records)
  }

  async join(plan: GroupPlan, handler: MembershipHandler): Promise<Membership> {
    await this.#hop()
    const id = `${this.#name}-${this.#broker.nextMember()}`
    const group = this.#broker.group(plan.group)
    this.#members.set(id, plan.group)
    // A member hears of one rebalance after the other, whatever a hop takes.
    let calls = Promise.resolve()
    let isWanted = true
    const call = (tell: () => void | Promise<void>) => (calls = calls.then(() => this.#hop()).then(tell))
    group.join({ id, taskCount: plan.tasks.length, handler, call, isWanted: () => isWanted })
    return {
      leave: async () => {
        isWanted = false
        await this.#hop()
        this.#members.delete(id)
        group.leave(id)
      },
    }
  }

  async committed(
    group: string,
    of: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, { offset: bigint; metadata: string }>> {
    await this.#hop()
    return new Map(
      of.flatMap(tp => {
        const found = this.#broker.committed(group, tp)
        return found ? [[at(tp), found] as const] : []
      }),
    )
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    await this.#hop()
    for (const spec of specs) this.#broker.createTopic(spec)
  }

  async describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, TopicState>> {
    await this.#hop()
    return new Map(
      topics.flatMap(topic => {
        const state = this.#broker.describe(topic)
        return state ? [[topic, state] as const] : []
      }),
    )
  }

  async close(): Promise<void> {
    for (const close of this.#tails) close()
    for (const [id, group] of this.#members) this.#broker.group(group).leave(id)
    this.#members.clear()
  }

  async #hop(): Promise<void> {
    await this.#fate.hop()
    while (this.#frozen) await this.#frozen
  }
}

function byPartition(records: readonly NewRecord[]): NewRecord[][] {
  const batches = new Map<string, NewRecord[]>()
  for (const record of records) {
    const batch = batches.get(at(record)) ?? []
    batches.set(at(record), batch)
    batch.push(record)
  }
  return [...batches.values()]
}
