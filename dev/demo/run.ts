import { join } from 'node:path'
import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import { openPool, type Pool } from '../../sinks/postgres/pool.ts'
import { openKafka, openLog } from '../../streams/main/world.ts'
import { parked as parkedStream } from '../../topology/streams.ts'
import { planNight, startingAt } from '../night/plan.ts'
import type { PlayedRaw } from '../night/play.ts'
import { readTruth, truthOf, writeTruth } from '../night/truth.ts'
import { score } from '../night/score.ts'
import type { Services } from '../services/services.ts'
import { countTerminal, expectedUnits, latencySeconds, phaseSeconds, unaccountedUnits } from './account.ts'
import { compareWithApdb } from './compare.ts'
import type { DemoOptions } from './options.ts'
import { detections, observe, prepare } from './observe.ts'
import { readAlerts } from './read-back.ts'
import { partitionsOfTopic, readCommitted } from '../../streams/read-topic.ts'
import type { Evidence, Summary } from './summary.ts'
import type { System } from './system.ts'

export interface Demo {
  readonly options: DemoOptions
  readonly services: Services
  readonly system: System
  /** Where logs and the truth go; the topology is told nothing of it. */
  readonly folder: string
  readonly began: number
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

/** Fills the central repository, plays the night, waits for every unit's end, and accounts for everything. */
export async function runDemo(demo: Demo): Promise<{ summary: Summary; evidence: Evidence }> {
  const { options, services, system, say, signal } = demo
  const pool = openPool(services.addresses.postgres.url, { name: 'demo', max: 2 })
  try {
    const prepared = Date.now()
    const plan = planNight({ ...options, start: Date.now(), visits: options.visits, exposure: 5, gap: 3 })
    const rendered = await prepare(system.config, plan, say, signal)
    const night = Date.now()
    say(`preparation took ${((night - prepared) / 1000).toFixed(0)} s; the night begins`)
    // Enough for the simulator to connect on a loaded machine: a night that has begun already cannot be played.
    const started = startingAt(plan, Date.now() + 3000)
    await writeTruth(truthFile(demo), truthOf(started, rendered))
    const { raws, units } = await observe({ system, plan: started, rendered, pool, say, signal })
    return await account(demo, pool, {
      expected: expectedUnits(started),
      raws,
      units,
      prepared,
      night,
      ended: Date.now(),
    })
  } finally {
    await pool.end()
  }
}

const truthFile = ({ folder }: Demo) => join(folder, 'truth.json')

/** What was observed of a night that is over; moments in ms UTC. */
interface Observed {
  readonly expected: readonly string[]
  readonly raws: readonly PlayedRaw[]
  readonly units: readonly UnitSummary[]
  readonly prepared: number
  readonly night: number
  readonly ended: number
}

/** Reads everything back from outside and holds it against what went in. */
async function account(demo: Demo, pool: Pool, observed: Observed): Promise<{ summary: Summary; evidence: Evidence }> {
  const { options, services, system, say, signal } = demo
  const { expected, raws, units, prepared, night, ended } = observed
  const published = units.reduce((sum, unit) => sum + (unit.terminal === 'published' ? unit.diaSources : 0), 0)
  say(`reading ${published} alerts back`)
  const { alerts, duplicates } = await readAlerts(services.addresses, { expected: published })
  const comparison = await compareWithApdb(pool, alerts)
  const { missingInApdb, missingAlerts, differences } = comparison
  const truth = score(await readTruth(truthFile(demo)), await detections(pool))
  const lost = unaccountedUnits(expected, units)
  const downloads = (services.timings.downloadMs + services.timings.prepareMs) / 1000
  signal.throwIfAborted()
  return {
    summary: {
      visits: options.visits,
      unitsExpected: expected.length,
      units: countTerminal(units),
      raws: raws.length,
      parked: await countParked(system),
      ...(await countRows(pool)),
      alerts: { published, readBack: alerts.length, duplicates, missingInApdb },
      unaccounted: lost.length + missingInApdb + missingAlerts + differences.length + duplicates,
      truth: { injected: truth.injected, detected: truth.detected, false: truth.false.length },
      latencySeconds: latencySeconds(units, raws),
      seconds: (Date.now() - demo.began) / 1000 - downloads,
      services: services.addresses.provider,
    },
    evidence: {
      unaccountedUnits: lost,
      comparison,
      phases: phaseSeconds(units),
      score: truth,
      reasons: units
        .filter(({ terminal }) => terminal !== 'published')
        .map(unit => `${unit.unit}: ${unit.terminal ?? 'not ended'}${unit.detail ? `, ${unit.detail}` : ''}`),
      seconds: {
        services: (prepared - demo.began) / 1000 - downloads,
        downloads,
        preparation: (night - prepared) / 1000,
        night: (ended - night) / 1000,
      },
    },
  }
}

async function countRows(pool: Pool): Promise<{ diaSources: number; diaObjects: number }> {
  const { rows } = await pool.query<{ sources: bigint; objects: bigint }>(
    'select (select count(*) from "DiaSource") as sources, (select count(distinct "diaObjectId") from "DiaObject") as objects',
  )
  return { diaSources: Number(rows[0]!.sources), diaObjects: Number(rows[0]!.objects) }
}

async function countParked({ config }: System): Promise<number> {
  const client = await openKafka(config, 'demo', openLog(config, 'demo'))
  try {
    return (await readCommitted(client, await partitionsOfTopic(client, parkedStream.topic))).length
  } finally {
    await client.close()
  }
}
