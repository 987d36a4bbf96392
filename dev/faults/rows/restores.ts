import type { ProcessName } from '../../demo/system.ts'
import type { Fault, Scene } from '../fault.ts'
import type { Entry } from '../lines.ts'
import { ALLOWED_S, FAST } from './processes.ts'
import { aborted } from './replies.ts'

/**
 * Death between the restore of a task and its first transaction: its epoch has fenced the one before it, and has written nothing. A task is
 * restored where it changes hands, so a process is taken away and comes back.
 */

type Role = 'steps' | 'effects' | 'publish'

/** Starts a process that dies as soon as it has restored the first of its tasks; resolves with those that the group had given to it. */
async function diesRestoring(scene: Scene, name: ProcessName): Promise<readonly string[]> {
  const { system, lines } = scene.bench
  const given = new Set<string>()
  const over = new AbortController()
  const isGiven = ({ process, msg, task }: Entry) => {
    if (process === name && msg === 'task assigned') given.add(String(task))
    return false
  }
  lines.next(isGiven, over.signal).catch(() => undefined)
  // It may die before it is ready, or after.
  system.restart(name).catch(() => undefined)
  const armed = scene.bench.arm(system.pids().get(name)!, '"msg":"task restored"', 'SIGKILL')
  const gone = system.dies(name)
  await armed
  await scene.seconds(`${name}, started anew, has restored a task and died`, signal =>
    Promise.race([gone, aborted(signal)]),
  )
  over.abort()
  scene.say(`the group had given it ${[...given].join(', ')}`)
  return [...given]
}

const killRestored = (role: Role): Fault => ({
  name: `kill-restored-${role}`,
  what: `${role} dies exactly here: a task is fenced and restored, its first transaction is not made`,
  how: 'a process is ended in good order and started anew; it gives itself SIGKILL at the line of its log that says that the first of its tasks is restored; started anew afterwards; twice, with both processes of the role',
  invariant: FAST,
  recovery: 'from the death until the last of the tasks that the group had given to it goes on elsewhere; the longer',
  allowedSeconds: ALLOWED_S,
  strike: async scene => {
    const { system, lines } = scene.bench
    let longest = 0
    await scene.until(3, 5)
    for (const victim of [role, `${role}-2`] as const) {
      const pid = system.pids().get(victim)!
      const ended = system.dies(victim)
      process.kill(pid, 'SIGTERM')
      await ended
      const tasks = await diesRestoring(scene, victim)
      const going = (signal: AbortSignal) => lines.going(tasks, signal, by => by !== victim)
      longest = Math.max(longest, await scene.seconds(`all tasks of ${victim} go on elsewhere`, going))
      await system.restart(victim)
      scene.say(`${victim} started anew`)
    }
    return longest
  },
})

export const ofRestores: readonly Fault[] = (['steps', 'effects', 'publish'] as const).map(killRestored)
