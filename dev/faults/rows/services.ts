import { watchMemory } from '../../demo/memory.ts'
import type { ServiceName } from '../../services/services.ts'
import type { Entry } from '../lines.ts'
import type { Fault, Scene } from '../fault.ts'
import { isCommit, isKafkaRequest } from '../proxy.ts'
import type { S3Mode } from '../s3-proxy.ts'

/** Services that die, go away, lose answers, or do their work badly. */

const isPublished = (entry: Entry) => entry['msg'] === 'unit told' && entry['terminal'] === 'published'
const TOLD = 'from the moment it is healed until the next unit has its alerts out'

/** Tasks that commit all the time, whatever the night brings: those that carry time. */
export const timely = ({ bench: { lines } }: Scene) =>
  lines.tasks.filter(task => /^(clock|fan-out|exposure-window|visit-window|raw-intake|publish)#/.test(task))

async function restart(scene: Scene, name: ServiceName, awaySeconds: number): Promise<void> {
  const { services } = scene.bench
  await services.kill(name)
  scene.say(`SIGKILL for ${name}`)
  await scene.sleep(awaySeconds)
  await services.revive(name)
  scene.say(`${name} answers again`)
}

const brokerRestart: Fault = {
  name: 'broker-restart',
  what: 'the only broker dies hard and comes back',
  how: 'SIGKILL, 5 s later started anew on its data',
  invariant: 'Progress again within 60 s; what was acknowledged is there.',
  recovery: 'from the moment the broker answers again until every task that carries time has committed',
  allowedSeconds: 60,
  stand: 'broker',
  options: { imageTimeoutSeconds: 30 },
  unwatched: {
    'duplicate-notification': 'the observatory itself writes again what the dead broker did not acknowledge',
    'duplicate-announcement': 'likewise',
  },
  strike: async scene => {
    await scene.until(5, 12)
    await restart(scene, 'kafka', 5)
    const tasks = timely(scene)
    return await scene.seconds('every task that carries time has committed', it => scene.bench.lines.going(tasks, it))
  },
}

const postgresKill: Fault = {
  name: 'postgres-kill',
  what: "Postgres's first process dies hard and comes back",
  how: 'SIGKILL for the postmaster, which takes all sessions along; started anew 3 s later',
  invariant: 'A unit is committed at most once; a commit in doubt is looked up, not repeated.',
  recovery: TOLD,
  strike: async scene => {
    await scene.until(7, 14)
    await restart(scene, 'postgres', 3)
    return scene.seconds('a unit has its alerts out', it => scene.bench.lines.next(isPublished, it))
  },
}

const postgresSilent: Fault = {
  name: 'postgres-silent',
  what: 'Postgres is out of reach for two minutes: nothing answers, and no connection breaks',
  how: 'the proxy before it forwards nothing for 120 s',
  invariant:
    'Workers wait and do not storm: no unit has had more leases than it may, and the night is done afterwards.',
  recovery: TOLD,
  patienceSeconds: 200,
  strike: async scene => {
    const { proxies, lines } = scene.bench
    await scene.until(7, 12)
    proxies.postgres.fallSilent()
    scene.say('Postgres is silent')
    await scene.sleep(120)
    proxies.postgres.heal()
    scene.say('Postgres can be reached again')
    return scene.seconds('a unit has its alerts out', it => lines.next(isPublished, it))
  },
}

const lostReply = (
  name: string,
  proxy: 'kafka' | 'postgres',
  what: string,
  wanted: (request: Buffer) => boolean,
  times: number,
  goesOn: (scene: Scene, signal: AbortSignal) => Promise<unknown>,
): Fault => ({
  name,
  what,
  how: `the proxy hands the request on, waits for the answer and cuts the connection instead of giving it; ${times} times`,
  invariant:
    'Nothing is doubled and nothing lost, whether or not it had happened; in Kafka the epoch is followed by a new one.',
  recovery:
    'from the cut until a task is restored (EndTxn), every task that carries time has committed (Produce), a unit has its alerts out (COMMIT); the longest',
  strike: async scene => {
    const { proxies } = scene.bench
    let longest = 0
    await scene.until(6, 8)
    for (let n = 0; n < times; n++) {
      await scene.seconds('an answer was lost', signal =>
        Promise.race([proxies[proxy].loseReplyTo(wanted), aborted(signal)]),
      )
      longest = Math.max(longest, await scene.seconds('it goes on', it => goesOn(scene, it)))
      await scene.sleep(2 * scene.random.uniform())
    }
    return longest
  },
})

export const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))

const lostReplies = [
  lostReply(
    'lost-endtxn',
    'kafka',
    'the answer to EndTxn is lost: nobody knows whether the transaction was committed',
    isKafkaRequest(26),
    4,
    ({ bench }, signal) => bench.lines.next(entry => entry['msg'] === 'task restored', signal),
  ),
  lostReply(
    'lost-produce',
    'kafka',
    "the answer to Produce is lost, be it a task's or a worker's",
    isKafkaRequest(0),
    4,
    (scene, signal) => scene.bench.lines.going(timely(scene), signal),
  ),
  lostReply(
    'lost-commit',
    'postgres',
    'the answer to COMMIT is lost: nobody knows whether the unit was committed',
    isCommit,
    6,
    ({ bench }, signal) => bench.lines.next(isPublished, signal),
  ),
]

const s3Trouble = (mode: Exclude<S3Mode, 'open'>, what: string, seconds: number): Fault => ({
  name: `s3-${mode}`,
  what: `the object store ${what}`,
  how: `the proxy before it does so for ${seconds} s; the observatory writes its raws past it`,
  invariant:
    'Work is tried again with growing pauses; no unit ends otherwise than planned, and no product is half there.',
  recovery: TOLD,
  strike: async scene => {
    const { proxies, lines } = scene.bench
    await scene.until(6, 10)
    proxies.s3.mode = mode
    scene.say(`the store ${what}`)
    await scene.sleep(seconds)
    proxies.s3.mode = 'open'
    scene.say('the store is well again')
    return scene.seconds('a unit has its alerts out', it => lines.next(isPublished, it))
  },
})

const registryDown: Fault = {
  name: 'registry-down',
  what: 'the schema registry is away, in the middle of the night and when processes start',
  how: 'the proxy refuses for 20 s; meanwhile a process of the steps and a worker are killed and started anew',
  invariant: 'Schemas that are known go on; who starts waits for the registry, and parks nothing.',
  recovery: 'from the moment the registry answers until both processes are ready',
  strike: async scene => {
    const { proxies, system } = scene.bench
    await scene.until(5, 8)
    proxies.registry.refuse()
    scene.say('the registry refuses')
    const names = ['steps', 'worker-1'] as const
    for (const name of names) await system.kill(name)
    scene.say(`SIGKILL for ${names.join(' and ')}, which are started anew at once`)
    const ready = Promise.all(names.map(name => system.restart(name)))
    ready.catch(() => undefined)
    await scene.sleep(20)
    proxies.registry.heal()
    scene.say('the registry answers')
    return scene.seconds('both are ready', () => ready)
  },
}

const slowSink: Fault = {
  name: 'slow-sink',
  what: 'the database is slow: the sky is locked by somebody else for 25 s',
  how: 'a session of another program holds the table of sources against writing, five seconds at a time and a moment between',
  invariant: 'No member leaves its group for it, and the memory of the processes stays flat: under 60 MB more.',
  recovery: TOLD,
  strike: async scene => {
    const { pool, lines, system } = scene.bench
    await scene.until(7, 9)
    const watch = watchMemory(system)
    const lost: Entry[] = []
    const watching = new AbortController()
    const isLost = (entry: Entry) => /^task (lost|dropped)/.test(String(entry['msg'])) && (lost.push(entry), false)
    lines.next(isLost, watching.signal).catch(() => undefined)
    for (let n = 0; n < 5; n++) {
      const session = await pool.connect()
      await session.query('begin; lock table "DiaSource" in share mode')
      scene.say('the table of sources is locked')
      await scene.sleep(4.5)
      await session.query('commit')
      session.release()
      await scene.sleep(0.5)
    }
    watching.abort()
    scene.say('the lock is gone')
    const seconds = await scene.seconds('a unit has its alerts out', it => lines.next(isPublished, it))
    const grown = Math.max(...Object.values(await watch.stop()).map(({ first, max }) => max - first))
    scene.say(`the memory of a process has grown by ${grown} MB at most`)
    if (lost.length > 0) throw new Error(`${lost.length} tasks were lost for it`)
    if (grown > 60) throw new Error(`a process has grown by ${grown} MB`)
    return seconds
  },
}

export { brokerRestart }
export const ofServices: readonly Fault[] = [
  postgresKill,
  ...lostReplies,
  s3Trouble('down', 'hangs up on everybody', 12),
  s3Trouble('unavailable', 'answers 503 to everything', 12),
  s3Trouble('slow', 'answers 1.5 s late', 20),
  s3Trouble('truncating', 'breaks off in the middle of what it gives', 12),
  registryDown,
  slowSink,
  postgresSilent,
]
