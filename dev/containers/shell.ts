import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'

export interface CommandOptions {
  readonly cwd?: string
  /** Variables over those of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** What it reads on standard input. */
  readonly input?: string
  /** Hears standard output and error as they come, beside the log. */
  readonly hear?: (text: string) => void
}

/** Runs programs one after another. All that they print goes to one log. */
export interface Shell {
  /** What the program printed on standard output. Rejects with the end of all it printed when it fails, or with the signal's reason. */
  run(command: string, args: readonly string[], options?: CommandOptions): Promise<string>
  readonly signal: AbortSignal
}

/** @param signal ends the running program and lets no other begin. */
export function openShell(log: string, signal: AbortSignal): Shell {
  return {
    signal,
    run: (command, args, { cwd, env, input, hear } = {}) => {
      signal.throwIfAborted()
      return new Promise((resolve, reject) => {
        const file = createWriteStream(log, { flags: 'a' })
        file.write(`$ ${command} ${args.join(' ')}\n`)
        const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
        child.stdin.on('error', () => {}).end(input ?? '')
        const end = () => child.kill('SIGTERM')
        signal.addEventListener('abort', end)
        let printed = ''
        let output = ''
        const take = (text: string) => {
          printed = (printed + text).slice(-20_000)
          file.write(text)
          hear?.(text)
        }
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          output += text
          take(text)
        })
        child.stderr.setEncoding('utf8').on('data', take)
        child.on('error', cause => reject(new Error(`${command} cannot be run: ${cause.message}`, { cause })))
        child.on('close', (code, killed) => {
          file.end()
          signal.removeEventListener('abort', end)
          if (signal.aborted) return reject(signal.reason as Error)
          if (code === 0) return resolve(output)
          const tail = printed.trimEnd().split('\n').slice(-20).join('\n')
          reject(new Error(`${command} ${args.join(' ')} failed (${killed ?? `code ${code}`}):\n${tail}`))
        })
      })
    },
  }
}

/** Whether a program can be run and ends well. */
export const works = (shell: Shell, command: string, ...args: string[]): Promise<boolean> =>
  shell.run(command, args).then(
    () => true,
    () => (shell.signal.throwIfAborted(), false),
  )
