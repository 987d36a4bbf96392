import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServices } from '../services/start.ts'
import { demoOptions } from './options.ts'
import { runDemo } from './run.ts'
import { startSystem } from './system.ts'
import { render } from './summary.ts'

/** `npm run demo`: services, topology, a short night, and the account of it. Exit code 1 when anything is unaccounted for. */
const options = demoOptions(process.argv.slice(2))
// With --json the last line of standard output is the object, and progress goes beside it.
const say = (line: string) => (options.json ? console.error(line) : console.log(line))
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort(new Error('interrupted')))

const began = Date.now()
const folder = await mkdtemp(join(tmpdir(), 'pp-demo-'))
try {
  const services = await startServices({ progress: say })
  try {
    const system = await startSystem(services.addresses, folder, { progress: say })
    say(`topology up: ${['clock', 'steps', 'effects', 'worker', 'publish'].join(', ')}; logs in ${folder}`)
    try {
      const { summary, evidence } = await runDemo({
        options,
        services,
        system,
        folder,
        began,
        say,
        signal: stop.signal,
      })
      if (options.json) console.log(JSON.stringify(summary))
      else console.log(render(summary, evidence))
      process.exitCode = summary.unaccounted === 0 ? 0 : 1
      if (options.stay) await stay(services.addresses, system.configFile)
    } finally {
      await system.stop()
    }
  } finally {
    await services.stop()
  }
  if (process.exitCode === 0) await rm(folder, { recursive: true, force: true })
} catch (error) {
  if (!stop.signal.aborted) console.error((error as Error).stack)
  console.error(`logs are in ${folder}`)
  process.exitCode = 1
}

/** Everything stays up, with its addresses, until Ctrl-C. */
async function stay(
  addresses: Awaited<ReturnType<typeof startServices>>['addresses'],
  configFile: string,
): Promise<void> {
  const { kafka, registry, s3, postgres } = addresses
  say(
    [
      '',
      'Left up until Ctrl-C:',
      `  Kafka      ${kafka.brokers.join(',')}`,
      `  registry   ${registry.url}`,
      `  S3         ${s3.endpoint}  (key ${s3.accessKeyId}, secret ${s3.secretAccessKey}, region ${s3.region})`,
      `  Postgres   ${postgres.url}`,
      `  look at it: PP_CONFIG=${configFile} ./pp units`,
    ].join('\n'),
  )
  await new Promise<void>(resolve => {
    if (stop.signal.aborted) resolve()
    stop.signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
