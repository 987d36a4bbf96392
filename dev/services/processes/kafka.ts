import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { kafkaAnswers } from '../probes.ts'
import { brokerSettings } from '../broker-settings.ts'
import { java, javaFlags, type JavaOptions } from './java.ts'
import type { ServicePlan } from './plan.ts'

/** The folder of an artifact's jars as a class path. Java expands the star itself; it is no pattern of a shell. */
export const kafkaClassPath = (artifact: string) => join(artifact, 'libs', '*')

/** Of every local Kafka. */
export const clusterId = 'cHJvbXB0LXByb2Nlc3Npbg'

export interface KafkaOptions {
  /** The port of a proxy: clients that come in by the third port are told to come there from now on. */
  readonly detour?: number
  /** Gets the folder for the data before anything is in it. */
  readonly mount?: (data: string) => void
}

/** A broker that is its own controller (KRaft), with a log of warnings. Ports: clients, controller, and with a detour its door. */
export function kafkaPlan(
  artifact: string,
  options: Omit<JavaOptions, 'heapMax'>,
  { detour, mount }: KafkaOptions = {},
): ServicePlan {
  return {
    name: 'kafka',
    portCount: detour === undefined ? 2 : 3,
    prepare([clients, controller, door], { folder }) {
      const data = join(folder, 'data')
      mkdirSync(data)
      mount?.(data)
      cpSync(join(artifact, 'formatted'), data, { recursive: true })
      const properties = join(folder, 'server.properties')
      const plain = serverProperties(data, clients!, controller!)
      writeFileSync(properties, detour === undefined ? plain : plain + detourProperties([clients!, controller!, door!], detour)) // prettier-ignore
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
  const args = ['-cp', kafkaClassPath(artifact), 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties]
  await promisify(execFile)(java, args)
  rmSync(properties)
}

const serverProperties = (data: string, clients: number, controller: number) =>
  propertiesText({
    ...brokerSettings,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${clients},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${clients}`,
    'log.dirs': data,
  })

/** Settings as a broker reads them. */
export const propertiesText = (settings: Readonly<Record<string, string | number | boolean>>) =>
  Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')

/** A later line of a properties file replaces an earlier one. */
const detourProperties = ([clients, controller, door]: readonly [number, number, number], detour: number) =>
  propertiesText({
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,DETOUR:PLAINTEXT',
    listeners: `PLAINTEXT://127.0.0.1:${clients},DETOUR://127.0.0.1:${door},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${clients},DETOUR://127.0.0.1:${detour}`,
  })

export const loggingProperties = `
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
`
