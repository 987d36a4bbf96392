import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Adversity } from '../night/adversity/plan.ts'
import type { Services } from '../services/services.ts'
import { startServices } from '../services/start.ts'
import { demoOptions } from './options.ts'
import { demoAdversity, demoConfig, runDemo } from './run.ts'
import { startSystem, type System } from './system.ts'
import { render } from './summary.ts'

/** `npm run demo`: services, topology, a short night, and the account of it. Exit code 1 when anything is unaccounted for. */
const options = demoOptions(process.argv.slice(2))
// With --json the last line of standard output is the object, and progress goes beside it.
const say = (line: string) => (options.json ? console.error(line) : console.log(line))
const adversity = plannedOrEnd()
const stop = new AbortController()
/** The first Ctrl-C tidies up; a second one does not wait for it: services and processes end with their parent anyway. */
const interrupt = () => {
  if (stop.signal.aborted) process.exit(130)
  say('Ending; Ctrl-C again to end at once')
  stop.abort(new Error('interrupted'))
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt)

const began = Date.now()
const folder = await mkdtemp(join(tmpdir(), 'pp-demo-'))
try {
  const services = await startServices({ progress: say })
  try {
    stop.signal.throwIfAborted()
    const overrides = demoConfig(options)
    const { workers } = options
    // The archive is in no hurry, and the processors are few: a process of its own, which the others overtake.
    const lone = ['archive'] as const
    const system = await startSystem(services.addresses, folder, { overrides, workers, lone, progress: say })
    say(`topology up: ${system.processes.join(', ')}; logs in ${folder} (removed at the end if all is well)`)
    try {
      stop.signal.throwIfAborted()
      const { summary, evidence } = await runDemo({
        options,
        adversity,
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
      if (options.stay) await stay(services, system)
    } finally {
      await system.stop()
    }
  } finally {
    await services.stop()
  }
  if (process.exitCode === 0) await rm(folder, { recursive: true, force: true })
} catch (error) {
  console.error(stop.signal.aborted ? 'Interrupted.' : (error as Error).stack)
  if (!stop.signal.aborted) console.error(`logs are in ${folder}`)
  else await rm(folder, { recursive: true, force: true })
  process.exitCode = stop.signal.aborted ? 130 : 1
}

/** Everything stays up, with its addresses, until Ctrl-C, or until a part of it ends by itself. */
async function stay(services: Services, system: System): Promise<void> {
  const { kafka, registry, s3, postgres } = services.addresses
  say(
    [
      '',
      'Left up until Ctrl-C:',
      `  Kafka      ${kafka.brokers.join(',')}`,
      `  registry   ${registry.url}`,
      `  S3         ${s3.endpoint}  (key ${s3.accessKeyId}, secret ${s3.secretAccessKey}, region ${s3.region})`,
      `  Postgres   ${postgres.url}`,
      `  look at it: PP_CONFIG=${system.configFile} ./pp units`,
    ].join('\n'),
  )
  const interrupted = new Promise<undefined>(resolve => {
    if (stop.signal.aborted) resolve(undefined)
    stop.signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  const sentence = await Promise.race([interrupted, system.failure, services.failure])
  if (sentence) throw new Error(sentence)
}

/** A night too short for its adversity is said before anything starts. */
function plannedOrEnd(): Adversity {
  try {
    return demoAdversity(options)
  } catch (error) {
    console.error(`error: ${(error as Error).message}`)
    return process.exit(1)
  }
}
