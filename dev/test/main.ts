/**
 * npm test [-- arguments of vitest]
 *
 * Runs the projects unit, sim and int, or those named with `--project`, and prints last, alone on its line,
 * `N passed, N failed` (with `, N skipped` if any). Vitest runs as a child, so that the line and the exit code are
 * right even when it crashes: its reporter leaves the counts in a file, and without that file the run has failed.
 *
 * Without arguments it is two children. Integration tests wait more than they compute; the simulations compute only, and take what the others
 * leave of the machine, at the lowest priority, so that no wait becomes a time-out for them. What they print comes when both are done.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Counts, closingLine, readCounts, sumOf, verdict } from './counts.ts'

interface Session {
  readonly projects: readonly string[]
  readonly args: readonly string[]
  /** Beside another one: at the lowest priority, and silent until it is over. */
  readonly aside?: boolean
}

const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
const reporter = fileURLToPath(new URL('reporter.ts', import.meta.url))
const guard = new URL('../die-with-parent.mjs', import.meta.url).href

function runVitest({ projects, args, aside = false }: Session, countsFile: string) {
  const chosen = projects.flatMap(name => ['--project', name])
  const child = spawn(
    process.execPath,
    ['--import', guard, vitest, 'run', '--reporter=default', `--reporter=${reporter}`, ...chosen, ...args],
    {
      stdio: aside ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      env: { ...process.env, TEST_COUNTS_FILE: countsFile },
    },
  )
  if (aside) setPriority(child.pid!, constants.priority.PRIORITY_LOW)
  const said: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => said.push(bytes))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return new Promise<{ readonly code: number; readonly said: Buffer }>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) =>
      resolve({ code: code ?? 128 + constants.signals[signal!], said: Buffer.concat(said) }),
    )
  })
}

function sessionsOf(args: readonly string[]): readonly Session[] {
  if (args.some(arg => arg.startsWith('--project'))) return [{ projects: [], args }]
  if (args.length > 0) return [{ projects: ['unit', 'sim', 'int'], args }]
  return [
    { projects: ['unit', 'int'], args },
    { projects: ['sim'], args, aside: true },
  ]
}

const folder = mkdtempSync(join(tmpdir(), 'test-counts-'))
try {
  const sessions = sessionsOf(process.argv.slice(2))
  const runs = await Promise.all(
    sessions.map(async (session, i) => {
      const countsFile = join(folder, `${i}.json`)
      const { code, said } = await runVitest(session, countsFile)
      return { said, ...verdict(readCounts(countsFile), code) }
    }),
  )
  for (const { said, why } of runs) {
    process.stdout.write(said)
    if (why) console.log(why)
  }
  console.log(closingLine(runs.map(({ counts }): Counts => counts).reduce(sumOf)))
  process.exitCode = runs.find(({ exitCode }) => exitCode !== 0)?.exitCode ?? 0
} finally {
  rmSync(folder, { recursive: true })
}
