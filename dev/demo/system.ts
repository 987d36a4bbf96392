import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Config, loadConfig } from '../../streams/main/config.ts'
import { initialise } from '../../streams/main/initialise.ts'
import { roles } from '../../streams/main/main.ts'
import type { Role } from '../../topology/model/topology.ts'
import type { ServiceAddresses } from '../services/services.ts'

/** The topology as it is deployed: one process per role, each with its log file. */
export interface System {
  readonly config: Config
  readonly configFile: string
  /** Text of a process's log so far: one JSON object a line, all its lives after each other. */
  logOf(role: Role): Promise<string>
  /** Tells each line of a process's log as it is written, through all its lives; the answer ends that. */
  onLine(role: Role, hear: (line: string) => void): () => void
  /** SIGKILL, as the machine would, before it returns; resolves when the process is gone and its log is told to the end. */
  kill(role: Role): Promise<void>
  /** Starts a process that was killed; resolves when it says that it is ready. */
  restart(role: Role): Promise<void>
  /** Drains every process; resolves when all are gone. Those that do not end within ten seconds are killed. */
  stop(): Promise<void>
  /** Resolves with a sentence when a process ends that nobody asked to. */
  readonly failure: Promise<string>
}

const checkout = fileURLToPath(new URL('../../', import.meta.url))
// An address, not a name: it is resolved from the process's folder otherwise.
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const READY_MS = 60_000
const DRAIN_MS = 10_000

/** What every process is told; `overrides` are sections of the configuration that the demo or a test wants otherwise. */
export const configFor = (services: ServiceAddresses, overrides: object = {}) => ({
  kafka: { brokers: services.kafka.brokers },
  registry: { url: services.registry.url },
  s3: {
    endpoint: services.s3.endpoint,
    region: services.s3.region,
    accessKeyId: services.s3.accessKeyId,
    secretAccessKey: services.s3.secretAccessKey,
  },
  postgres: { url: services.postgres.url },
  ...overrides,
})

/**
 * Puts tables, topics, schemas and buckets in place and starts every process. Rejects with the tail of the log of the first one
 * that does not come up; those that did are ended.
 */
export async function startSystem(
  services: ServiceAddresses,
  folder: string,
  options: {
    readonly overrides?: object
    /** Variables of the processes alone, over the configuration that all share. */
    readonly environment?: Readonly<Record<string, string>>
    readonly progress?: (line: string) => void
  } = {},
): Promise<System> {
  await mkdir(folder, { recursive: true })
  const configFile = join(folder, 'config.json')
  await writeFile(configFile, JSON.stringify(configFor(services, options.overrides), null, 2))
  const config = loadConfig({ PP_CONFIG: configFile })
  await initialise(config, options.progress)

  const children = new Map<Role, ChildProcess>()
  const hearers = new Map(roles.map(role => [role, new Set<(line: string) => void>()]))
  const failed = deferred<string>()
  let stopping = false
  const logFile = (role: Role) => join(folder, `${role}.log`)
  const start = async (role: Role) => {
    const child = launch(role, { ...options.environment, PP_CONFIG: configFile }, logFile(role))
    children.set(role, child)
    createInterface(child.stdout!).on('line', line => hearers.get(role)!.forEach(hear => hear(line)))
    child.once('exit', (code, signal) => {
      const wanted = stopping || children.get(role) !== child
      if (!wanted)
        failed.resolve(`the process ${role} ended by itself (${signal ?? `code ${code}`}); see ${logFile(role)}`)
    })
    await ready(child, role, logFile(role))
  }
  const stop = async () => {
    stopping = true
    await Promise.all([...children.values()].map(end))
  }
  const starts = await Promise.allSettled(roles.map(start))
  for (const outcome of starts) {
    if (outcome.status === 'fulfilled') continue
    await stop()
    throw outcome.reason
  }
  return {
    config,
    configFile,
    logOf: role => readFile(logFile(role), 'utf8'),
    onLine: (role, hear) => {
      hearers.get(role)!.add(hear)
      return () => void hearers.get(role)!.delete(hear)
    },
    kill: async role => {
      const child = children.get(role)!
      children.delete(role)
      const gone = new Promise(resolve => child.once('close', resolve))
      child.kill('SIGKILL')
      await gone
    },
    restart: start,
    stop,
    failure: failed.promise,
  }
}

function launch(role: Role, variables: Readonly<Record<string, string>>, log: string): ChildProcess {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PP_')))
  const guard = fileURLToPath(new URL('../die-with-parent.mjs', import.meta.url))
  const child = spawn(
    process.execPath,
    ['--import', pathToFileURL(guard).href, '--import', loader, join(checkout, 'ops/pp.ts'), 'run', role],
    { cwd: checkout, env: { ...environment, ...variables }, stdio: ['pipe', 'pipe', 'pipe'] },
  )
  const file = createWriteStream(log, { flags: 'a' })
  child.stdout.pipe(file, { end: false })
  child.stderr.pipe(file, { end: false })
  child.once('close', () => file.end())
  return child
}

/** A process says "ready" in its log when it has joined its groups. */
async function ready(child: ChildProcess, role: Role, log: string): Promise<void> {
  const said = deferred<void>()
  child.stdout!.on('data', (chunk: Buffer) => {
    if (chunk.includes('"msg":"ready"')) said.resolve()
  })
  const tail = async () => (await readFile(log, 'utf8').catch(() => '')).split('\n').slice(-15).join('\n')
  const late = setTimeout(() => said.reject(new Error(`${role} is not ready after ${READY_MS / 1000} s`)), READY_MS)
  child.once('exit', code => said.reject(new Error(`${role} ended with code ${code} before it was ready`)))
  try {
    await said.promise
  } catch (error) {
    throw new Error(`${(error as Error).message}; the end of its log:\n${await tail()}`, { cause: error })
  } finally {
    clearTimeout(late)
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), DRAIN_MS)
  await gone
  clearTimeout(late)
}

/** A promise and the two functions that settle it. */
function deferred<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
