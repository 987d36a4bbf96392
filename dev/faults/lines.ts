import { promptTopology } from '../../topology/prompt.ts'
import type { ProcessName, System } from '../demo/system.ts'

/** One line of a process's log, as an object. */
export type Entry = Readonly<Record<string, unknown>> & { readonly process: ProcessName }

/** Effects without time of their own, which commit only what they are given: that they are restored says that they are back. */
const QUIET: ReadonlySet<string> = new Set(
  promptTopology()
    .stages.filter(stage => stage.role === 'effects' && !('watermark' in stage))
    .map(({ name }) => name),
)

/** Hears the logs of all processes, also of those that are started later under another name. */
export class Lines {
  readonly #system: Pick<System, 'onLine' | 'logOf' | 'processes'>
  readonly #hearers = new Set<(entry: Entry) => void>()
  readonly #stops = new Map<ProcessName, () => void>()
  /** Which process said last that it has a task. */
  readonly #holders = new Map<string, ProcessName>()

  private constructor(system: Pick<System, 'onLine' | 'logOf' | 'processes'>) {
    this.#system = system
  }

  /** Knows also what was said before. */
  static async of(system: Pick<System, 'onLine' | 'logOf' | 'processes'>): Promise<Lines> {
    const lines = new Lines(system)
    system.processes.forEach(name => lines.follow(name))
    const told = await Promise.all(
      system.processes.map(async name => (await system.logOf(name)).split('\n').flatMap(line => entryOf(name, line))),
    )
    told.flat().sort((a, b) => Number(a['time']) - Number(b['time'])).forEach(entry => lines.#note(entry)) // prettier-ignore
    return lines
  }

  follow(name: ProcessName): void {
    if (this.#stops.has(name)) return
    this.#stops.set(
      name,
      this.#system.onLine(name, line => this.#hear(name, line)),
    )
  }
  close(): void {
    this.#stops.forEach(stop => stop())
  }

  tasksOf(name: ProcessName): string[] {
    return [...this.#holders].flatMap(([task, holder]) => (holder === name ? [task] : []))
  }
  get tasks(): string[] {
    return [...this.#holders.keys()]
  }

  /** Resolves with the first line that `wanted` recognises, from now on; rejects when `signal` aborts. */
  next(wanted: (entry: Entry) => boolean, signal: AbortSignal): Promise<Entry> {
    return new Promise((resolve, reject) => {
      const hear = (entry: Entry) => {
        if (wanted(entry)) end(() => resolve(entry))
      }
      const give = () => end(() => reject(signal.reason as Error))
      const end = (settle: () => void) => {
        this.#hearers.delete(hear)
        signal.removeEventListener('abort', give)
        settle()
      }
      if (signal.aborted) return reject(signal.reason as Error)
      this.#hearers.add(hear)
      signal.addEventListener('abort', give)
    })
  }

  /**
   * Resolves when each of these tasks goes on: it has committed since now, or, where it has nothing to commit by itself, has been restored.
   * `by` says whose word counts.
   */
  async going(tasks: readonly string[], signal: AbortSignal, by: (name: ProcessName) => boolean = () => true) {
    const goesOn = (task: string) => (entry: Entry) =>
      by(entry.process) &&
      entry['task'] === task &&
      (entry['msg'] === 'committed' || (entry['msg'] === 'task restored' && QUIET.has(task.split('#')[0]!)))
    await Promise.all(tasks.map(task => this.next(goesOn(task), signal)))
  }

  #hear(process: ProcessName, line: string): void {
    for (const entry of entryOf(process, line)) {
      this.#note(entry)
      this.#hearers.forEach(hear => hear(entry))
    }
  }

  #note(entry: Entry): void {
    if (entry['msg'] === 'task restored') this.#holders.set(String(entry['task']), entry.process)
  }
}

/** None where it is no JSON: Node's own warnings say nothing of our work. */
function entryOf(process: ProcessName, line: string): Entry[] {
  try {
    return [{ ...(JSON.parse(line) as Record<string, unknown>), process }]
  } catch {
    return []
  }
}
