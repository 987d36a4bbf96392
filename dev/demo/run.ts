import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { unitsSummary, type UnitSummary } from '../../sinks/ledger/summary.ts'
import { openObjectStore } from '../../sinks/objects/s3.ts'
import { openPool, type Pool } from '../../sinks/postgres/pool.ts'
import { centralRepository, filesInRepository } from '../night/central-repository.ts'
import { connectSummit } from '../night/kafka-world.ts'
import { type NightPlan, planNight, startingAt } from '../night/plan.ts'
import { type PlayedRaw, playNight } from '../night/play.ts'
import { renderNight } from '../night/render.ts'
import { readTruth, truthOf, writeTruth } from '../night/truth.ts'
import { type Detection, score } from '../night/score.ts'
import type { Services } from '../services/services.ts'
import { countTerminal, expectedUnits, latencySeconds, unaccountedUnits } from './account.ts'
import { compareWithApdb } from './compare.ts'
import type { DemoOptions } from './options.ts'
import { countRecords } from './count-records.ts'
import { readAlerts } from './read-back.ts'
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

/** How long after the last raw every unit must have ended, seconds: a window's deadline and what a loaded machine needs. */
const PATIENCE_S = 90

/** Fills the central repository, plays the night, waits for every unit's end, and accounts for everything. */
export async function runDemo(demo: Demo): Promise<{ summary: Summary; evidence: Evidence }> {
  const { options, services, say, signal } = demo
  const pool = openPool(services.addresses.postgres.url, { name: 'demo', max: 2 })
  try {
    const prepared = Date.now()
    const plan = planNight({ ...options, start: Date.now(), visits: options.visits, exposure: 5, gap: 3 })
    const rendered = await prepare(demo, plan)
    const truthFile = join(demo.folder, 'truth.json')
    const night = Date.now()
    say(`preparation took ${((night - prepared) / 1000).toFixed(0)} s; the night begins`)
    const started = startingAt(plan, Date.now() + 1000)
    await writeTruth(truthFile, truthOf(started, rendered))
    const { raws, units } = await observe(demo, started, rendered, pool)
    const ended = Date.now()

    const published = units.reduce((sum, unit) => sum + (unit.terminal === 'published' ? unit.diaSources : 0), 0)
    say(`reading ${published} alerts back`)
    const readBack = await readAlerts(services.addresses, { expected: published })
    const comparison = await compareWithApdb(pool, readBack.alerts)
    const truth = score(await readTruth(truthFile), await detections(pool))
    const lost = unaccountedUnits(expectedUnits(started), units)
    const parked = await countRecords(services.addresses, 'parked')
    const { rows } = await pool.query<{ sources: bigint; objects: bigint }>(
      'select (select count(*) from "DiaSource") as sources, (select count(distinct "diaObjectId") from "DiaObject") as objects',
    )
    const unaccounted =
      lost.length +
      comparison.missingInApdb +
      comparison.missingAlerts +
      comparison.differences.length +
      readBack.duplicates
    const downloads = (services.timings.downloadMs + services.timings.prepareMs) / 1000
    signal.throwIfAborted()
    return {
      summary: {
        visits: options.visits,
        unitsExpected: expectedUnits(started).length,
        units: countTerminal(units),
        raws: raws.length,
        parked,
        diaSources: Number(rows[0]!.sources),
        diaObjects: Number(rows[0]!.objects),
        alerts: {
          published,
          readBack: readBack.alerts.length,
          duplicates: readBack.duplicates,
          missingInApdb: comparison.missingInApdb,
        },
        unaccounted,
        truth: { injected: truth.injected, detected: truth.detected, false: truth.false.length },
        latencySeconds: latencySeconds(units, raws),
        seconds: (Date.now() - demo.began) / 1000 - downloads,
        services: services.addresses.provider,
      },
      evidence: {
        unaccountedUnits: lost,
        comparison,
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
  } finally {
    await pool.end()
  }
}

/** Calibrations and templates into the central repository; the night's pixels into memory. */
async function prepare({ system, say, signal }: Demo, plan: NightPlan) {
  const store = openObjectStore(system.config.s3)
  let done = 0
  for (const { key, bytes } of centralRepository(plan)) {
    await store.put(system.config.s3.centralBucket, key, bytes)
    say(`central repository: ${++done} of ${filesInRepository(plan)}, ${key}`)
    signal.throwIfAborted()
  }
  store.close()
  return renderNight(plan, (rendered, of) => say(`raws rendered: ${rendered} of ${of}`), signal)
}

async function observe(
  { services, system, say, signal }: Demo,
  plan: NightPlan,
  rendered: Awaited<ReturnType<typeof renderNight>>,
  pool: Pool,
): Promise<{ raws: readonly PlayedRaw[]; units: UnitSummary[] }> {
  const { addresses } = services
  const { rawBucket } = system.config.s3
  const store = openObjectStore(system.config.s3)
  const summit = await connectSummit({ brokers: addresses.kafka.brokers, registry: addresses.registry.url })
  const failed = new AbortController()
  void system.failure.then(sentence => failed.abort(new Error(sentence)))
  const both = AbortSignal.any([signal, failed.signal])
  try {
    const raws = await playNight({
      plan,
      rendered,
      bucket: rawBucket,
      ports: { ...summit, putObject: async (key, bytes) => void (await store.put(rawBucket, key, bytes)) },
      signal: both,
      progress: event =>
        say(`visit ${event.visit.index + 1}: ${event.kind}${event.kind === 'raw' ? ` ${event.raw.key}` : ''}`),
    })
    return { raws, units: await untilEnded(pool, expectedUnits(plan), say, both) }
  } finally {
    await summit.close()
    store.close()
  }
}

/** Polls the ledger until every expected unit has ended, or patience has. */
async function untilEnded(pool: Pool, expected: readonly string[], say: (line: string) => void, signal: AbortSignal) {
  const patience = Date.now() + PATIENCE_S * 1000
  let last = ''
  for (;;) {
    signal.throwIfAborted()
    const units = await unitsSummary(pool)
    const open = unaccountedUnits(expected, units).length
    const line = `units ended: ${expected.length - open} of ${expected.length}`
    if (line !== last) say(line)
    last = line
    if (open === 0 || Date.now() > patience) return units
    await sleep(250)
  }
}

async function detections(pool: Pool): Promise<Detection[]> {
  const { rows } = await pool.query<{
    visit: bigint
    detector: number
    ra: number
    dec: number
    snr: number
    negative: boolean
    object: bigint
  }>('select visit, detector, ra, dec, snr, "isNegative" as negative, "diaObjectId" as object from "DiaSource"')
  return rows.map(({ negative, snr, ...row }) => ({ ...row, snr: negative ? -Math.abs(snr) : Math.abs(snr) }))
}
