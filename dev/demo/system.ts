import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Config, loadConfig } from '../../streams/main/config.ts'
import { initialise } from '../../streams/main/initialise.ts'
import { roles } from '../../streams/main/main.ts'
import type { Role } from '../../topology/model/topology.ts'
import { promptTopology } from '../../topology/prompt.ts'
import { nodeFlags } from '../node-flags.ts'
import type { ServiceAddresses } from '../services/services.ts'

/**
 * A process of the deployment: one per role, as many workers as were asked for, from `worker-1`, of the others further ones, from
 * `steps-2`, and stages that have one of their own.
 */
export type ProcessName = Exclude<Role, 'worker'> | `${Role}-${number}` | LoneStage
/** A stage of the steps or the effects that may run in a process of its own. */
export type LoneStage = 'archive' | 'fan-out' | 'raw-intake' | 'exposure-window' | 'raw-reconcile' | 'dispatch'

/** The topology as it is deployed: each process with its log file, which is named after it. */
export interface System {
  readonly config: Config
  readonly configFile: string
  readonly processes: readonly ProcessName[]
  readonly workers: readonly ProcessName[]
  /** Ids of the processes that are up. */
  pids(): ReadonlyMap<ProcessName, number>
  /** Text of a process's log so far: one JSON object a line, all its lives after each other. */
  logOf(name: ProcessName): Promise<string>
  /** Tells each line of a process's log as it is written, through all its lives; the answer ends that. */
  onLine(name: ProcessName, hear: (line: string) => void): () => void
  /** SIGKILL, as the machine would, before it returns; resolves when the process is gone and its log is told to the end. */
  kill(name: ProcessName): Promise<void>
  /** It is going to die by another hand, which is no failure; resolves when it is gone and its log is told to the end. */
  dies(name: ProcessName): Promise<void>
  /**
   * Starts a process that was killed, or a further one of a role; resolves when it says that it is ready, and rejects where the system is
   * ending. It has its id when this returns. `variables` are its own, over those of all.
   */
  restart(name: ProcessName, variables?: Readonly<Record<string, string>>): Promise<void>
  /** Drains every process; resolves when all are gone. Those that do not end within ten seconds are killed. */
  stop(): Promise<void>
  /** Resolves with a sentence when a process ends that nobody asked to. */
  readonly failure: Promise<string>
}

export interface SystemOptions {
  readonly overrides?: Overrides
  /** Variables of the processes alone, over the configuration that all share. */
  readonly environment?: Readonly<Record<string, string>>
  /** How many worker processes; two where it is not said. */
  readonly workers?: number
  /** Stages that run in processes of their own, called after them. */
  readonly lone?: readonly LoneStage[]
  /** Roles of which a second process runs, so that somebody is there to take over. */
  readonly doubled?: readonly Exclude<Role, 'worker'>[]
  /** How long a process may take to say that it is ready; a minute where it is not said. */
  readonly readyMs?: number
  readonly progress?: (line: string) => void
}

const checkout = fileURLToPath(new URL('../../', import.meta.url))
// An address, not a name: it is resolved from the process's folder otherwise.
const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const READY_MS = 60_000
const DRAIN_MS = 10_000
const WORKERS = 2

const stages = promptTopology().stages
const stageOf = (name: ProcessName) => stages.find(stage => stage.name === name && !roles.includes(name as Role))
const roleOf = (name: ProcessName): Role => stageOf(name)?.role ?? (name.replace(/-\d+$/, '') as Role)

/** What `pp` is told: a stage runs alone, and its role's process does without it. */
function argumentsOf(name: ProcessName, lone: readonly LoneStage[]): string[] {
  const role = roleOf(name)
  if (stageOf(name)) return ['run', role, '--stages', name]
  const [left, gone] = [stages.filter(stage => stage.role === role), new Set<string>(lone)]
  if (left.every(stage => !gone.has(stage.name))) return ['run', role]
  const rest = left.filter(stage => !gone.has(stage.name)).map(stage => stage.name)
  return ['run', role, '--stages', rest.join(',')]
}

/** Sections of the configuration that the demo or a test wants otherwise; of `kafka`, what stands beside the brokers. */
export type Overrides = Readonly<Record<string, object | string>> & { readonly kafka?: object }

/** What every process is told. */
export const configFor = (services: ServiceAddresses, { kafka, ...overrides }: Overrides = {}) => ({
  kafka: { brokers: services.kafka.brokers, ...kafka },
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
  options: SystemOptions = {},
): Promise<System> {
  const configFile = await writeConfig(folder, configFor(services, options.overrides))
  const config = loadConfig({ PP_CONFIG: configFile })
  await initialise(config, options.progress)

  const { workers, lone, processes } = processesOf(options)
  const children = new Map<ProcessName, ChildProcess>()
  const said = new Said()
  const failed = deferred<string>()
  let stopping = false
  const logFile = (name: ProcessName) => join(folder, `${name}.log`)
  const start = async (name: ProcessName, own: Readonly<Record<string, string>> = {}) => {
    if (stopping) throw new Error(`${name} is not started: the system is ending`)
    const environment = { ...options.environment, PP_CONFIG: configFile, ...own }
    const child = launch(argumentsOf(name, lone), environment, logFile(name))
    if (name === 'archive') setPriority(child.pid!, constants.priority.PRIORITY_LOW)
    children.set(name, child)
    createInterface(child.stdout!).on('line', line => said.tell(name, line))
    child.once('exit', (code, signal) => {
      const wanted = stopping || children.get(name) !== child
      if (!wanted)
        failed.resolve(`the process ${name} ended by itself (${signal ?? `code ${code}`}); see ${logFile(name)}`)
    })
    await ready(child, name, logFile(name), options.readyMs ?? READY_MS)
  }
  const letGo = (name: ProcessName) => {
    const child = children.get(name)!
    children.delete(name)
    return { child, closed: new Promise<void>(resolve => child.once('close', () => resolve())) }
  }
  const stop = async () => {
    stopping = true
    await Promise.all([...children.values()].map(end))
  }
  const starts = await Promise.allSettled(processes.map(name => start(name)))
  const failure = starts.find(it => it.status === 'rejected')
  if (failure) {
    await stop()
    throw failure.reason
  }
  return {
    ...{ config, configFile, processes, workers },
    pids: () => new Map([...children].map(([name, { pid }]) => [name, pid!])),
    logOf: name => readFile(logFile(name), 'utf8'),
    onLine: (name, hear) => said.onLine(name, hear),
    kill: name => {
      const gone = letGo(name)
      gone.child.kill('SIGKILL')
      return gone.closed
    },
    dies: name => letGo(name).closed,
    restart: start,
    stop,
    failure: failed.promise,
  }
}

/** What processes say, to those who listen. */
class Said {
  readonly #hearers = new Map<ProcessName, Set<(line: string) => void>>()

  tell(name: ProcessName, line: string): void {
    this.#hearers.get(name)?.forEach(hear => hear(line))
  }

  /** Gives each line of the process, whichever of its lives it comes from, until what this returns is called. */
  onLine(name: ProcessName, hear: (line: string) => void): () => void {
    const hearers = this.#hearers.get(name) ?? new Set()
    this.#hearers.set(name, hearers.add(hear))
    return () => void hearers.delete(hear)
  }
}

function processesOf({ workers: count = WORKERS, doubled = [], lone = [] }: SystemOptions) {
  const workers = Array.from({ length: count }, (_, i): ProcessName => `worker-${i + 1}`)
  const seconds = doubled.map((role): ProcessName => `${role}-2`)
  const processes = [...roles.flatMap(role => (role === 'worker' ? workers : [role])), ...seconds, ...lone]
  return { workers, lone, processes }
}

async function writeConfig(folder: string, config: object): Promise<string> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'config.json')
  await writeFile(file, JSON.stringify(config, null, 2))
  return file
}

function launch(told: readonly string[], variables: Readonly<Record<string, string>>, log: string): ChildProcess {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PP_')))
  const guard = fileURLToPath(new URL('../die-with-parent.mjs', import.meta.url))
  const imports = ['--import', pathToFileURL(guard).href, '--import', loader]
  const child = spawn(process.execPath, [...nodeFlags, ...imports, join(checkout, 'ops/pp.ts'), ...told], {
    cwd: checkout,
    env: { ...environment, ...variables },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const file = createWriteStream(log, { flags: 'a' })
  child.stdout.pipe(file, { end: false })
  child.stderr.pipe(file, { end: false })
  child.once('close', () => file.end())
  return child
}

/** A process says "ready" in its log when it has joined its groups. */
async function ready(child: ChildProcess, name: ProcessName, log: string, patienceMs: number): Promise<void> {
  const said = deferred<void>()
  child.stdout!.on('data', (chunk: Buffer) => {
    if (chunk.includes('"msg":"ready"')) said.resolve()
  })
  const tail = async () => (await readFile(log, 'utf8').catch(() => '')).split('\n').slice(-15).join('\n')
  const late = setTimeout(() => said.reject(new Error(`${name} is not ready after ${patienceMs / 1000} s`)), patienceMs)
  child.once('exit', code => said.reject(new Error(`${name} ended with code ${code} before it was ready`)))
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
