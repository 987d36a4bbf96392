import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** One program to run under the supervisor. */
export interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  /** The file its standard output and error are appended to. */
  readonly log: string
  /** The signal on which it ends in good order. */
  readonly stopSignal: NodeJS.Signals
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A program that was started; `exited` settles when it has ended, whoever ended it. */
export interface Running {
  readonly pid: number
  readonly exited: Promise<Exit>
}

type Message =
  | { readonly event: 'spawned'; readonly name: string; readonly pid: number }
  | ({ readonly event: 'exited'; readonly name: string } & Exit)
  | { readonly event: 'failed'; readonly name: string; readonly message: string }

/** The launcher's end of `supervisor.mjs`: starts and stops programs that cannot outlive this process. */
export class Supervisor {
  readonly pid: number
  readonly #process: ChildProcess
  readonly #gone: Promise<unknown>
  readonly #listeners = new Map<string, (message: Message) => void>()

  /** @param folder the run's folder; the supervisor removes it when it has ended everything. */
  constructor(folder: string) {
    this.#process = fork(fileURLToPath(new URL('supervisor.mjs', import.meta.url)), [folder], {
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    })
    this.pid = this.#process.pid!
    this.#gone = once(this.#process, 'exit')
    this.#process.on('message', (message: Message) => this.#listeners.get(message.name)?.(message))
    this.#process.on('exit', () => {
      // Without its guard a service would be orphaned by our own death; its exit is therefore reported as theirs.
      for (const [name, hear] of this.#listeners) hear({ event: 'exited', name, code: null, signal: null })
    })
  }

  /** Starts a program; rejects when it cannot be executed at all. */
  spawn(program: Program): Promise<Running> {
    return new Promise((resolve, reject) => {
      let exit: (exit: Exit) => void
      const exited = new Promise<Exit>(resolve => (exit = resolve))
      this.#listeners.set(program.name, message => {
        if (message.event === 'spawned') resolve({ pid: message.pid, exited })
        if (message.event === 'failed') reject(new Error(`${program.command} cannot be run: ${message.message}`))
        if (message.event === 'exited') {
          exit({ code: message.code, signal: message.signal })
          reject(new Error(`${program.name} ended with the supervisor`))
        }
      })
      this.#process.send({ op: 'spawn', ...program })
    })
  }

  /** Asks a program to end; after `graceMs` it is killed. Await `exited` of what `spawn` gave to see it gone. */
  stop(name: string, graceMs: number): void {
    if (this.#process.connected) this.#process.send({ op: 'stop', name, graceMs })
  }

  /** From here on neither the supervisor nor its programs keep this process from ending by itself. */
  unref(): void {
    this.#process.unref()
    this.#process.channel?.unref()
  }

  /** Ends every program, removes the run's folder and waits until that is done. */
  async close(): Promise<void> {
    this.#process.ref()
    if (this.#process.connected) this.#process.disconnect()
    await this.#gone
  }
}
