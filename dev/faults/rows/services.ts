import type { ServiceName } from '../../services/services.ts'
import type { Entry } from '../lines.ts'
import type { Fault, Scene } from '../fault.ts'
import type { S3Mode } from '../s3-proxy.ts'

/** Services that die, go away, or do their work badly. */

export const isPublished = (entry: Entry) => entry['msg'] === 'unit told' && entry['terminal'] === 'published'
export const TOLD = 'from the moment it is healed until the next unit has its alerts out'

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

const AWAY_S = 60

const kafkaAway: Fault = {
  name: 'kafka-away',
  what: 'the broker is out of reach for a minute, while the observatory goes on',
  how: `the proxy before it refuses for ${AWAY_S} s; announcements and raws are written past it`,
  invariant:
    'Reports wait in the workers, ends of units in the outbox; no process ends, nothing is missed, and nothing is sent twice.',
  recovery: 'from the moment the broker can be reached until every task that carries time has committed',
  allowedSeconds: 60,
  patienceSeconds: AWAY_S + 90,
  strike: async scene => {
    const { proxies, lines } = scene.bench
    await scene.until(7, 10)
    proxies.kafka.refuse()
    scene.say('the broker refuses')
    await scene.sleep(AWAY_S)
    proxies.kafka.heal()
    scene.say('the broker can be reached again')
    return scene.seconds('every task that carries time has committed', it => lines.going(timely(scene), it))
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

export { brokerRestart, postgresKill }
export const ofServices: readonly Fault[] = [
  s3Trouble('down', 'hangs up on everybody', 12),
  s3Trouble('unavailable', 'answers 503 to everything', 12),
  s3Trouble('slow', 'answers 1.5 s late', 20),
  s3Trouble('truncating', 'breaks off in the middle of what it gives', 12),
  registryDown,
  kafkaAway,
]
