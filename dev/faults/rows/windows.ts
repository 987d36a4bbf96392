import type { ProcessName } from '../../demo/system.ts'
import { alerts } from '../../../topology/streams.ts'
import type { Fault, Scene } from '../fault.ts'
import { isEndOfWritingTo } from '../proxy.ts'
import { ALLOWED_S, FAST, zombie } from './processes.ts'
import { aborted, taskOf } from './replies.ts'

/** Deaths and stops exactly in a window of the protocol: at a line of the log, which the process has just written. */

interface Window {
  readonly name: string
  readonly role: 'steps' | 'effects' | 'publish'
  /** Matches the line. */
  readonly line: string
  /** The place, in words. */
  readonly place: string
}

const task = (stages: string, message: string, works = '"outputs":[1-9]') =>
  `"task":"(${stages})#\\d+".*${works}.*"msg":"${message}"`
const WINDOWS: readonly Window[] = [
  {
    ...{ name: 'before-commit', role: 'steps', place: 'before the transaction with its decisions' },
    line: task('exposure-window|fan-out', 'holds work'),
  },
  {
    ...{ name: 'after-commit', role: 'steps', place: 'after the transaction with its decisions' },
    line: task('exposure-window|fan-out', 'committed'),
  },
  {
    ...{ name: 'deciding', role: 'effects', place: 'dispatch has a decision, and the ledger does not know it' },
    line: '"msg":"decision taken up"',
  },
  {
    ...{
      name: 'dispatched',
      role: 'effects',
      place: 'dispatch has written to the ledger, its offset is not committed',
    },
    line: task('dispatch', 'holds work', '"done":[1-9]'),
  },
  {
    ...{ name: 'intake', role: 'effects', place: 'raw-intake knows whose a raw is, and has not said it' },
    line: task('raw-intake', 'holds work'),
  },
  {
    ...{ name: 'report-taken', role: 'effects', place: 'associate has a report, before its transaction in Postgres' },
    line: '"msg":"report taken up"',
  },
  {
    ...{ name: 'report-landed', role: 'effects', place: 'associate has committed in Postgres, its offset is not' },
    line: '"msg":"report landed"',
  },
  {
    ...{ name: 'packed', role: 'publish', place: 'publish has packed a unit, before the transaction in Kafka' },
    line: '"terminal":"published".*"msg":"unit packed"',
  },
  {
    ...{ name: 'sent', role: 'publish', place: 'publish has sent a unit, its mark in Postgres is not made' },
    // What was sent for a unit with one to three sources, and no commit of time alone.
    line: task('publish', 'committed', '"records":[345],'),
  },
]

const kill = ({ name, role, line, place }: Window): Fault => ({
  name: `kill-${name}`,
  what: `${role} dies exactly here: ${place}`,
  how: 'the process gives itself SIGKILL at the line of its log that says so; started anew afterwards; twice, at both processes of the role',
  invariant: FAST,
  recovery: 'from the death until the last of its tasks goes on elsewhere; the longer',
  allowedSeconds: ALLOWED_S,
  strike: async scene => {
    const { system } = scene.bench
    let longest = 0
    await scene.until(3, 5)
    for (const victim of [role, `${role}-2`] as const) {
      if (scene.bench.lines.tasksOf(victim).length === 0) continue
      const pid = system.pids().get(victim)!
      const gone = system.dies(victim)
      await armed(scene, { name: victim, pid }, line, 'SIGKILL', gone)
      // Not before: a twin that was just started takes half of them from it.
      const tasks = scene.bench.lines.tasksOf(victim)
      const going = (signal: AbortSignal) => scene.bench.lines.going(tasks, signal, by => by !== victim)
      longest = Math.max(longest, await scene.seconds(`all tasks of ${victim} go on elsewhere`, going))
      await system.restart(victim)
    }
    return longest
  },
})

/** The process gives itself the signal at such a line; resolves when it has. */
export async function armed(
  scene: Scene,
  { name, pid }: { readonly name: ProcessName; readonly pid: number },
  line: string,
  signal: 'SIGKILL' | 'SIGSTOP',
  struck: Promise<unknown>,
): Promise<void> {
  await scene.bench.arm(pid, line, signal)
  await scene.seconds(
    `${name} has ${signal === 'SIGKILL' ? 'died' : 'stopped'} at a line like ${line}`,
    give =>
    Promise.race([struck, new Promise((_, reject) => give.addEventListener('abort', () => reject(give.reason as Error)))]), // prettier-ignore
  )
}

const stop = ({ name, role, line, place }: Window): Fault => ({
  name: `stop-${name}`,
  what: `${role} stands still exactly here, past its session: ${place}; then it goes on`,
  how: 'the process gives itself SIGSTOP at the line of its log that says so; SIGCONT 4 s after the last of its tasks has gone on elsewhere',
  invariant: `What the zombie was about to commit is refused. ${FAST}`,
  recovery: 'from the stop until the last of its tasks goes on elsewhere',
  allowedSeconds: ALLOWED_S,
  strike: async scene => {
    await scene.until(3, 6)
    const victim: ProcessName = scene.bench.lines.tasksOf(role).length > 0 ? role : `${role}-2`
    const stopped = scene.bench.lines.next(
      entry => entry.process === victim && new RegExp(line).test(JSON.stringify(entry)),
      scene.signal,
    )
    const pid = scene.bench.system.pids().get(victim)!
    return zombie(scene, victim, () => armed(scene, { name: victim, pid }, line, 'SIGSTOP', stopped))
  },
})

/** Between the last record of a transaction and its end, which is no line of ours: its EndTxn is kept from the broker. */
const uncommitted: Fault = {
  name: 'kill-uncommitted',
  what: 'publish dies exactly here: the alerts of a unit are written, their transaction is open',
  how: 'the proxy does not hand on the EndTxn behind them; SIGKILL then for the process whose it was; started anew afterwards; twice',
  invariant: `Its successor aborts the transaction and sends them; who reads committed never sees them twice. ${FAST}`,
  recovery: 'from the death until the last of its tasks goes on elsewhere; the longer',
  allowedSeconds: ALLOWED_S,
  strike: async scene => {
    const { proxies, lines, system } = scene.bench
    let longest = 0
    await scene.until(6, 8)
    for (let n = 0; n < 2; n++) {
      let task!: string
      await scene.seconds('alerts are written and not committed', async signal => {
        task = taskOf(await Promise.race([proxies.kafka.withhold(isEndOfWritingTo(alerts.topic)), aborted(signal)]))!
      })
      const victim = (['publish', 'publish-2'] as const).find(name => lines.tasksOf(name).includes(task))
      if (victim === undefined) throw new Error(`nobody is known to hold ${task}`)
      longest = Math.max(longest, await scene.killAndRecover(victim))
      await system.restart(victim)
    }
    return longest
  },
}

const named = (name: string) => WINDOWS.find(it => it.name === name)!
export const ofWindows: readonly Fault[] = [
  ...WINDOWS.map(kill),
  uncommitted,
  ...['before-commit', 'report-taken', 'packed'].map(name => stop(named(name))),
]
