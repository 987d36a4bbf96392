/**
 * npm run test:containers [-- --visits n] [--only night|suite]
 *
 * Runs what is shipped as containers, really: the night under `docker compose`, with raws announced by the store's own
 * notifications, and the integration suite on testcontainers. Starts an engine and builds stand-ins for upstream's images where there
 * are none, and leaves nothing behind but its cache. Ends with `N passed, N failed`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { closingLine } from '../test/counts.ts'
import { type Check, composeNight } from './compose-night.ts'
import { provideCompose, provideEngine } from './engine.ts'
import { type Images, provideImages } from './images.ts'
import { openShell, type Shell } from './shell.ts'
import { runSuite } from './suite.ts'

const options = new Command('npm run test:containers --')
  .option('--visits <n>', 'visits of the night, besides those that are cancelled or unwanted', Number, 5)
  .addOption(new Option('--only <part>', 'run one of the two').choices(['night', 'suite']))
  .parse()
  .opts<{ visits: number; only?: 'night' | 'suite' }>()

const began = Date.now()
const say = (line: string) => console.log(`${((Date.now() - began) / 1000).toFixed(0).padStart(5)} s  ${line}`)
const folder = mkdtempSync(join(tmpdir(), 'pp-containers-'))
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!stop.signal.aborted) say('Cleaning up')
    stop.abort(new Error('interrupted'))
  })
}
const counts = { passed: 0, failed: 0, skipped: 0 }
const check = ({ what, fault }: Check) => {
  counts[fault === undefined ? 'passed' : 'failed']++
  say(fault === undefined ? `✓ ${what}` : `✗ ${what}: ${fault}`)
}

async function run(shell: Shell, tidy: Shell): Promise<void> {
  const engine = await provideEngine(shell, tidy, say)
  try {
    const images = await provideImages(engine, shell, say)
    try {
      if (options.only !== 'suite') await night(shell, tidy, images)
      if (options.only !== 'night') {
        const suite = await runSuite(shell, images, say)
        for (const state of ['passed', 'failed', 'skipped'] as const) counts[state] += suite[state]
      }
    } finally {
      await images.remove(tidy)
    }
  } finally {
    say('Ending the engine of this run, or leaving the one that was there')
    await engine.stop()
  }
}

async function night(shell: Shell, tidy: Shell, images: Images): Promise<void> {
  const compose = await provideCompose(shell, say)
  say('Building our image with its Dockerfile')
  await images.buildOurs()
  await composeNight({ compose, images, shell, tidy, folder, visits: options.visits, say, check })
}

try {
  // What cleans up must run after an interruption too.
  const log = join(folder, 'commands.log')
  await run(openShell(log, stop.signal), openShell(log, new AbortController().signal))
} catch (error) {
  counts.failed++
  say(stop.signal.aborted ? 'Interrupted.' : (error as Error).message)
}
if (counts.failed === 0 || stop.signal.aborted) rmSync(folder, { recursive: true, force: true })
else say(`What was run, and what it said: ${folder}`)
console.log(closingLine(counts))
process.exit(counts.failed > 0 ? 1 : 0)
