import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseNotification } from '../../schemas/json/s3-notification.ts'
import { unitsSummary, type UnitSummary } from '../../sinks/ledger/summary.ts'
import { openObjectStore } from '../../sinks/objects/s3.ts'
import { openPool, type Pool } from '../../sinks/postgres/pool.ts'
import { type Config, loadConfig } from '../../streams/main/config.ts'
import { openKafka, openLog } from '../../streams/main/world.ts'
import { sidecarKey } from '../../topology/raw-key.ts'
import { parked, rawNotification } from '../../topology/streams.ts'
import { countTerminal, expectedUnits, phaseSeconds, unaccountedUnits } from '../demo/account.ts'
import { compareWithApdb } from '../demo/compare.ts'
import { latenciesOf } from '../demo/latency.ts'
import { prepare } from '../demo/observe.ts'
import { readAlerts } from '../demo/read-back.ts'
import { partitionsOfTopic, readCommitted } from '../../streams/read-topic.ts'
import { configFor } from '../demo/system.ts'
import { connectSummit } from '../night/kafka-world.ts'
import { type NightPlan, planNight, startingAt } from '../night/plan.ts'
import { type PlayedRaw, playNight } from '../night/play.ts'
import type { RenderedNight } from '../night/render.ts'
import { type Deployment, openDeployment } from './deployment.ts'
import type { Images } from './images.ts'
import type { Shell } from './shell.ts'

/** Something that must be so; `fault` says how it is not. */
export interface Check {
  readonly what: string
  readonly fault?: string | undefined
}

export interface ComposeNight {
  readonly compose: readonly [string, ...string[]]
  readonly images: Images
  readonly shell: Shell
  readonly tidy: Shell
  readonly folder: string
  readonly visits: number
  readonly say: (line: string) => void
  readonly check: (check: Check) => void
}

const WORKERS = 2

/** Brings the deployment up, plays a night to it, accounts for everything, drains it, and takes it down. */
export async function composeNight(night: ComposeNight): Promise<void> {
  const { compose, images, shell, tidy, folder, say, check } = night
  const deployment = await openDeployment(compose, images, shell, tidy)
  try {
    say('docker compose up')
    const began = Date.now()
    await deployment.up({ worker: WORKERS })
    say(`the deployment is up, ${WORKERS} workers, after ${((Date.now() - began) / 1000).toFixed(0)} s`)
    const file = join(folder, 'config.json')
    await writeFile(file, JSON.stringify(configFor(deployment.addresses)))
    const config = loadConfig({ PP_CONFIG: file })
    const pool = openPool(config.postgres.url, { name: 'test-containers', max: 2, onIdleError: () => {} })
    const alerts = await play(night, config, pool, deployment).finally(() => pool.end())
    const ends = await deployment.drain()
    const bad = ends.filter(({ code }) => code !== 0).map(({ name, code }) => `${name} ${code}`)
    check({ what: `${ends.length} processes drained on SIGTERM`, fault: faultOf(bad, 'ended with') })
    await deployment.restartServices()
    const again = await readAlerts(deployment.addresses, { expected: alerts })
    check({
      what: 'schemas and alerts outlive a restart of the services',
      fault: unequal(again.alerts.length, alerts, 'alerts'),
    })
  } catch (error) {
    if (!shell.signal.aborted) say(`The end of what every container said:\n${await deployment.logs().catch(String)}`)
    throw error
  } finally {
    say('docker compose down')
    await deployment.down()
  }
}

/** The night itself; how many alerts came of it. */
async function play(
  { visits, shell, say, check }: ComposeNight,
  config: Config,
  pool: Pool,
  { addresses }: Deployment,
) {
  const options = { seed: 1, instrument: 'LSSTComCam', visits, exposure: 5, gap: 3 } as const
  const planned = planNight({ ...options, start: Date.now() })
  const rendered = await prepare(config, planned, say, shell.signal)
  const plan = startingAt(planned, Date.now() + 3000)
  say(
    `the night begins: ${plan.visits.length} visits of ${plan.detectors.length} detectors; the store announces the raws`,
  )
  const raws = await raise(config, plan, rendered, shell.signal)
  const units = await untilEnded(pool, plan, say, shell.signal)

  const { onlyOnce, parkedRecords } = await readLogs(config, raws)
  check({
    what: `the store announced each of ${raws.length} raws and its sidecar once`,
    fault: faultOf(onlyOnce, 'not so:'),
  })
  const lost = unaccountedUnits(expectedUnits(plan), units)
  check({ what: `${expectedUnits(plan).length} units are accounted for`, fault: faultOf(lost, 'not accounted for:') })
  const { published } = countTerminal(units)
  const others = units
    .filter(({ terminal }) => terminal !== 'published')
    .map(unit => `${unit.unit} ${unit.terminal} ${unit.detail}`)
  check({ what: `${published} of them are published`, fault: faultOf(others, 'others:') })
  check({ what: 'nothing is parked', fault: unequal(parkedRecords, 0, 'records') })

  const sources = units.reduce((sum, unit) => sum + (unit.terminal === 'published' ? unit.diaSources : 0), 0)
  const { alerts, duplicates } = await readAlerts(addresses, { expected: sources })
  const count = sources > 0 ? unequal(alerts.length, sources, 'alerts') : 'the night has no alert'
  check({ what: `${sources} alerts read back, committed`, fault: count })
  check({ what: 'none of them twice', fault: unequal(duplicates, 0, 'duplicates') })
  const { missingInApdb, missingAlerts, differences, fieldsCompared } = await compareWithApdb(pool, alerts)
  const rows = missingInApdb + missingAlerts > 0 ? [`${missingInApdb} rows and ${missingAlerts} alerts missing`] : []
  check({ what: `${fieldsCompared} fields equal the APDB's`, fault: faultOf([...rows, ...differences], '') })
  const { complete: latency } = latenciesOf({ units, raws, clean: expectedUnits(plan), workers: WORKERS })
  say(
    `last raw → alert: p50 ${latency?.p50.toFixed(1)} s, p99 ${latency?.p99.toFixed(1)} s; ${JSON.stringify(phaseSeconds(units))}`,
  )
  return alerts.length
}

/** The summit announces visits and puts objects; that raws have arrived, nobody says but the store. */
async function raise(config: Config, plan: NightPlan, rendered: RenderedNight, signal: AbortSignal) {
  const { kafka, registry, s3 } = config
  const store = openObjectStore(s3)
  const summit = await connectSummit({ brokers: kafka.brokers, registry: registry.url })
  const putObject = async (key: string, bytes: Uint8Array) => void (await store.put(s3.rawBucket, key, bytes))
  const ports = { announce: summit.announce, putObject, notify: async () => {} }
  try {
    return await playNight({ plan, rendered, bucket: s3.rawBucket, ports, signal })
  } finally {
    await summit.close()
    store.close()
  }
}

/** How long nothing may end, seconds: a window's deadline, and what a unit takes on a loaded machine. */
const PATIENCE_S = 120

async function untilEnded(
  pool: Pool,
  plan: NightPlan,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<UnitSummary[]> {
  const expected = expectedUnits(plan)
  let open = expected.length
  for (let patience = Date.now() + PATIENCE_S * 1000; ; await sleep(500)) {
    signal.throwIfAborted()
    const units = await unitsSummary(pool)
    const now = unaccountedUnits(expected, units).length
    if (now !== open) {
      say(`units ended: ${expected.length - now} of ${expected.length}`)
      patience = Date.now() + PATIENCE_S * 1000
    }
    open = now
    if (open === 0 || Date.now() > patience) return units
  }
}

/** What is not once among the store's notifications, and how many records were parked. */
async function readLogs(config: Config, raws: readonly PlayedRaw[]) {
  const client = await openKafka(
    config,
    'test-containers',
    openLog({ ...config, logLevel: 'error' }, 'test-containers'),
  )
  try {
    const all = async (topic: string) => readCommitted(client, await partitionsOfTopic(client, topic))
    const times = new Map(raws.flatMap(({ key }) => [key, sidecarKey(key)]).map(key => [key, 0]))
    const foreign: string[] = []
    for (const { value } of await all(rawNotification.topic)) {
      for (const record of parseNotification(value!).records) {
        if (!record.ok) foreign.push(record.reason)
        else if (record.bucket === config.s3.rawBucket && times.has(record.key))
          times.set(record.key, times.get(record.key)! + 1)
        else if (record.bucket === config.s3.rawBucket) foreign.push(`${record.key} was put by nobody`)
      }
    }
    const wrong = [...times].filter(([, count]) => count !== 1).map(([key, count]) => `${key} ${count} times`)
    return { onlyOnce: [...wrong, ...foreign], parkedRecords: (await all(parked.topic)).length }
  } finally {
    await client.close()
  }
}

const faultOf = (items: readonly string[], how: string): string | undefined =>
  items.length === 0
    ? undefined
    : `${how} ${items.slice(0, 5).join('; ')}${items.length > 5 ? ` and ${items.length - 5} more` : ''}`.trim()

const unequal = (is: number, should: number, what: string): string | undefined =>
  is === should ? undefined : `${is} ${what}, not ${should}`
