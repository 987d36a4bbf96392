import { describe, expect, it } from 'vitest'
import { partitionsOf } from '../../topology/model/topology.ts'
import type { Effect } from './effects.ts'
import { demoEffects, demoTopology, orders, parcels, urgent } from '../testing/demo.ts'
import { expectedOf, hiddenFaults, outcomeOf } from '../testing/demo-checks.ts'
import type { Driver } from '../testing/driver.ts'
import { jsonCodec } from '../testing/json-codec.ts'
import { Simulation } from '../testing/simulation.ts'
import { seeded } from '../testing/virtual-time.ts'

const SEEDS = 100
const START = 1_000_000

/** What enters, a pure function of the seed: orders, urgent orders and parcels of four keys, some of them bad. */
function script(seed: number) {
  const random = seeded(seed * 7 + 3)
  return Array.from({ length: 24 }, (_, i) => {
    const stream = [orders, urgent, parcels, parcels][Math.floor(random() * 4)]!
    const id = `${'abcd'[Math.floor(random() * 4)]}-${i}${random() < 0.1 ? 'bad' : ''}`
    const partition = Math.floor(random() * partitionsOf(demoTopology, stream))
    const act = (driver: Driver) => driver.feed(stream, '', { id }, { partition })
    return { t: Math.floor(i * 600 + random() * 500), act }
  })
}

const simulate = async (seed: number) => {
  const random = seeded(seed + 100_000)
  const effects = Object.fromEntries(
    Object.entries(demoEffects).map(([stage, effect]): [string, Effect] => [
      stage,
      async event => {
        await new Promise<void>(resolve => simulation.driver.time.after(random() * 900, resolve))
        return effect(event)
      },
    ]),
  )
  const simulation: Simulation = new Simulation({
    seed,
    setup: {
      topology: demoTopology,
      codec: jsonCodec,
      effects,
      startAt: START,
      options: { timeCommitMs: 300 },
    },
    script: script(seed),
    tickMs: 1_000,
    faultRate: 0.01,
    chaosRate: 0.03,
    restMs: 60_000,
  })
  await simulation.run()
  return simulation
}

/** Transactions left open, and readers that could not reach the end because of one. */
const hanging = ({ broker, fatal }: Driver): string[] => [
  ...fatal.map(String),
  ...broker.hanging().map(id => `${id} hangs`),
  ...broker.unstable().map(partition => `${partition} ends in an open transaction`),
]

/** Stages of every kind with states that a repeated record would change; `dev/sim` plays the real ones a thousand times. */
describe('the task loop under seeded faults', () => {
  it(`keeps every promise in ${SEEDS} nights`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { driver } = await simulate(seed)
      const committed = (topic: string) => driver.broker.everCommitted(topic)
      const found = { ...outcomeOf(committed), hidden: [...hiddenFaults(committed), ...hanging(driver)] }
      expect({ seed, ...found }).toEqual({ seed, ...expectedOf(committed), hidden: [] })
    }
  })
})
