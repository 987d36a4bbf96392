import { join } from 'node:path'
import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import { openPool, type Pool } from '../../sinks/postgres/pool.ts'
import { openKafka, openLog } from '../../streams/main/world.ts'
import { cleanUnits, expectedOf } from '../night/adversity/expected.ts'
import { type Adversity, planAdversity } from '../night/adversity/plan.ts'
import { type NightPlan, planNight, startingAt } from '../night/plan.ts'
import { type Detection, score } from '../night/score.ts'
import { scoreBodies } from '../night/score-bodies.ts'
import { type Truth, readTruth, truthOf, writeTruth } from '../night/truth.ts'
import type { Services } from '../services/services.ts'
import { countTerminal, expectedUnits, phaseSeconds } from './account.ts'
import { countArchived } from './archived.ts'
import { compareWithApdb } from './compare.ts'
import { type Account, accountWhenSettled } from './faults.ts'
import { keepingUp } from './keeping-up.ts'
import { heldBy, killHolder } from './kill-holder.ts'
import { latenciesOf } from './latency.ts'
import { type Memory, watchMemory } from './memory.ts'
import { type Observed, detections, observe, prepare, seenBodies } from './observe.ts'
import type { DemoOptions } from './options.ts'
import { recordOneUnit } from './recorded.ts'
import { openObjectStore } from '../../sinks/objects/s3.ts'
import { readAlerts } from './read-back.ts'
import type { Evidence, Summary } from './summary.ts'
import type { System } from './system.ts'

export interface Demo {
  readonly options: DemoOptions
  readonly adversity: Adversity
  readonly services: Services
  readonly system: System
  /** Where logs and the truth go; the topology is told nothing of it. */
  readonly folder: string
  readonly began: number
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

/** Of the solar system, for each detector. */
const BODIES = 2

/** Seconds: the announcement comes this long before the shutter opens, and how long it is open. */
const LEAD_S = 5
const EXPOSURE_S = 2

/** What the topology is told otherwise than by default, so that deadlines pass within the night and a dead worker is missed soon. */
export const demoConfig = (options: DemoOptions) => {
  const chip = { width: sizeOf(options), height: sizeOf(options) }
  return {
    decide: { imageTimeoutSeconds: options.pixels ? 8 : 30, instruments: { [options.instrument]: { off: {}, chip } } },
    // Every task has a transaction a second to say how late it is: nine detectors need two, and leave the processors to the pixels.
    ...(options.instrument !== 'LSSTCam' && { kafka: { partitions: 2 } }),
    ledger: { leaseSeconds: 8 },
    ...(!options.pixels && { deployment: 'load-test' }),
    worker: { heartbeatMs: 1500, slots: options.slots, recording: options.pixels ? '' : RECORDING },
  }
}

/** Side of the chips, pixels; a recorded result is of a small one, since 189 store their products at once. */
const sizeOf = ({ pixels }: DemoOptions) => (pixels ? 1024 : 256)
/** Where the recorded result of a night without pixels lies in the central bucket. */
const RECORDING = 'recordings/unit.v8'

/** What goes wrong tonight. @throws RangeError where the night is too short for it. */
export const demoAdversity = ({ adversity: switches, ...options }: DemoOptions): Adversity =>
  planAdversity({ ...options, switches })

/** Fills the central repository, plays the night, waits for every unit's end, and accounts for everything. */
export async function runDemo(demo: Demo): Promise<{ summary: Summary; evidence: Evidence }> {
  const { options, adversity, services, system, say, signal } = demo
  const pool = openPool(services.addresses.postgres.url, { name: 'demo', max: 2 })
  try {
    const prepared = Date.now()
    const { seed, instrument, transients, pixels, cadence } = options
    const { visits, unusual } = adversity
    const times = { lead: LEAD_S, exposure: EXPOSURE_S, gap: cadence - EXPOSURE_S, start: Date.now() }
    const sky = {
      seed,
      transients,
      ...(pixels ? { bodies: transients ? BODIES : 0 } : { still: [await record(demo)] }),
    }
    const plan = planNight({ ...sky, instrument, pixels, visits, unusual, size: sizeOf(options), ...times })
    const rendered = await prepare(system.config, plan, say, signal)
    const night = Date.now()
    say(`preparation took ${((night - prepared) / 1000).toFixed(0)} s; the night begins`)
    // Enough for the simulator to connect on a loaded machine: a night that has begun already cannot be played.
    const started = startingAt(plan, Date.now() + 3000)
    const switches = expectedOf(adversity, started)
    await writeTruth(truthFile(demo), truthOf(started, rendered, switches))
    const expected = expectedUnits(started, switches['masked-detector'])
    const watch = watchMemory(system)
    const observing = observe({
      ...{ system, plan: started, rendered, pool, say, signal, expected, adversity },
      killHolder: unit => killHolder(system, unit, heldBy(pool), say),
    })
    const [observed, memory] = await Promise.all([observing, observing.then(watch.stop, watch.stop)])
    const moments = { prepared, night, ended: Date.now() }
    return await account(demo, pool, { plan: started, expected, memory, ...observed, ...moments })
  } finally {
    await pool.end()
  }
}

/** Gives the pixel of a detection that every recorded answer will have. */
async function record({ options, system, say }: Demo): Promise<{ x: number; y: number }> {
  const { s3 } = system.config
  const store = openObjectStore(s3)
  const { recording, detection } = await recordOneUnit(options.seed, sizeOf(options))
  await store.put(s3.centralBucket, RECORDING, recording)
  store.close()
  say('the result of one unit recorded, for the workers to answer with')
  return detection
}

const truthFile = ({ folder }: Demo) => join(folder, 'truth.json')

/** A night that is over; moments in ms UTC. */
interface Over extends Observed {
  readonly plan: NightPlan
  readonly expected: readonly string[]
  readonly memory: Readonly<Record<string, Memory>>
  readonly prepared: number
  readonly night: number
  readonly ended: number
}

/** Reads everything back from outside and holds it against what went in. */
async function account(demo: Demo, pool: Pool, over: Over): Promise<{ summary: Summary; evidence: Evidence }> {
  const { options, adversity, services, system, say, signal } = demo
  const { plan, expected, raws, units, bystanders, memory, prepared, night, ended } = over
  const truth = await readTruth(truthFile(demo))
  const { outside, counters, faults } = await hold(demo, over)
  const published = units.reduce((sum, unit) => sum + (unit.terminal === 'published' ? unit.diaSources : 0), 0)
  say(`reading ${published} alerts back`)
  const { alerts, duplicates } = await readAlerts(services.addresses, { expected: published })
  const comparison = await compareWithApdb(pool, alerts)
  const { missingInApdb, missingAlerts, differences } = comparison
  const archived = await countArchived(system.config, published)
  const unarchived = archived < published ? [`${published - archived} alerts are not in the archive`] : []
  const seen = whollySeen(truth, units)
  const scored = score(seen, (await detections(pool)).filter(isOf(seen)))
  const bodies = scoreBodies(seen, await seenBodies(pool))
  const clean = cleanUnits(adversity, plan).filter(unit => !bystanders.includes(unit))
  const downloads = (services.timings.downloadMs + services.timings.prepareMs) / 1000
  signal.throwIfAborted()
  return {
    summary: {
      visits: plan.visits.length,
      detectors: plan.detectors.length,
      masked: plan.visits.length * plan.detectors.length - expected.length,
      unitsExpected: expected.length,
      units: countTerminal(units),
      raws: raws.length,
      parked: outside.parked.length,
      ...(await countRows(pool)),
      solarSystem: bodies,
      alerts: { published, readBack: alerts.length, duplicates, missingInApdb, archived },
      switches: counters,
      unaccounted: faults.length + unarchived.length + missingInApdb + missingAlerts + differences.length + duplicates,
      truth: { injected: scored.injected, detected: scored.detected, false: scored.false.length },
      latencySeconds: latenciesOf({ units, raws, clean, workers: options.workers * options.slots }),
      keepingUp: keepingUp(plan, raws, units),
      memoryMb: memory,
      seconds: (Date.now() - demo.began) / 1000 - downloads,
      services: services.addresses.provider,
    },
    evidence: {
      unaccounted: [...faults, ...unarchived],
      comparison,
      phases: phaseSeconds(units),
      score: scored,
      reasons: reasonsOf(units),
      seconds: {
        services: (prepared - demo.began) / 1000 - downloads,
        downloads,
        preparation: (night - prepared) / 1000,
        night: (ended - night) / 1000,
      },
    },
  }
}

/** Holds the night against its plan, from outside. */
async function hold({ system, adversity, signal }: Demo, { plan, units, poison, bystanders }: Over): Promise<Account> {
  const { config } = system
  const client = await openKafka(config, 'demo', openLog(config, 'demo'))
  try {
    return await accountWhenSettled(client, { adversity, plan, units, poison, bystanders }, signal)
  } finally {
    await client.close()
  }
}

/** The truth of those units alone whose images were all seen: of the others nobody promises anything. */
function whollySeen(truth: Truth, units: readonly UnitSummary[]): Truth {
  const whole = units.filter(({ terminal, completeness }) => terminal === 'published' && completeness === 'complete')
  const names = new Set(whole.map(({ group, detector }) => `${group}/${detector}`))
  return { ...truth, units: truth.units.filter(({ group, detector }) => names.has(`${group}/${detector}`)) }
}

function isOf({ units }: Truth): (it: Detection) => boolean {
  const names = new Set(units.map(({ visit, detector }) => `${visit}/${detector}`))
  return ({ visit, detector }) => names.has(`${visit}/${detector}`)
}

/** One sentence for all units that ended alike, but not published. */
function reasonsOf(units: readonly UnitSummary[]): string[] {
  const counts = new Map<string, number>()
  for (const { terminal, detail } of units) {
    if (terminal === 'published') continue
    const sentence = `${terminal ?? 'not ended'}${detail ? `: ${detail}` : ''}`
    counts.set(sentence, (counts.get(sentence) ?? 0) + 1)
  }
  return [...counts].map(([sentence, count]) => `${count} ${sentence}`)
}

async function countRows(pool: Pool): Promise<{ diaSources: number; diaObjects: number }> {
  const { rows } = await pool.query<{ sources: bigint; objects: bigint }>(
    'select (select count(*) from "DiaSource") as sources, (select count(distinct "diaObjectId") from "DiaObject") as objects',
  )
  return { diaSources: Number(rows[0]!.sources), diaObjects: Number(rows[0]!.objects) }
}
