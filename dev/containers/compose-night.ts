import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openPool, type Pool } from '../../sinks/postgres/pool.ts'
import { type Config, loadConfig } from '../../streams/main/config.ts'
import { roles } from '../../streams/main/main.ts'
import { openKafka, openLog } from '../../streams/main/world.ts'
import { expectedUnits, phaseSeconds } from '../demo/account.ts'
import { compareWithApdb } from '../demo/compare.ts'
import { type Account, accountWhenSettled, type PlayedNight } from '../demo/faults.ts'
import { latenciesOf } from '../demo/latency.ts'
import { observe, prepare } from '../demo/observe.ts'
import { readAlerts } from '../demo/read-back.ts'
import { configFor } from '../demo/system.ts'
import { cleanUnits, expectedOf } from '../night/adversity/expected.ts'
import { planAdversity } from '../night/adversity/plan.ts'
import { switchesOfTheStore } from '../night/adversity/switches.ts'
import { planNight, startingAt } from '../night/plan.ts'
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
const NIGHT = { seed: 1, instrument: 'LSSTComCam', size: 512 } as const
/** Seconds; smaller chips than the demo's and more time for each, since the engine shares the machine with what it runs. */
const TIMES = { lead: 5, exposure: 2, gap: 13 }
/** Nobody sits between the store and its notifications here, and workers are killed elsewhere. */
const SWITCHES = switchesOfTheStore.filter(name => name !== 'worker-killed')
const IMAGE_TIMEOUT_S = 8

/** What the night needs otherwise than docker-compose.yml has it, laid over it: our image of this run, deadlines within the night, small chips. */
const settings = (image: string) => {
  const chip = { width: NIGHT.size, height: NIGHT.size }
  const environment = {
    PP_DECIDE_IMAGE_TIMEOUT_SECONDS: String(IMAGE_TIMEOUT_S),
    PP_DECIDE_INSTRUMENTS: JSON.stringify({ [NIGHT.instrument]: { off: {}, chip } }),
  }
  return { services: Object.fromEntries(['topics', 'init', ...roles].map(name => [name, { image, environment }])) }
}

/** Brings the deployment up, plays a night to it, accounts for everything, drains it, and takes it down. */
export async function composeNight(night: ComposeNight): Promise<void> {
  const { compose, images, shell, tidy, folder, say, check } = night
  const overlay = join(folder, 'docker-compose.night.json')
  await writeFile(overlay, JSON.stringify(settings(images.ours)))
  const composeFiles = [...images.composeFiles, overlay]
  const deployment = await openDeployment(compose, { ...images, composeFiles }, shell, tidy)
  try {
    say('docker compose up')
    const began = Date.now()
    await deployment.up({ worker: WORKERS })
    say(`the deployment is up, ${WORKERS} workers, after ${((Date.now() - began) / 1000).toFixed(0)} s`)
    const file = join(folder, 'config.json')
    const decide = { imageTimeoutSeconds: IMAGE_TIMEOUT_S }
    await writeFile(file, JSON.stringify(configFor(deployment.addresses, { decide })))
    const config = loadConfig({ PP_CONFIG: file })
    const pool = openPool(config.postgres.url, { name: 'test-containers', max: 2, onIdleError: () => {} })
    const alerts = await play(night, config, pool, deployment).finally(() => pool.end())
    const ends = await deployment.drain()
    const bad = ends.filter(({ code }) => code !== 0).map(({ name, code }) => `${name} ${code}`)
    check({ what: `${ends.length} processes drained on SIGTERM`, fault: faultOf(bad, 'ended with') })
    const again = ends.filter(({ restarts }) => restarts !== 0).map(({ name, restarts }) => `${name} ${restarts}`)
    check({ what: 'none of them had been started anew', fault: faultOf(again, 'restarts:') })
    await deployment.restartServices()
    const read = await readAlerts(deployment.addresses, { expected: alerts })
    check({
      what: 'schemas and alerts outlive a restart of the services',
      fault: unequal(read.alerts.length, alerts, 'alerts'),
    })
  } catch (error) {
    if (!shell.signal.aborted) say(`The end of what every container said:\n${await deployment.logs().catch(String)}`)
    throw error
  } finally {
    say('docker compose down')
    await deployment.down()
  }
}

/** The demo's night, with all that may go wrong where the store itself announces what it stores; how many alerts came of it. */
async function play(
  { visits, shell, say, check }: ComposeNight,
  config: Config,
  pool: Pool,
  { addresses }: Deployment,
) {
  const adversity = planAdversity({ ...NIGHT, visits, switches: SWITCHES })
  const planned = planNight({
    ...NIGHT,
    ...TIMES,
    visits: adversity.visits,
    unusual: adversity.unusual,
    start: Date.now(),
  })
  const rendered = await prepare(config, planned, say, shell.signal)
  const plan = startingAt(planned, Date.now() + 3000)
  const switches = expectedOf(adversity, plan)
  const expected = expectedUnits(plan, switches['masked-detector'])
  say(`the night begins: ${plan.visits.length} visits of ${plan.detectors.length} detectors; the store announces raws`)
  const system = { config, failure: new Promise<string>(() => {}) }
  const { signal } = shell
  const night = { system, plan, rendered, pool, say, signal, expected, adversity, isAnnouncedByStore: true }
  const { raws, ...observed } = await observe(night)
  const { units } = observed

  const { outside, counters, others } = await hold(config, { adversity, plan, ...observed })
  const silent = raws.filter(({ key }) => !outside.told.has(key)).map(({ key }) => key)
  check({ what: `the store announced each of ${raws.length} raws`, fault: faultOf(silent, 'not') })
  check({ what: `${expected.length} units are accounted for, and all else that was seen`, fault: faultOf(others, '') })
  for (const { switch: name, planned, observed, where, faults } of counters)
    check({ what: `${name}: ${planned} planned, ${observed} seen (${where})`, fault: faultOf(faults, '') })

  const sources = units.reduce((sum, unit) => sum + (unit.terminal === 'published' ? unit.diaSources : 0), 0)
  const { alerts, duplicates } = await readAlerts(addresses, { expected: sources })
  const count = sources > 0 ? unequal(alerts.length, sources, 'alerts') : 'the night has no alert'
  check({ what: `${sources} alerts read back, committed`, fault: count })
  check({ what: 'none of them twice', fault: unequal(duplicates, 0, 'duplicates') })
  const { missingInApdb, missingAlerts, differences, fieldsCompared } = await compareWithApdb(pool, alerts)
  const rows = missingInApdb + missingAlerts > 0 ? [`${missingInApdb} rows and ${missingAlerts} alerts missing`] : []
  check({ what: `${fieldsCompared} fields equal the APDB's`, fault: faultOf([...rows, ...differences], '') })
  const { complete } = latenciesOf({ units, raws, clean: cleanUnits(adversity, plan), workers: WORKERS })
  say(
    `last raw → alerts: p50 ${complete?.p50.toFixed(1)} s, p99 ${complete?.p99.toFixed(1)} s; ${JSON.stringify(phaseSeconds(units))}`,
  )
  return alerts.length
}

/** Holds the night against its plan, from outside. */
async function hold(config: Config, night: PlayedNight): Promise<Account> {
  const log = openLog({ ...config, logLevel: 'error' }, 'test-containers')
  const client = await openKafka(config, 'test-containers', log)
  try {
    return await accountWhenSettled(client, night)
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
