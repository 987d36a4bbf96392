import type { ProcessName } from '../../demo/system.ts'
import type { Entry } from '../lines.ts'
import { DOUBLED, type Fault, type Scene } from '../fault.ts'

/** Processes of ours that die, stop, and come and go. */

const FAST = 'Every task of the dead process goes on in another one within 10 s.'
const OF_A_KILL = 'from SIGKILL until the last task of the dead has been restored and goes on elsewhere; the longest'
/** What the issue allows for a session of 6 s. */
const ALLOWED_S = 10

const undisturbed: Fault = {
  name: 'adverse-night',
  what: 'duplicates, records out of order, late ones, poison: bad Avro, wrong schemas, unreadable keys, and all else that a night brings',
  how: 'the simulated night, with every switch on; nothing else',
  invariant: 'Each bad record is parked exactly once, under its code; what is late is told as late and changes no end.',
  recovery: 'none to count',
  strike: async scene => {
    scene.say('nothing but the adversity of the night')
    return 0
  },
}

const killRandom: Fault = {
  name: 'kill-random',
  what: 'processes die at random',
  how: 'SIGKILL for one of steps, effects, publish and clock every 5 to 8 s, three times, and for a worker each time; each is started anew',
  invariant: FAST,
  recovery: OF_A_KILL,
  allowedSeconds: ALLOWED_S,
  strike: async scene => {
    const { system, lines } = scene.bench
    let longest = 0
    await scene.until(4, 6)
    for (let n = 0; n < 3; n++) {
      const name = scene.pick(
        DOUBLED.flatMap((role): ProcessName[] => [role, `${role}-2`]).filter(it => lines.tasksOf(it).length > 0),
      )
      const worker = scene.pick(system.workers)
      void system.kill(worker)
      scene.say(`SIGKILL for ${worker}`)
      longest = Math.max(longest, await scene.killAndRecover(name))
      await Promise.all([system.restart(name), system.restart(worker)])
      scene.say(`${name} and ${worker} started anew`)
      await scene.sleep(2 * scene.random.uniform())
    }
    return longest
  },
}

/** Both of a role: nobody is there to take over until they are started anew. */
const killBoth: Fault = {
  name: 'kill-both',
  what: 'every process of the steps, the effects and publish dies at once',
  how: 'SIGKILL for six processes in one moment; started anew 8 to 12 s later',
  invariant: 'The same ends as if nothing had happened.',
  recovery: 'from their start anew until all their tasks go on, the start of the processes included',
  strike: async scene => {
    const { system, lines } = scene.bench
    await scene.until(5, 9)
    const names = (['steps', 'effects', 'publish'] as const).flatMap((role): ProcessName[] => [role, `${role}-2`])
    const tasks = names.flatMap(name => lines.tasksOf(name))
    names.forEach(name => void system.kill(name))
    scene.say(`SIGKILL for ${names.join(', ')}`)
    await scene.sleep(8 + 4 * scene.random.uniform())
    return scene.seconds('all their tasks go on', signal =>
      Promise.all([lines.going(tasks, signal), ...names.map(name => system.restart(name))]),
    )
  },
}

const AWAY_S = 180

const outage: Fault = {
  name: 'outage',
  what: 'an outage: steps, effects, publish and workers are away for three minutes, while announcements, raws and ticks go on',
  how: `SIGKILL for all of them before the night; they are started ${AWAY_S / 60} minutes after it has begun. Its last window should have closed after one; from then on there is nothing but ticks, of which ten minutes would bring more of the same and hold up the campaign`,
  invariant:
    'Decisions are those of an uninterrupted night, field by field as the plan has them; nothing is missed because a clock moved on. No time is waited out again.',
  recovery:
    'from the start until every window of the night has been decided, the start of the processes included; an uninterrupted night takes 45 s',
  allowedSeconds: 45,
  patienceSeconds: AWAY_S + 90,
  strike: async scene => {
    const { system, lines } = scene.bench
    const roles = ['steps', 'effects', 'publish'] as const
    const names = [...roles.flatMap((role): ProcessName[] => [role, `${role}-2`]), ...system.workers]
    names.forEach(name => void system.kill(name))
    scene.say(`all of ${names.join(', ')} are away`)
    await scene.until(AWAY_S)
    const deciding = scene.plan.visits.at(-1)!.group
    const lastOne = (entry: Entry) => entry['msg'] === 'unit told' && String(entry['unit']).includes(deciding)
    return scene.seconds('the last visit was told of', signal =>
      Promise.all([lines.next(lastOne, signal), ...names.map(name => system.restart(name))]),
    )
  },
}

/** A process that was stopped, and whose tasks others have taken, wakes up. */
async function zombie(scene: Scene, name: ProcessName, stopped: () => Promise<unknown>): Promise<number> {
  const { system, lines } = scene.bench
  const pid = system.pids().get(name)!
  await stopped()
  const tasks = lines.tasksOf(name)
  const seconds = await scene.seconds(`all tasks of ${name} go on elsewhere`, signal =>
    lines.going(tasks, signal, by => by !== name),
  )
  // Past its session, so that it wakes up as one whom everybody believes dead.
  await scene.sleep(4)
  const isTold = (entry: Entry) => entry.process === name && /^(fenced|the group has moved on|task (lost|dropped))/.test(String(entry['msg'])) // prettier-ignore
  const told = scene.seconds(`${name}, awake again, has let go of its tasks`, signal => lines.next(isTold, signal))
  process.kill(pid, 'SIGCONT')
  scene.say(`SIGCONT for ${name}`)
  await told
  return seconds
}

const zombies = DOUBLED.map((role): Fault => ({
  name: `zombie-${role}`,
  what: `a process of ${role} stands still past its session, and wakes up when another one has its tasks`,
  how: 'SIGSTOP at a seeded moment, SIGCONT 4 s after the last of its tasks has gone on elsewhere',
  invariant: `The zombie is fenced, says so, lets go and joins again; it writes nothing. ${FAST}`,
  recovery: 'from SIGSTOP until the last of its tasks goes on elsewhere',
  allowedSeconds: ALLOWED_S,
  strike: async scene => {
    await scene.until(5, 10)
    const name = scene.bench.lines.tasksOf(role).length > 0 ? role : (`${role}-2` as const)
    return zombie(scene, name, async () => {
      process.kill(scene.bench.system.pids().get(name)!, 'SIGSTOP')
      scene.say(`SIGSTOP for ${name}, which holds ${scene.bench.lines.tasksOf(name).join(', ')}`)
    })
  },
}))

const storm: Fault = {
  name: 'rebalance-storm',
  what: 'members come and go all the time',
  how: 'a third process of steps and one of effects are started and ended, in turn by SIGTERM and SIGKILL, every 3 s for 25 s',
  invariant: 'Nothing is lost or doubled, and there is progress in the end.',
  recovery: 'from the end of the storm until every task of the groups goes on',
  strike: async scene => {
    const { system, lines } = scene.bench
    await scene.until(3, 5)
    const roles = ['steps', 'effects'] as const
    for (let n = 0; n < 4; n++) {
      const name: ProcessName = `${roles[n % 2]!}-3`
      lines.follow(name)
      await system.restart(name)
      scene.say(`${name} has joined`)
      await scene.sleep(3)
      const isHard = n >= 2
      const pid = system.pids().get(name)!
      const gone = system.dies(name)
      process.kill(pid, isHard ? 'SIGKILL' : 'SIGTERM')
      await gone
      scene.say(`${name} has gone by ${isHard ? 'SIGKILL' : 'SIGTERM'}`)
    }
    const tasks = lines.tasks.filter(task => /^(fan-out|exposure-window|visit-window|raw-intake)#/.test(task))
    return scene.seconds('every task of the steps and of raw-intake goes on', signal => lines.going(tasks, signal))
  },
}

export const ofProcesses: readonly Fault[] = [undisturbed, killRandom, killBoth, outage, ...zombies, storm]
export { ALLOWED_S, FAST, zombie }
