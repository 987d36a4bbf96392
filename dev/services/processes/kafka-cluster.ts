import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokerSettings } from '../broker-settings.ts'
import { withFreePorts } from '../ports.ts'
import { kafkaAnswers } from '../probes.ts'
import type { Progress } from '../services.ts'
import { fetchKafka } from './artifacts.ts'
import { runsFolder } from './folders.ts'
import { classArchive, java, javaFlags } from './java.ts'
import { clusterId, kafkaClassPath, loggingProperties, propertiesText } from './kafka.ts'
import { logTail } from './plan.ts'
import { endStaleRuns, RunFolder } from './run.ts'
import { type Program, type Running, Supervisor } from './supervisor.ts'

/** One broker of a cluster, which is also one of its controllers. */
export interface KafkaNode {
  readonly id: number
  /** host:port for clients; it stays through all its lives. */
  readonly address: string
  /** While it lives. */
  readonly pid: number | undefined
  /** Ends it as the machine would (SIGKILL) or in good order (SIGTERM); resolves when the process is gone. Its data stay. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** Starts it again on its data; resolves when it answers. */
  start(): Promise<void>
}

/** Several brokers with a copy of everything on each. They end with `stop`, and in any case with this process. */
export interface KafkaCluster {
  readonly brokers: readonly string[]
  readonly nodes: readonly KafkaNode[]
  stop(): Promise<void>
}

const START_MS = 120_000

/** What differs from the one local broker: copies, and a death that is noticed after 4 s and not after 9. */
const copies = (count: number) => {
  const majority = Math.floor(count / 2) + 1
  return {
    'default.replication.factor': count,
    'min.insync.replicas': majority,
    'offsets.topic.replication.factor': count,
    'transaction.state.log.replication.factor': count,
    'transaction.state.log.min.isr': majority,
    'share.coordinator.state.topic.replication.factor': count,
    'share.coordinator.state.topic.min.isr': majority,
    'broker.session.timeout.ms': 4_000,
    'broker.heartbeat.interval.ms': 500,
    'controlled.shutdown.enable': true,
  }
}

/** Starts `count` brokers as plain processes on free ports of the loopback interface; resolves when each knows of all. */
export async function startKafkaCluster(count: number, progress: Progress): Promise<KafkaCluster> {
  const runs = runsFolder()
  await endStaleRuns(runs, progress)
  const artifact = await fetchKafka(progress)
  return withFreePorts(2 * count, async ports => {
    const run = new RunFolder(runs)
    const supervisor = new Supervisor(run.path)
    run.supervisedBy(supervisor.pid)
    const spawn = async (program: Program) => {
      const running = await supervisor.spawn(program)
      run.started(program.name, running.pid)
      return running
    }
    const controllers = ports.slice(count)
    const nodes = ports
      .slice(0, count)
      .map((port, i) => new Node(i + 1, port, programOf(artifact, run.path, i + 1, port, controllers), spawn))
    try {
      await Promise.all(nodes.map(node => node.start(count)))
    } catch (error) {
      await supervisor.close()
      throw error
    }
    supervisor.unref()
    progress(`Kafka on ${count} nodes, data and logs: ${run.path}`)
    return { brokers: nodes.map(node => node.address), nodes, stop: () => supervisor.close() }
  })
}

class Node implements KafkaNode {
  readonly id: number
  readonly address: string
  readonly #program: Program
  readonly #spawn: (program: Program) => Promise<Running>
  #running: Running | undefined

  constructor(id: number, port: number, program: Program, spawn: (program: Program) => Promise<Running>) {
    this.id = id
    this.address = `127.0.0.1:${port}`
    this.#program = program
    this.#spawn = spawn
  }
  get pid(): number | undefined {
    return this.#running?.pid
  }
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const running = this.#running
    if (!running) return
    process.kill(running.pid, signal)
    await running.exited
  }
  /** @param known how many brokers it must know of, itself included */
  async start(known = 1): Promise<void> {
    const running = await this.#spawn(this.#program)
    this.#running = running
    void running.exited.then(() => (this.#running = undefined))
    const until = performance.now() + START_MS
    for (let reason: unknown; ; await sleep(100)) {
      try {
        return await kafkaAnswers([this.address], known)
      } catch (error) {
        reason = error
      }
      if (this.#running && performance.now() < until) continue
      const why = this.#running ? `does not answer (${String(reason)})` : 'ended while it started'
      throw new Error(`${this.#program.name} ${why}. The end of ${this.#program.log}:\n${logTail(this.#program.log)}`)
    }
  }
}

/** Writes a node's settings and its empty data folder. */
function programOf(artifact: string, run: string, id: number, port: number, controllers: readonly number[]): Program {
  const name = `kafka-${id}`
  const folder = join(run, name)
  const data = join(folder, 'data')
  mkdirSync(folder)
  cpSync(join(artifact, 'formatted'), data, { recursive: true })
  // The folder was formatted for node 1; a node and its folder each have a name of their own.
  const names = { 'cluster.id': clusterId, 'node.id': id, 'directory.id': randomBytes(16).toString('base64url') }
  writeFileSync(join(data, 'meta.properties'), propertiesText({ version: 1, ...names }))
  const settings = {
    ...brokerSettings,
    ...copies(controllers.length),
    'node.id': id,
    'controller.quorum.voters': controllers.map((controller, i) => `${i + 1}@127.0.0.1:${controller}`).join(','),
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllers[id - 1]}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'log.dirs': data,
  }
  const properties = join(folder, 'server.properties')
  writeFileSync(properties, propertiesText(settings))
  const logging = join(folder, 'log4j2.properties')
  writeFileSync(logging, loggingProperties)
  const flags = [
    ...javaFlags({ heapMax: '256m', archive: classArchive(artifact), makeArchive: false }),
    `-Dlog4j2.configurationFile=${logging}`,
  ]
  return {
    name,
    command: java,
    args: [...flags, '-cp', kafkaClassPath(artifact), 'kafka.Kafka', properties],
    stopSignal: 'SIGTERM',
    log: `${folder}.log`,
  }
}
