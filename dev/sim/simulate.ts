import type { MemoryBroker } from '../../streams/memory/broker.ts'
import { MemoryClient } from '../../streams/memory/client.ts'
import { adverseNight } from '../../streams/testing/adverse-night.ts'
import { perform } from '../../streams/testing/front-half.ts'
import { Simulation, type Deed, type Happened } from '../../streams/testing/simulation.ts'
import { seeded, VirtualTime } from '../../streams/testing/virtual-time.ts'
import { topicsOf } from '../../topology/derive.ts'
import { NIGHT } from '../../topology/testing/announcements.ts'
import { faultsOf } from './checks.ts'
import { soundRules } from './ledger.ts'
import type { Mutation } from './mutations.ts'
import { expectedOf } from './oracle.ts'
import { hashOf } from './records-hash.ts'
import { codec, SIZE, topology, worldOf } from './world.ts'

/** A raw may be in the bucket so long before it is announced. */
const LEAD_MS = 50_000

export interface Night {
  readonly seed: number
  readonly happened: Happened
  /** One sentence for each; none when every promise was kept. */
  readonly faults: readonly string[]
  /** Hash of every record that was ever committed: two runs of the seed were the same if theirs is. */
  readonly records: string
}

/** Plays the adverse night of a seed to the topology, with everything going wrong that the seed says, and checks what came of it. */
export async function simulate(seed: number, mutation: Partial<Mutation> = {}): Promise<Night> {
  const listing = seed % 2 === 0 ? 'truthful' : 'blind'
  const startAt = NIGHT - LEAD_MS
  const time = new VirtualTime(startAt, seeded(seed * 13 + 7))
  const { store, services, effects: right } = worldOf(time, { listing, rules: { ...soundRules, ...mutation.rules } })
  const { effect, assign, ticksTellAll, client: Client = MemoryClient } = mutation
  const effects = effect ? { ...right, [effect.stage]: effect.wrap(right[effect.stage]!) } : right
  const mutated = mutation.topology?.(topology, time) ?? topology
  const faults: string[] = []
  const simulation = new Simulation({
    seed,
    setup: {
      ...{ codec, effects, services, time, topology: mutated, ...(assign && { broker: { assign } }) },
      options: { timeCommitMs: 1_000, maxBatch: [2, 5, 20, 500][seed % 4]! },
      client: (...of) => watched(new Client(...of), of[0], faults),
    },
    script: [
      ...adverseNight(seed, SIZE).map((deed): Deed => ({
        t: deed.t - startAt,
        act: driver => perform(driver, store, deed),
      })),
      ...orderOf(seed),
    ].sort((a, b) => a.t - b.t),
    ...{ tickMs: 3_000, faultRate: 0.004, chaosRate: 0.01, restMs: 200_000 },
    ...(ticksTellAll && { ticked: mutated.stages.flatMap(({ writes }) => writes).concat(mutated.entrances) }),
  })
  await simulation.run()
  const { driver, happened, orderedAt } = simulation
  const committed = (topic: string) => driver.broker.everCommitted(topic)
  const oracle = expectedOf(committed, store.objects, listing)
  const records = hashOf(topicsOf(mutated).flatMap(({ topic }) => committed(topic)))
  return { seed, happened, faults: [...faults, ...faultsOf(driver, oracle, orderedAt)], records }
}

const CHOICES = [['fan-out', 'raw-intake'], ['raw-intake'], ['fan-out'], ['exposure-window']] as const

/** In every third night an operator orders, some time in it, to read again what entered up to a minute before. */
function orderOf(seed: number): Deed[] {
  if (seed % 3 !== 0) return []
  const random = seeded(seed * 19 + 3)
  const stages = CHOICES[Math.floor(random() * CHOICES.length)]!
  const agoMs = Math.round(random() * 60_000)
  const act: Deed['act'] = (driver, simulation) =>
    simulation.order(() => stages.forEach(stage => driver.reset(stage, driver.time.now() - agoMs)))
  return [{ t: Math.round(LEAD_MS + 10_000 + random() * 60_000), act }]
}

/** Notes every record that a committed reader was given although its transaction had not been committed. */
function watched(client: MemoryClient, broker: MemoryBroker, faults: string[]): MemoryClient {
  const read = client.read.bind(client)
  client.read = (from, isolation) => {
    const tail = read(from, isolation)
    if (isolation === 'uncommitted') return tail
    const chunks = async function* () {
      for await (const chunk of tail) {
        for (const { offset } of chunk.records) {
          if (!broker.partition(from).isCommitted(offset)) {
            faults.push(`${from.topic}/${from.partition}: the aborted record ${offset} was read`)
          }
        }
        yield chunk
      }
    }
    return { close: () => tail.close(), [Symbol.asyncIterator]: chunks }
  }
  return client
}
