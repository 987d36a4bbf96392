import { existsSync, renameSync } from 'node:fs'
import { probes } from '../probes.ts'
import type { Progress, ServiceAddresses, ServiceName, Services } from '../services.ts'
import { registryPath, s3Keys } from '../versions.ts'
import { type Artifacts, fetchArtifacts } from './artifacts.ts'
import { withCacheLock } from './cache.ts'
import { cacheFolder, runsFolder } from './folders.ts'
import { classArchive } from './java.ts'
import { type KafkaOptions, kafkaPlan } from './kafka.ts'
import { logTail, type ServicePlan } from './plan.ts'
import { postgresPlan, postgresUrl } from './postgres.ts'
import { registryPlan } from './registry.ts'
import { endStaleRuns, RunFolder } from './run.ts'
import { s3Plan } from './s3.ts'
import { type StartedService, startService } from './start.ts'
import { Supervisor } from './supervisor.ts'

/** Services whose processes are ours, so that they can be killed and come back with what they had stored. */
export interface ProcessServices extends Services {
  /** The ports of a service, in the order of its plan. */
  ports(name: ServiceName): readonly number[]
  /** SIGKILL; resolves when the process is gone. Its data stay, and it is no failure. */
  kill(name: ServiceName): Promise<void>
  /** Resolves when it has died by itself, which is no failure then. */
  died(name: ServiceName): Promise<void>
  /** Starts a killed one again, on its data and ports; resolves when it answers. */
  revive(name: ServiceName): Promise<void>
}

/** Starts the services as plain processes: Java for three of them, and the Postgres that npm installed. */
export async function startProcesses(progress: Progress, kafka?: KafkaOptions): Promise<ProcessServices> {
  const runs = runsFolder()
  await endStaleRuns(runs, progress)
  const [artifacts, downloadMs] = await timed(() => fetchArtifacts(progress))
  const [, prepareMs] = await timed(() => makeArchives(artifacts, runs, progress))
  const [group, startMs] = await timed(() => startGroup(plans(artifacts, kafka), runs))
  group.supervisor.unref()
  progress(`Data and logs of this run: ${group.run.path}`)

  const addresses = addressesOf(group.started)
  const perService = Object.fromEntries(group.started.map(service => [service.name, service.startMs]))
  let stopping = false
  const killed = new Set<ServiceName>()
  const failed = failureOf(group.started, name => stopping || killed.has(name))
  const started = (name: ServiceName) => group.started.find(service => service.name === name)!
  return {
    addresses,
    timings: { downloadMs, prepareMs, startMs, services: perService as Record<ServiceName, number> },
    failure: failed.sentence,
    ports: name => started(name).ports,
    async kill(name) {
      killed.add(name)
      const { running } = started(name)
      process.kill(running.pid, 'SIGKILL')
      await running.exited
    },
    async died(name) {
      killed.add(name)
      await started(name).running.exited
    },
    async revive(name) {
      await started(name).revive()
      killed.delete(name)
      failed.watch(started(name))
    },
    status: () => Promise.all(group.started.map(service => statusOf(service, addresses))),
    stop() {
      stopping = true
      return group.supervisor.close()
    },
  }
}

/** Resolves with a sentence at the first end of a watched process that is not wanted. */
function failureOf(services: readonly StartedService[], isWanted: (name: ServiceName) => boolean) {
  let resolve!: (sentence: string) => void
  const sentence = new Promise<string>(told => (resolve = told))
  const watch = ({ name, running, log }: StartedService) =>
    void running.exited.then(({ code, signal }) => {
      if (!isWanted(name))
        resolve(`${name} ended by itself (${signal ?? `code ${code}`}). The end of ${log}:\n${logTail(log)}`)
    })
  services.forEach(watch)
  return { sentence, watch }
}

interface Group {
  readonly run: RunFolder
  readonly supervisor: Supervisor
  readonly started: readonly StartedService[]
}

/** Starts all at the same time under a supervisor of their own; when one fails, the others are ended again. */
async function startGroup(plans: readonly ServicePlan[], runs: string): Promise<Group> {
  const run = new RunFolder(runs)
  const supervisor = new Supervisor(run.path)
  run.supervisedBy(supervisor.pid)
  try {
    const started = await Promise.all(plans.map(plan => startService(plan, run, supervisor)))
    return { run, supervisor, started }
  } catch (error) {
    await supervisor.close()
    throw error
  }
}

/** The plans of the four services; `makeArchive` gives those whose start an archive of classes shortens. */
function plans(artifacts: Artifacts, kafka?: KafkaOptions): readonly ServicePlan[] {
  const java = { makeArchive: false }
  return [
    kafkaPlan(artifacts.kafka, { ...java, archive: classArchive(artifacts.kafka) }, kafka),
    registryPlan(artifacts.registry, { ...java, archive: classArchive(artifacts.registry) }),
    s3Plan(artifacts.s3proxy, { ...java, archive: classArchive(artifacts.s3proxy) }),
    postgresPlan(artifacts.postgres),
  ]
}

/**
 * Makes the archives of Kafka's and the registry's classes, once per Java version: both are started and ended in good
 * order, at which the JVM writes them. S3Proxy starts in under a second without. A machine whose Java cannot make
 * archives has slower starts and nothing worse.
 */
async function makeArchives(artifacts: Artifacts, runs: string, progress: Progress): Promise<void> {
  const [kafka, registry] = [classArchive(artifacts.kafka), classArchive(artifacts.registry)]
  const areMade = () => existsSync(kafka) && existsSync(registry)
  if (areMade()) return
  await withCacheLock(cacheFolder(), progress, async () => {
    if (areMade()) return
    progress('Preparing Java class archives for faster starts (once, about 15 s)')
    const draft = (archive: string) => ({ archive: `${archive}.new`, makeArchive: true })
    const group = await startGroup(
      [kafkaPlan(artifacts.kafka, draft(kafka)), registryPlan(artifacts.registry, draft(registry))],
      runs,
    )
    for (const { name } of group.started) group.supervisor.stop(name, 60_000)
    await Promise.all(group.started.map(service => service.running.exited))
    await group.supervisor.close()
    for (const archive of [kafka, registry]) {
      if (existsSync(`${archive}.new`)) renameSync(`${archive}.new`, archive)
      else progress(`Java wrote no archive ${archive}; starts stay slower.`)
    }
  })
}

function addressesOf(started: readonly StartedService[]): ServiceAddresses {
  const port = (name: ServiceName) => started.find(service => service.name === name)!.ports[0]!
  return {
    provider: 'processes',
    kafka: { brokers: [`127.0.0.1:${port('kafka')}`] },
    registry: { url: `http://127.0.0.1:${port('registry')}${registryPath}` },
    s3: { endpoint: `http://127.0.0.1:${port('s3')}`, ...s3Keys },
    postgres: { url: postgresUrl(port('postgres')) },
  }
}

async function statusOf({ name, running }: StartedService, addresses: ServiceAddresses) {
  const process = `pid ${running.pid}`
  return probes[name](addresses).then(
    () => ({ name, up: true, detail: process }),
    (error: unknown) => ({ name, up: false, detail: `${process}: ${String(error)}` }),
  )
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const begunAt = Date.now()
  return [await work(), Date.now() - begunAt]
}
