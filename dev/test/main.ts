/**
 * npm test [-- arguments of vitest]
 *
 * Runs the projects unit, sim and int, or those named with `--project`, and prints last, alone on its line,
 * `N passed, N failed` (with `, N skipped` if any). Vitest runs as a child, so that the line and the exit code are
 * right even when it crashes: its reporter leaves the counts in a file, and without that file the run has failed.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { closingLine, readCounts, verdict } from './counts.ts'

const projects = ['unit', 'sim', 'int']

function runVitest(args: readonly string[], countsFile: string): Promise<number> {
  const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
  const reporter = fileURLToPath(new URL('reporter.ts', import.meta.url))
  const guard = new URL('../die-with-parent.mjs', import.meta.url).href
  const chosen = args.some(arg => arg.startsWith('--project')) ? [] : projects.flatMap(name => ['--project', name])
  const child = spawn(
    process.execPath,
    ['--import', guard, vitest, 'run', '--reporter=default', `--reporter=${reporter}`, ...chosen, ...args],
    { stdio: 'inherit', env: { ...process.env, TEST_COUNTS_FILE: countsFile } },
  )
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
  })
}

const folder = mkdtempSync(join(tmpdir(), 'test-counts-'))
try {
  const countsFile = join(folder, 'counts.json')
  const code = await runVitest(process.argv.slice(2), countsFile)
  const { counts, exitCode, why } = verdict(readCounts(countsFile), code)
  if (why) console.log(why)
  console.log(closingLine(counts))
  process.exitCode = exitCode
} finally {
  rmSync(folder, { recursive: true })
}
