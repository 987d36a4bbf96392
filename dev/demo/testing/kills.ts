import type { Role } from '../../../topology/model/topology.ts'
import type { ProcessName, System } from '../system.ts'

type Entry = Readonly<Record<string, unknown>>

/** How a process's log tells of work: its name where the line says that it was taken up, and where it says that it is done. */
interface Work {
  readonly begins: (entry: Entry) => string | false
  readonly ends: (entry: Entry) => string | false
}

const named = (sentence: string, name: (entry: Entry) => string | false) => (entry: Entry) =>
  entry['msg'] === sentence && name(entry)
const unit = ({ unit }: Entry) => String(unit)
const task = ({ task }: Entry) => String(task)
/** A commit with decisions of windows; those that move only time happen all the time. */
const deciding = ({ task, seq, outputs }: Entry) =>
  String(task).startsWith('exposure-window#') && (outputs as number) > 0 && `${String(task)}, commit ${String(seq)}`

const WORK: Readonly<Record<Role, Work>> = {
  clock: { begins: named('holds work', task), ends: named('committed', task) },
  steps: { begins: named('holds work', deciding), ends: named('committed', deciding) },
  effects: { begins: named('report taken up', unit), ends: named('report landed', unit) },
  worker: { begins: named('unit leased', unit), ends: named('unit reported', unit) },
  publish: { begins: named('unit packed', unit), ends: named('unit told', unit) },
}

const workOf = (name: ProcessName): Work => WORK[name.startsWith('worker-') ? 'worker' : (name as Role)]

export interface Kill {
  readonly name: ProcessName
  /** What the process had taken up and not done, by its log. */
  readonly held: string
  /** Kills that came too late: the log says that the work was done. */
  readonly missed: number
  /** Seconds from the kill until the process's log said that such work was done again. */
  readonly recovered: Promise<number>
}

const PATIENCE_MS = 90_000

/**
 * SIGKILL at the very line that says the process has taken work up, until one hits before the line that says it is done; each time the
 * process is restarted. The first `spared` times that it takes work up it is left alone. Rejects when no work is seen for `PATIENCE_MS`,
 * and when `signal` says that the night is over.
 */
export async function killHolding(system: System, name: ProcessName, signal: AbortSignal, spared = 0): Promise<Kill> {
  for (let missed = 0; ; missed++) {
    const { held, done } = await killAtWork(system, name, signal, missed === 0 ? spared : 0)
    const began = Date.now()
    const recovered = firstLine(system, name, signal, workOf(name).ends).then(() => (Date.now() - began) / 1000)
    // Who waits for it comes later; until then its failure must not end the test run.
    recovered.catch(() => undefined)
    await system.restart(name)
    if (!done) return { name, held, missed, recovered }
  }
}

/** Kills at the line itself, so that no turn of the event loop lies between; then hears the log to its end. */
async function killAtWork(
  system: System,
  name: ProcessName,
  signal: AbortSignal,
  spared: number,
): Promise<{ held: string; done: boolean }> {
  const { begins, ends } = workOf(name)
  let held: string | undefined
  let done = false
  let seen = 0
  let gone: Promise<void> | undefined
  const hear = (entry: Entry) => {
    const work = held === undefined && begins(entry)
    if (typeof work === 'string' && seen++ >= spared) {
      held = work
      gone = system.kill(name)
    } else if (held !== undefined && ends(entry) === held) done = true
    return held !== undefined && held
  }
  const stop = system.onLine(name, line => hear(parsed(line)))
  try {
    await firstLine(system, name, signal, () => held ?? false)
    await gone
    return { held: held!, done }
  } finally {
    stop()
  }
}

/** Resolves at the first line that `wanted` recognises. */
function firstLine(system: System, name: ProcessName, signal: AbortSignal, wanted: Work['ends']): Promise<void> {
  const silence = new AbortController()
  const either = AbortSignal.any([signal, silence.signal])
  const why = new Error(`the log of ${name} told of no work for ${PATIENCE_MS / 1000} s`)
  const late = setTimeout(() => silence.abort(why), PATIENCE_MS)
  let stop = () => {}
  const found = new Promise<void>((resolve, reject) => {
    if (either.aborted) return reject(either.reason as Error)
    either.addEventListener('abort', () => reject(either.reason as Error))
    stop = system.onLine(name, line => {
      if (wanted(parsed(line)) !== false) resolve()
    })
  })
  return found.finally(() => {
    clearTimeout(late)
    stop()
  })
}

/** A night and its kills at the same time: when either fails the other is ended too, and nothing goes on behind. */
export async function together<N, K>(
  night: (signal: AbortSignal) => Promise<N>,
  kills: (signal: AbortSignal) => Promise<K>,
): Promise<[N, K]> {
  const over = new AbortController()
  const both = [night(over.signal), kills(over.signal)] as const
  try {
    return await Promise.all(both)
  } finally {
    over.abort(new Error('the night is over'))
    await Promise.allSettled(both)
  }
}

/** A line that is no JSON says nothing: Node's own warnings. */
function parsed(line: string): Entry {
  try {
    return JSON.parse(line) as Entry
  } catch {
    return {}
  }
}
