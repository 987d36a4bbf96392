import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { DemoVersion } from './demo-versions.ts'

const program = fileURLToPath(new URL('demo-process.ts', import.meta.url))

/** A line of its log; the facts beside the sentence are those that tests look at. */
interface Line {
  readonly sentence: string
  readonly task?: string
  readonly code?: string
}

/** The demo topology in a process of its own, with its log. */
export class DemoInstance {
  readonly lines: Line[] = []
  readonly #name: string
  readonly #process: ChildProcess
  readonly #waiting = new Set<() => void>()

  constructor(brokers: readonly string[], app: string, name: string, version: DemoVersion) {
    const args = ['--import', 'tsx', program, brokers.join(), app, name, version]
    this.#name = name
    this.#process = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#process.once('exit', () => this.#wake())
    createInterface({ input: this.#process.stdout! }).on('line', line => {
      this.lines.push(JSON.parse(line) as Line)
      this.#wake()
    })
  }
  get lives(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }
  /** Resolves when it holds, which is looked at after each line of the log. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (!this.lives) throw new Error(`${this.#name} ended while it was waited for`)
      await new Promise<void>(resolve => this.#waiting.add(resolve))
    }
  }
  started(): Promise<void> {
    return this.until(() => this.said('started') > 0)
  }
  said(sentence: string): number {
    return this.lines.filter(line => line.sentence === sentence).length
  }
  /** The tasks of a stage that the group leaves with it, by its log. */
  holds(stage: string): string[] {
    const held = new Set<string>()
    for (const { task, sentence } of this.lines) {
      if (!task?.startsWith(`${stage}#`)) continue
      if (sentence === 'task assigned') held.add(task)
      else if (GONE.has(sentence)) held.delete(task)
    }
    return [...held].sort()
  }
  /** Returns its exit code; null where the signal ended it. */
  async kill(signal: NodeJS.Signals): Promise<number | null> {
    if (!this.lives) return this.#process.exitCode
    const gone = once(this.#process, 'exit')
    this.#process.kill(signal)
    return ((await gone) as [number | null])[0]
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const each of waiting) each()
  }
}
const GONE: ReadonlySet<string> = new Set(['revoked', 'lost', 'dropped', 'stopped'].map(why => `task ${why}`))
