import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { Querier } from '../../sinks/postgres/pool.ts'
import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import type { Config } from '../../streams/main/config.ts'
import { expectedUnits } from '../demo/account.ts'
import { accountWhenSettled } from '../demo/faults.ts'
import { fillRepository, observe } from '../demo/observe.ts'
import { endsOutside } from '../demo/outside.ts'
import type { ProcessName } from '../demo/system.ts'
import { together } from '../demo/testing/kills.ts'
import { expectedOf } from '../night/adversity/expected.ts'
import { planAdversity } from '../night/adversity/plan.ts'
import { switches, type Switch } from '../night/adversity/switches.ts'
import { type NightPlan, planNight } from '../night/plan.ts'
import { randomOf } from '../night/random.ts'
import { renderNight } from '../night/render.ts'
import { type Bench, INSTRUMENT, SIZE } from './bench.ts'
import type { Fault, Scene } from './fault.ts'

/** All that the nights of one bench have in common: each begins where the one before it ended. */
export class Past {
  /** Units of nights that are over. */
  readonly units: string[] = []
  sequence = 1
}

/** What became of one fault. */
export interface Outcome {
  readonly seed: number
  /** Sentences, each something that must not be; none: it holds. */
  readonly faults: readonly string[]
  /** Undefined where it did not come to that. */
  readonly recoverySeconds?: number
  readonly seconds: number
  /** What was done when, by seconds of the night. */
  readonly journal: readonly string[]
  readonly units?: readonly UnitSummary[]
}

const VISITS = 5
/** Nobody can kill the holder of a unit by plan on a night on which processes die anyway. */
const SWITCHES = switches.filter(name => name !== 'worker-killed')
const TIMES = { lead: 3, exposure: 0.5, gap: 2.5 }
const PATIENCE_S = 90

/** Plays an adverse night of its own for the fault, strikes, and holds what came of it against the plan. */
export async function playUnder(bench: Bench, fault: Fault, seed: number, past: Past): Promise<Outcome> {
  const began = Date.now()
  const journal: string[] = []
  const adversity = planAdversity({ seed, instrument: INSTRUMENT, visits: VISITS, switches: SWITCHES })
  const { visits, unusual } = adversity
  const config = direct(bench)
  const options = { ...TIMES, seed, instrument: INSTRUMENT, size: SIZE, pixels: false } as const
  const planned = planNight({ ...options, visits, unusual, start: Date.now(), firstSequence: past.sequence })
  past.sequence += 2 * visits
  const silent = new AbortController().signal
  await fillRepository(config, planned, () => {}, silent)
  const from = await endsOutside(bench.client)
  const plan = planNight({ ...planned.options, start: Date.now() + 2000 })
  const expected = expectedUnits(plan, expectedOf(adversity, plan)['masked-detector'])
  const say = (line: string) => void journal.push(`${((Date.now() - plan.options.start) / 1000).toFixed(1)} s: ${line}`)
  const over = (faults: readonly string[], more: Partial<Outcome> = {}): Outcome => ({
    ...{ seed, faults, journal, seconds: (Date.now() - began) / 1000, ...more },
  })
  try {
    const rendered = await renderNight(plan)
    const [observed, recoverySeconds] = await together(
      signal =>
        observe({
          ...{ system: { config, failure: bench.system.failure }, plan, rendered, pool: patient(bench.pool) },
          ...{ say: () => {}, signal, expected: [...past.units, ...expected], adversity, tries: 30 },
          ...(fault.aheadSeconds && { aheadSeconds: fault.aheadSeconds }),
          patienceSeconds: fault.patienceSeconds ?? PATIENCE_S,
        }),
      signal => fault.strike(sceneOf(bench, plan, { seed, name: fault.name }, signal, say)),
    )
    const groups = new Set(plan.visits.map(({ group }) => group))
    const units = observed.units.filter(({ group }) => groups.has(group))
    const unwatched = ['worker-killed' as const, ...(Object.keys(fault.unwatched ?? {}) as Switch[])]
    const night = { adversity, plan, unwatched, ...observed, units }
    const { faults } = await accountWhenSettled(bench.client, night, undefined, from)
    return over(faults, { recoverySeconds, units })
  } catch (error) {
    return over([`the night broke off: ${(error as Error).message}`])
  } finally {
    past.units.push(...expected)
  }
}

/** The observatory and the observer go past the proxies. */
function direct({ system, addresses }: Bench): Config {
  const { kafka, registry, s3 } = addresses
  const { config } = system
  return {
    ...config,
    kafka: { ...config.kafka, ...kafka },
    registry,
    s3: { ...config.s3, endpoint: s3.endpoint },
  }
}

/** The observer waits for a database that is away. */
function patient(pool: Querier): Querier {
  const query = async (...args: unknown[]): Promise<unknown> => {
    for (const patience = Date.now() + 180_000; ; await pause(500)) {
      try {
        return await (pool.query as (...args: unknown[]) => Promise<unknown>)(...args)
      } catch (error) {
        if (Date.now() > patience) throw error
      }
    }
  }
  return { query } as Querier
}

function sceneOf(
  bench: Bench,
  plan: NightPlan,
  { seed, name }: { seed: number; name: string },
  signal: AbortSignal,
  say: (line: string) => void,
): Scene {
  const random = randomOf(seed, 'fault', name)
  const sleep = (seconds: number) => pause(1000 * Math.max(0, seconds), undefined, { signal })
  const seconds: Scene['seconds'] = async (what, work) => {
    const began = Date.now()
    const late = AbortSignal.timeout(PATIENCE_S * 1000)
    try {
      const either = AbortSignal.any([signal, late])
      // A listener for each task that is waited for.
      setMaxListeners(0, either)
      await work(either)
    } catch (error) {
      if (late.aborted) throw new Error(`not seen within ${PATIENCE_S} s: ${what}`, { cause: error })
      throw error
    }
    const took = (Date.now() - began) / 1000
    say(`${what} after ${took.toFixed(1)} s`)
    return took
  }
  return {
    ...{ bench, plan, random, signal, say, sleep, seconds },
    until: (from, to = from) => sleep((plan.options.start - Date.now()) / 1000 + from + (to - from) * random.uniform()),
    pick: list => list[Math.floor(list.length * random.uniform())]!,
    killAndRecover: (victim: ProcessName) => {
      const tasks = bench.lines.tasksOf(victim)
      void bench.system.kill(victim)
      say(`SIGKILL for ${victim}, which holds ${tasks.join(', ') || 'no task'}`)
      return seconds(`all tasks of ${victim} go on`, it => bench.lines.going(tasks, it, by => by !== victim))
    },
  }
}
