import type { RawListed } from '../../schemas/avro/generated.ts'
import {
  at,
  UnknownOutcome,
  type GroupOffsets,
  type LogRecord,
  type NewRecord,
  type TopicPartition,
} from '../../streams/log-client.ts'
import type { MemoryBroker } from '../../streams/memory/broker.ts'
import { MemoryClient } from '../../streams/memory/client.ts'
import type { Assigner } from '../../streams/memory/group.ts'
import type { Fetched } from '../../streams/memory/partition.ts'
import { MemoryProducer } from '../../streams/memory/producer.ts'
import type { Fate } from '../../streams/memory/wire.ts'
import type { Scheduler } from '../../streams/scheduler.ts'
import type { Commit } from '../../streams/task/journal.ts'
import type { Effect } from '../../streams/task/effects.ts'
import { taskPlans } from '../../streams/task/plan.ts'
import { groupOf, journalOf, transactionalIdOf } from '../../topology/model/names.ts'
import { to, type Event, type Step, type Wake } from '../../topology/model/step.ts'
import type { AnyStep, Stage, Topology } from '../../topology/model/topology.ts'
import { rawArrival, rawListed } from '../../topology/streams.ts'
import { soundRules, type LedgerRules } from './ledger.ts'
import { topology } from './world.ts'

/** The application that the driver runs. */
const APP = 'test'

/** One thing that somebody might do otherwise, wrapped around the runtime as it is; what is not said stays right. */
export interface Mutation {
  readonly name: string
  /** What must be found. */
  readonly finds: RegExp
  readonly client?: new (broker: MemoryBroker, name: string, fate?: Fate) => MemoryClient
  readonly assign?: Assigner
  readonly topology?: (right: Topology, time: Scheduler) => Topology
  readonly effect?: { readonly stage: string; readonly wrap: (right: Effect) => Effect }
  readonly rules?: Partial<LedgerRules>
  /** Whether ticks tell the ends of every stream. */
  readonly ticksTellAll?: boolean
}

class IdPerProcess extends MemoryClient {
  override fence(id: string) {
    return super.fence(`${id} of ${this.name}`)
  }
}

class RestoresToLastStable extends MemoryClient {
  protected override offsetAt(end: 'earliest' | 'latest', tp: TopicPartition): number {
    return end === 'latest' ? this.broker.partition(tp).stable : super.offsetAt(end, tp)
  }
}

/** Asks the group where to go on, right after the fence, and takes that for what the journal says. */
class TrustsGroupOffsets extends MemoryClient {
  readonly #offsets = new Map<string, string>()

  override async fence(id: string) {
    const producer = await super.fence(id)
    const stage = topology.stages.find(({ name }) => id.startsWith(transactionalIdOf(APP, name, 0).slice(0, -1)))!
    for (const input of taskPlans(APP, topology, stage).flatMap(({ inputs }) => inputs)) {
      const committed = this.broker.committed(groupOf(APP, stage.name), input)
      this.#offsets.set(`${journalOf(stage.name)} ${at(input)}`, String(committed?.offset ?? 0n))
    }
    return producer
  }
  protected override committedOf(fetched: Fetched): readonly LogRecord[] {
    return super.committedOf(fetched).map(record => {
      if (String(record.key) !== '__c') return record
      const commit = JSON.parse(String(record.value)) as Commit
      const offsetOf = (input: string) => [input, this.#offsets.get(`${record.topic} ${input}`)]
      const offsets = Object.fromEntries(Object.keys(commit.offsets).map(offsetOf)) as Commit['offsets']
      return { ...record, value: Buffer.from(JSON.stringify({ ...commit, offsets, done: {} })) }
    })
  }
}

/** As kafkajs 2.2.4 does it: takes the list as if it were in order of first offsets, and one entry for each record. */
class PopsAbortsNaively extends MemoryClient {
  protected override committedOf({ slots, aborted, from }: Fetched): readonly LogRecord[] {
    const remaining = [...aborted]
    const live = new Set<string>()
    return slots.flatMap((slot, i) => {
      if (slot === undefined) return []
      if (remaining.length > 0 && from + i >= remaining[0]!.first) live.add(remaining.shift()!.producer)
      if ('marks' in slot) {
        if (slot.kind === 'abort') live.delete(slot.marks.producer)
        return []
      }
      return slot.transaction && live.has(slot.transaction.producer) ? [] : [slot.record]
    })
  }
}

/** A client whose producers are of another kind. */
const producing = (Producer: typeof MemoryProducer) =>
  class extends MemoryClient {
    protected override producer(id: string, epoch: number) {
      return new Producer(this.broker, this.wire, id, epoch)
    }
  }

const ReusesProducer = producing(
  class extends MemoryProducer {
    protected override async transact(records: readonly NewRecord[], offsets?: GroupOffsets): Promise<void> {
      try {
        await super.transact(records, offsets)
      } catch (error) {
        if (!(error instanceof UnknownOutcome)) throw error
        this.broker.end(this.id, this.epoch, 'aborted')
        await this.transact(records, offsets)
      }
    }
  },
)

const LosesAtLeaderMove = producing(
  class extends MemoryProducer {
    protected override async resend(): Promise<void> {}
  },
)

const WatermarkFirst = producing(
  class extends MemoryProducer {
    protected override transact(records: readonly NewRecord[], offsets?: GroupOffsets): Promise<void> {
      const isMark = ({ headers }: NewRecord) => headers?.['watermark'] !== undefined
      return super.transact([...records.filter(isMark), ...records.filter(it => !isMark(it))], offsets)
    }
  },
)

/** Deals out partitions one by one, as if a task's inputs were nothing to each other; who has any of them tries to run it. */
const byPartition: Assigner = (members, tasks) => {
  const shares = new Map(members.map(({ id }) => [id, new Set<number>()]))
  const ids = [...shares.keys()].sort()
  const inputs = Math.max(...tasks.map(of => of.length))
  for (let input = 0; input < inputs; input++) {
    tasks.forEach((of, task) => {
      if (input < of.length) shares.get(ids[(input * tasks.length + task) % ids.length]!)!.add(task)
    })
  }
  return new Map([...shares].map(([id, share]) => [id, [...share].sort((a, b) => a - b)]))
}

const changed = (topology: Topology, name: string, change: (stage: Stage) => Partial<Stage>): Topology => ({
  ...topology,
  stages: topology.stages.map(stage => (stage.name === name ? { ...stage, ...change(stage) } : stage)),
})
type On = Step<{ readonly phase: string; readonly attempt?: number }>['on']
const withStep = (topology: Topology, name: string, wrap: (on: On) => On): Topology =>
  changed(topology, name, ({ run }) => {
    const { step } = run as { step: AnyStep }
    const on = wrap((...situation) => step.on(...situation) as ReturnType<On>)
    return { run: { step: { ...step, on } as unknown as AnyStep } }
  })
const isWake = (event: Event | Wake): event is Wake => event.stream === '@deadline'

/** Finds what is in the bucket, and tells of it where arrivals are told. */
const splitAnswer =
  (right: Effect): Effect =>
  async event => {
    const { out } = await right(event)
    return {
      out: out.flatMap(answer => {
        const { attempt, found } = answer.value as RawListed
        const arrivals = found.map(({ at, raw }) => to(rawArrival, answer.key, raw, at))
        return [...arrivals, to(rawListed, answer.key, { attempt, found: [] })]
      }),
    }
  }

/** Every one must be found. */
export const mutations: readonly Mutation[] = [
  { name: 'transactional.id per process', finds: /commit \d+ (follows|at place)/, client: IdPerProcess },
  { name: 'restore to the last stable offset', finds: /commit \d+ (follows|at place)/, client: RestoresToLastStable },
  { name: 'group offsets as truth', finds: /is too much|is missing|times, and should/, client: TrustsGroupOffsets },
  {
    name: 'closed windows forgotten',
    finds: /^(unclaimed|late):/,
    topology: right =>
      withStep(right, 'exposure-window', on => (...situation) => {
        const result = on(...situation)
        return result.state?.phase === 'closed' ? { ...result, state: undefined } : result
      }),
  },
  {
    name: 'wall clock in the join',
    finds: /is missed and should be ready/,
    topology: (right, time) =>
      withStep(
        right,
        'exposure-window',
        on =>
          (state, event, ...rest) =>
            on(state, isWake(event) ? event : { ...event, at: time.now() }, ...rest),
      ),
  },
  {
    name: "watermark from the derived topic's own end offsets",
    finds: /is (missed|cancelled) and should be ready/,
    topology: right => changed(right, 'exposure-window', () => ({ watermark: 'clock' })),
    ticksTellAll: true,
  },
  { name: 'producer reused after an unknown outcome', finds: /commit \d+ (follows|at place)/, client: ReusesProducer },
  {
    name: 'aborted transactions popped one per record, in the order told (K1)',
    finds: /the aborted record \d+ was read/,
    client: PopsAbortsNaively,
  },
  {
    name: 'acknowledged and not written after a leader moved (K4)',
    finds: /is missing|commit \d+ at place|times, and should/,
    client: LosesAtLeaderMove,
  },
  {
    name: 'assigner without co-partitioning',
    finds: /is missing|times, and should|is told as nothing/,
    assign: byPartition,
  },
  { name: 'decision numbers ignored', finds: /is told as/, rules: { isNews: () => true } },
  {
    name: 'outbox read by cursor',
    finds: /is told as nothing/,
    rules: {
      readOutbox: (rows, shard) => {
        const last = Math.max(0, ...rows.filter(it => it.shard === shard && it.state === 'sent').map(({ id }) => id))
        return soundRules.readOutbox(rows, shard).filter(({ id }) => id > last)
      },
    },
  },
  {
    name: "listing's answer split over two topics",
    finds: /ready partial and should be ready complete|is missed and should be ready/,
    topology: right => changed(right, 'raw-reconcile', ({ writes }) => ({ writes: [...writes, rawArrival] })),
    effect: { stage: 'raw-reconcile', wrap: splitAnswer },
  },
  {
    // A mask entered before the announcement and is read after it: a detector that is off gets a unit. Nothing else makes units.
    name: 'fan-out in arrival order',
    finds: /^\S+ was decided and never announced$/,
    topology: right => changed(right, 'fan-out', ({ order: _, ...stage }) => ({ ...stage, order: undefined as never })),
  },
  {
    name: 'attempt as a counter',
    finds: /is no attempt/,
    topology: right =>
      withStep(right, 'exposure-window', on => (state, event, ...rest) => {
        if (isWake(event)) return on(state, event, ...rest)
        const attempt = state?.attempt ?? 0
        return on(state, { ...event, replay: event.replay > attempt ? attempt + 1 : 0 }, ...rest)
      }),
  },
  {
    // What the watermark is when it wakes, to a second or two.
    name: 'wake-up time = watermark',
    finds: /was decided at \d+ and should be at/,
    topology: (right, time) =>
      withStep(right, 'exposure-window', on => (state, event, ...rest) => {
        if (!isWake(event)) return on(state, event, ...rest)
        const result = on(state, { ...event, at: time.now() }, ...rest)
        return { ...result, out: result.out.map(each => ({ at: time.now(), ...each })) }
      }),
  },
  {
    name: 'watermark before data in a transaction',
    finds: /^(unclaimed|late):|is (missed|cancelled|ready partial) and should be/,
    client: WatermarkFirst,
  },
]
