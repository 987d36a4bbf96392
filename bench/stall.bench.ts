import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startSystem } from '../dev/demo/system.ts'
import { connectSummit } from '../dev/night/kafka-world.ts'
import { freePorts } from '../dev/services/ports.ts'
import { startServices } from '../dev/services/start.ts'
import { openPool } from '../sinks/postgres/pool.ts'
import { activeDetectors } from '../topology/settings.ts'
import { nextVisitAt } from '../topology/testing/announcements.ts'

/**
 * Memory of the process of the effects while its database stands still: LSSTCam's visits go on, one every four seconds (nine times the
 * real rate, without pixels and raws), and Postgres is stopped in the middle for three minutes. Prints a line every ten seconds, and at
 * the end whether every unit has come to the ledger.
 */
const CAMERA = 'LSSTCam'
const EVERY_MS = 4_000
const WARM_MS = 60_000
const STILL_MS = 180_000
const CATCH_UP_MS = 180_000

const checkout = fileURLToPath(new URL('..', import.meta.url))
const began = Date.now()
const folder = await mkdtemp(join(tmpdir(), 'pp-stall-'))
const services = await startServices({ progress: () => {}, provider: 'processes' })
const { addresses } = services
const system = await startSystem(addresses, folder, { overrides: { decide: { imageTimeoutSeconds: 10 } }, workers: 1 })
// The effects again, with their metrics where they can be read.
await system.kill('effects')
const [port] = await freePorts(1)
const effects = spawn('./pp', ['run', 'effects'], {
  cwd: checkout,
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, PP_CONFIG: system.configFile, PP_METRICS_PORT: String(port) },
})
const page = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
while (
  !(await page('/readyz').then(
    it => it.ok,
    () => false,
  ))
)
  await sleep(500)

const summit = await connectSummit({ brokers: addresses.kafka.brokers, registry: addresses.registry.url })
const detectors = activeDetectors(system.config.decide, CAMERA)!.length
let visits = 0
const announcing = setInterval(() => {
  const groupId = `stall-${++visits}`
  void summit.announce(nextVisitAt(Date.now(), { groupId, instrument: CAMERA, duration: 0, nimages: 1n }))
}, EVERY_MS)

/** The largest value of a metric's series with this label, and their sum. */
async function look(): Promise<{ readonly of: (name: string, label?: string) => number; readonly rss: number }> {
  const text = await (await page('/metrics')).text()
  const of = (name: string, label = '') =>
    text
      .split('\n')
      .filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter(line => line.includes(label))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  return { of, rss: of('process_resident_memory_bytes') / 2 ** 20 }
}
const peaks = { before: 0, still: 0, after: 0 }
async function watch(phase: keyof typeof peaks, ms: number, isOver: () => Promise<boolean> = async () => false) {
  for (const end = Date.now() + ms; Date.now() < end && !(await isOver()); await sleep(10_000)) {
    const { of, rss } = await look()
    peaks[phase] = Math.max(peaks[phase], rss)
    const facts = {
      lag: of('pp_input_lag_records', 'stage="dispatch"'),
      inbox: of('pp_task_inbox_records'),
      held: of('pp_task_held_records'),
      running: of('pp_task_running_effects'),
      retries: of('pp_effect_retries_total'),
    }
    console.log(`${Math.round((Date.now() - began) / 1000)} s  ${phase}  RSS ${rss.toFixed(0)} MiB `, facts)
  }
}

/** The server and all that it has started. */
async function postgresPids(): Promise<number[]> {
  const { port: at } = new URL(addresses.postgres.url)
  const found = []
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const [, parent] = /\) \S (\d+)/.exec(stat) ?? []
    found.push({ pid: Number(pid), parent: Number(parent), words: words.split('\0') })
  }
  const server = found.find(({ words }) => words[0]?.endsWith('bin/postgres') && words.some(word => word.includes(at)))!
  return [server.pid, ...found.filter(({ parent }) => parent === server.pid).map(({ pid }) => pid)]
}

try {
  await watch('before', WARM_MS)
  const pids = await postgresPids()
  pids.forEach(pid => process.kill(pid, 'SIGSTOP'))
  try {
    await watch('still', STILL_MS)
  } finally {
    pids.forEach(pid => process.kill(pid, 'SIGCONT'))
  }
  clearInterval(announcing)
  const pool = openPool(addresses.postgres.url, { name: 'stall', max: 1 })
  const units = async () => {
    const { rows } = await pool.query<{ units: number }>('select count(*)::int as units from unit')
    return rows[0]!.units
  }
  const again = Date.now()
  await watch('after', CATCH_UP_MS, async () => (await units()) === visits * detectors)
  console.log({ units: await units(), expected: visits * detectors, caughtUpSeconds: (Date.now() - again) / 1000 })
  console.log('largest RSS of the effects, MiB', peaks)
  await pool.end()
} finally {
  clearInterval(announcing)
  effects.kill('SIGTERM')
  await once(effects, 'exit')
  await summit.close()
  await system.stop()
  await services.stop()
  await rm(folder, { recursive: true, force: true })
}
