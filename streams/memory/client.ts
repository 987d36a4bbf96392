import {
  at,
  type Chunk,
  type FencedProducer,
  type GroupPlan,
  type LogClient,
  type LogRecord,
  type Membership,
  type MembershipHandler,
  type NewRecord,
  type Place,
  type Tail,
  type TopicPartition,
  type TopicSpec,
  type TopicState,
} from '../log-client.ts'
import type { MemoryBroker } from './broker.ts'
import { committedOf, type Fetched } from './partition.ts'
import { MemoryProducer } from './producer.ts'
import { noFate, wireOf, type Fate, type Wire } from './wire.ts'

/** Offsets that one fetch covers at most where nobody says so, so that tests see a partition in several pieces. */
const FETCH_SIZE = 100

/**
 * `LogClient` on a `MemoryBroker`; it stands for one process, which can be frozen (and thawed: a zombie) or crashed (frozen for
 * ever). Group members of a frozen client stay until `expire`, as with a session time-out.
 */
export class MemoryClient implements LogClient {
  protected readonly broker: MemoryBroker
  protected readonly wire: Wire
  readonly #fate: Fate
  readonly #tails = new Set<() => void>()
  readonly #members = new Map<string, string>()
  protected readonly name: string
  #frozen: Promise<void> | undefined
  #thaw: () => void = () => undefined

  constructor(broker: MemoryBroker, name = 'client', fate: Fate = noFate) {
    this.broker = broker
    this.name = name
    this.#fate = fate
    this.wire = wireOf(fate, () => this.#frozen)
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
    for (const [id, group] of this.#members) this.broker.group(group).expire(id)
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
    const log = this.broker.partition(tp)
    log.readers++
    try {
      for (let position = from; ;) {
        await this.wire.hop()
        if (waiting.isClosed) return
        const fetched = log.fetch(tp, position, isolation, this.#fate.fetchSize?.() ?? FETCH_SIZE)
        if (fetched) {
          position = fetched.next
          const records = isolation === 'committed' ? this.committedOf(fetched) : everyRecord(fetched)
          yield { records, next: BigInt(position), highWatermark: BigInt(fetched.highWatermark) }
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
    } finally {
      log.readers--
    }
  }
  /** Leaves out what was aborted. */
  protected committedOf(fetched: Fetched): readonly LogRecord[] {
    return committedOf(fetched)
  }

  async offsets(of: readonly TopicPartition[], place: Place): Promise<ReadonlyMap<string, bigint>> {
    await this.#ask()
    return new Map(of.map(tp => [at(tp), BigInt(this.offsetAt(place, tp))]))
  }
  protected offsetAt(place: Place, tp: TopicPartition): number {
    return this.broker.partition(tp).offset(place)
  }

  async members(group: string): Promise<number> {
    await this.#ask()
    return this.broker.group(group).members().size
  }

  async fence(id: string): Promise<FencedProducer> {
    await this.wire.hop()
    const initialise = () => this.broker.fence(id)
    const fault = this.wire.fault('fence', id)
    if (fault === 'delayed') this.wire.later(initialise)
    if (fault === 'refused' || fault === 'request lost' || fault === 'delayed') {
      throw new Error(`${id}: the coordinator did not answer`)
    }
    this.broker.expel(id)
    while (this.broker.isCompleting(id)) await this.wire.hop()
    const epoch = initialise()
    if (fault === 'doubled') this.wire.later(initialise)
    await this.wire.hop()
    if (fault) throw new Error(`${id}: the coordinator's answer was lost`)
    return this.producer(id, epoch)
  }
  protected producer(id: string, epoch: number): FencedProducer {
    return new MemoryProducer(this.broker, this.wire, id, epoch)
  }

  async produce(records: readonly NewRecord[]): Promise<void> {
    await this.wire.hop()
    this.broker.append(records)
  }

  async join(plan: GroupPlan, handler: MembershipHandler): Promise<Membership> {
    await this.wire.hop()
    const id = `${this.name}-${this.broker.nextMember()}`
    const group = this.broker.group(plan.group)
    this.#members.set(id, plan.group)
    // A member hears of one rebalance after the other, whatever a hop takes, and of none once it is leaving.
    let calls = Promise.resolve()
    let isLeaving = false
    const call = (tell: () => void | Promise<void>) =>
      (calls = calls.then(() => this.wire.hop()).then(() => (isLeaving ? undefined : tell())))
    const { tasks, version = 1 } = plan
    group.join({ id, tasks, version, handler, call })
    return {
      isCurrent: async () => {
        await this.wire.hop()
        return group.members().has(id)
      },
      leave: async () => {
        isLeaving = true
        await this.wire.hop()
        this.#members.delete(id)
        group.leave(id)
      },
    }
  }

  async committed(
    group: string,
    of: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, { offset: bigint; metadata: string }>> {
    await this.#ask()
    return new Map(
      of.flatMap(tp => {
        const found = this.broker.committed(group, tp)
        return found ? [[at(tp), found] as const] : []
      }),
    )
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    await this.wire.hop()
    for (const spec of specs) this.broker.createTopic(spec)
  }

  async describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, TopicState>> {
    await this.wire.hop()
    return new Map(
      topics.flatMap(topic => {
        const state = this.broker.describe(topic)
        return state ? [[topic, state] as const] : []
      }),
    )
  }

  async close(): Promise<void> {
    for (const close of this.#tails) close()
    for (const [id, group] of this.#members) this.broker.group(group).leave(id)
    this.#members.clear()
  }

  /** A question that changes nothing; without an answer it throws. */
  async #ask(): Promise<void> {
    await this.wire.hop()
    if (this.wire.fault('ask', this.name)) throw new Error('the broker did not answer')
  }
}

const everyRecord = ({ slots }: Fetched): LogRecord[] =>
  slots.flatMap(slot => (slot && 'record' in slot ? [slot.record] : []))
