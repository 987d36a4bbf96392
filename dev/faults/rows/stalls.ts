import { watchMemory } from '../../demo/memory.ts'
import type { Fault, Scene } from '../fault.ts'
import type { Entry } from '../lines.ts'
import { isPublished, TOLD } from './services.ts'

/** A sink that does not take what is given to it: what waits for it must not pile up in a process. */

/** What a process may grow by while a sink stands still. */
const MAX_GROWTH_MB = 60

/** Throws where the memory of a process has not stayed flat while this went on. What it takes to catch up afterwards is no part of it. */
async function flat(scene: Scene, standstill: () => Promise<void>): Promise<void> {
  const watch = watchMemory(scene.bench.system)
  // Stopped also where it fails: it would sample for ever.
  const memory = await standstill().then(watch.stop, async (error: unknown) => {
    await watch.stop()
    throw error
  })
  const grown = Object.entries(memory).map(([name, { first, max }]) => ({ name, by: max - first }))
  const { name, by } = grown.reduce((most, each) => (each.by > most.by ? each : most))
  scene.say(`no process has grown by more than ${by} MB meanwhile (${name})`)
  if (by > MAX_GROWTH_MB) throw new Error(`${name} has grown by ${by} MB while the sink stood still`)
}

/** Holds the sky against writing until the session commits. The server ends a session that says nothing for 5 s; this one may. */
export const LOCK_SKY =
  'begin; set local idle_in_transaction_session_timeout = 0; set local transaction_timeout = 0; lock table "DiaSource" in share mode'

const slowSink: Fault = {
  name: 'slow-sink',
  what: 'the database is slow: the sky is locked by somebody else for 25 s',
  how: 'a session of another program holds the table of sources against writing, five seconds at a time and a moment between',
  invariant: `No member leaves its group for it, and the memory of the processes stays flat: under ${MAX_GROWTH_MB} MB more.`,
  recovery: TOLD,
  strike: async scene => {
    const { pool, lines } = scene.bench
    await scene.until(7, 9)
    const lost: Entry[] = []
    const watching = new AbortController()
    const isLost = (entry: Entry) => /^task (lost|dropped)/.test(String(entry['msg'])) && (lost.push(entry), false)
    lines.next(isLost, watching.signal).catch(() => undefined)
    await flat(scene, async () => {
      for (let n = 0; n < 5; n++) {
        const session = await pool.connect()
        await session.query(LOCK_SKY)
        scene.say('the table of sources is locked')
        await scene.sleep(4.5)
        await session.query('commit')
        session.release()
        await scene.sleep(0.5)
      }
    })
    watching.abort()
    scene.say('the lock is gone')
    if (lost.length > 0) throw new Error(`${lost.length} tasks were lost for it`)
    return scene.seconds('a unit has its alerts out', it => lines.next(isPublished, it))
  },
}

const postgresSilent: Fault = {
  name: 'postgres-silent',
  what: 'Postgres is out of reach for two minutes: nothing answers, and no connection breaks',
  how: 'the proxy before it forwards nothing for 120 s',
  invariant: `Workers wait and do not storm: no unit has had more leases than it may, and the night is done afterwards. While it is silent the memory of the processes stays flat: under ${MAX_GROWTH_MB} MB more.`,
  recovery: TOLD,
  patienceSeconds: 200,
  strike: async scene => {
    const { proxies, lines } = scene.bench
    await scene.until(7, 12)
    await flat(scene, async () => {
      proxies.postgres.fallSilent()
      scene.say('Postgres is silent')
      await scene.sleep(120)
    })
    proxies.postgres.heal()
    scene.say('Postgres can be reached again')
    return scene.seconds('a unit has its alerts out', it => lines.next(isPublished, it))
  },
}

export const stalls: readonly Fault[] = [slowSink, postgresSilent]
