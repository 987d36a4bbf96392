import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Role } from '../../topology/model/topology.ts'
import { roles } from '../../streams/main/main.ts'
import { expectedOf } from '../night/adversity/expected.ts'
import { planAdversity } from '../night/adversity/plan.ts'
import { switches } from '../night/adversity/switches.ts'
import { planNight, startingAt } from '../night/plan.ts'
import { randomOf } from '../night/random.ts'
import { type RenderedNight, renderNight } from '../night/render.ts'
import { expectedUnits } from './account.ts'
import { accountWhenSettled } from './faults.ts'
import { fillRepository, observe } from './observe.ts'
import { type Findings, findingsOf } from './testing/findings.ts'
import { type Kill, killHolding, together } from './testing/kills.ts'
import { startWholeSystem } from './testing/whole-system.ts'

/**
 * One night with all that may go wrong, undisturbed, and then once for each process of the topology, which is killed at five seeded moments
 * while it holds work. The same exposures each time, on a system of its own each time, so that every id of one night must be an id of the other.
 */

const KILLS = 5
/** How long a killed process is waited for until it is at work again, before the next kill. */
const AGAIN_MS = 12_000
const SEED = 5
const options = { seed: 2, instrument: 'LSSTComCam', visits: 5 } as const
/** The one switch that a killed worker would trip by itself. */
const adversity = planAdversity({ ...options, switches: switches.filter(name => name !== 'worker-killed') })
/** Long enough for five deaths, each with the silence that it takes to be noticed: 8 visits of 13 s. */
const times = { size: 256, lead: 4, exposure: 1, gap: 12 }
const { visits, unusual } = adversity
const planned = planNight({ ...options, ...times, visits, unusual, start: Date.now() })
const overrides = {
  decide: {
    imageTimeoutSeconds: 8,
    instruments: { LSSTComCam: { off: {}, chip: { width: times.size, height: times.size } } },
  },
  ledger: { leaseSeconds: 8 },
  worker: { heartbeatMs: 1500, rehearsals: 0 },
}
const never = new AbortController().signal
let rendered: RenderedNight
beforeAll(async () => void (rendered = await renderNight(planned)), 120_000)

/** What must not depend on who died: told by the visit's place in its night, since each night has groups of its own. */
interface Told extends Findings {
  readonly ends: readonly string[]
  readonly counters: readonly string[]
  readonly kills: readonly Kill[]
}

/** Plays the night on services of its own; `victim` is killed again and again while it lasts. */
async function tell(victim?: Role): Promise<Told> {
  const whole = await startWholeSystem(inject('services').provider, overrides, { PP_LOG_LEVEL: 'debug' }, 2)
  let isWell = false
  try {
    const { system, pool, client } = whole
    await fillRepository(system.config, planned, () => {}, never)
    const plan = startingAt(planned, Date.now() + 3000)
    const expected = expectedOf(adversity, plan)
    const units = expectedUnits(plan, expected['masked-detector'])
    const [observed, kills] = await together(
      signal => observe({ system, plan, rendered, pool, say: () => {}, signal, expected: units, adversity }),
      async signal => (victim ? killOften(system, victim, signal) : []),
    )
    const unwatched = ['worker-killed'] as const
    const { counters, faults } = await accountWhenSettled(client, { adversity, plan, unwatched, ...observed })
    expect(faults).toEqual([])
    const findings = await findingsOf(whole)
    isWell = true
    const place = (group: string) => plan.visits.findIndex(visit => visit.group === group)
    return {
      ...findings,
      ends: observed.units
        .map(it => `${place(it.group)}/${it.detector} ${it.terminal} ${it.completeness} ${it.reason}`)
        .sort(),
      counters: counters.map(it => `${it.switch} ${it.planned} ${it.observed}`),
      kills,
    }
  } finally {
    await whole.stop(!isWell)
  }
}

/** Five deaths, each after a seeded pause and a seeded number of works that go well. */
async function killOften(
  system: Parameters<typeof killHolding>[0],
  victim: Role,
  signal: AbortSignal,
): Promise<Kill[]> {
  const random = randomOf(SEED, 'kills', victim)
  const kills: Kill[] = []
  for (let n = 0; n < KILLS; n++) {
    await sleep(3000 * random.uniform(), undefined, { signal })
    const name = victim === 'worker' ? system.workers[Math.floor(system.workers.length * random.uniform())]! : victim
    const kill = await killHolding(system, name, signal, Math.floor(3 * random.uniform()))
    // Of two workers the other one may take all that is left, and the night with it; whoever has a task of his own has it again.
    const patience = victim === 'worker' ? 0 : AGAIN_MS
    const seconds = await Promise.race([kill.recovered, sleep(patience, undefined, { signal })])
    const again = seconds === undefined ? 'started anew' : `at work again after ${seconds.toFixed(1)} s`
    console.log(`${name} killed holding ${kill.held}, ${again}`)
    kills.push(kill)
  }
  return kills
}

let calm: Told
beforeAll(async () => void (calm = await tell()), 400_000)
afterAll(() => console.log(`${calm.sources.length} DiaSources, ${calm.ends.length} units, alike in every night`))

describe.each(roles)('with the process %s killed at five moments while it holds work, the night', role => {
  let told: Told
  beforeAll(async () => void (told = await tell(role)), 600_000)

  it('has the same DiaSources, each with one alert', () => {
    expect(told.kills).toHaveLength(KILLS)
    expect(told.sources.length).toBeGreaterThan(50)
    expect(told.sources).toEqual(calm.sources)
    expect(told.alerts).toEqual(told.sources)
    expect(told.duplicates).toBe(0)
  })
  it('ends every unit alike', () => {
    expect(told.ends).toEqual(calm.ends)
  })
  it('shows every switch as often', () => {
    expect(told.counters).toEqual(calm.counters)
  })
})
