import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { kafkaAnswers } from '../probes.ts'
import { recordBytesMax } from '../versions.ts'
import { java, javaFlags, type JavaOptions } from './java.ts'
import type { ServicePlan } from './plan.ts'

/** The folder of an artifact's jars as a class path. Java expands the star itself; it is no pattern of a shell. */
export const kafkaClassPath = (artifact: string) => join(artifact, 'libs', '*')

/** A broker that is its own controller (KRaft), with a log of warnings. Ports: clients, controller. */
export function kafkaPlan(artifact: string, options: Omit<JavaOptions, 'heapMax'>): ServicePlan {
  return {
    name: 'kafka',
    portCount: 2,
    prepare([clients, controller], { folder }) {
      const data = join(folder, 'data')
      cpSync(join(artifact, 'formatted'), data, { recursive: true })
      const properties = join(folder, 'server.properties')
      writeFileSync(properties, serverProperties(data, clients!, controller!))
      const logging = join(folder, 'log4j2.properties')
      writeFileSync(logging, loggingProperties)
      const flags = [...javaFlags({ ...options, heapMax: '512m' }), `-Dlog4j2.configurationFile=${logging}`]
      return {
        command: java,
        args: [...flags, '-cp', kafkaClassPath(artifact), 'kafka.Kafka', properties],
        stopSignal: 'SIGTERM',
      }
    },
    answers: ([clients]) => kafkaAnswers([`127.0.0.1:${clients}`]),
  }
}

/**
 * Makes `formatted/` in the artifact's folder: an empty data folder with its cluster id. Formatting takes a JVM of its
 * own, so it is done once and the two small files are copied per run; they name neither ports nor paths.
 */
export async function formatKafka(java: string, artifact: string): Promise<void> {
  const data = join(artifact, 'formatted')
  const properties = join(artifact, 'format.properties')
  mkdirSync(data)
  writeFileSync(properties, serverProperties(data, 9092, 9093))
  const clusterId = 'cHJvbXB0LXByb2Nlc3Npbg'
  const args = ['-cp', kafkaClassPath(artifact), 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties]
  await promisify(execFile)(java, args)
  rmSync(properties)
}

/** One broker for one machine: single copies of everything, few threads, and topics only where they are declared. */
const serverProperties = (data: string, clients: number, controller: number) => `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${clients},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=PLAINTEXT://127.0.0.1:${clients}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=${data}
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
message.max.bytes=${recordBytesMax}
replica.fetch.max.bytes=${recordBytesMax}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=1
background.threads=2
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=8388608
log.cleaner.io.buffer.size=524288
`

const loggingProperties = `
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
`
