import { setTimeout as sleep } from 'node:timers/promises'
import { type DestinationStream, pino } from 'pino'
import { codecWith } from '../../schemas/codec.ts'
import { openObjectStore } from '../../sinks/objects/s3.ts'
import { openPool, type Pool, type PoolOptions } from '../../sinks/postgres/pool.ts'
import { contractsOf } from '../../topology/derive.ts'
import type { Role, Topology } from '../../topology/model/topology.ts'
import { promptTopology } from '../../topology/prompt.ts'
import type { SkyMaps } from '../../topology/sky-map.ts'
import { alerts } from '../../topology/streams.ts'
import { kafkaLogClient } from '../kafka/index.ts'
import type { LogClient } from '../log-client.ts'
import { prepareRegistry, RegistryAway, writerSchemas } from '../registry/registry.ts'
import type { Config } from './config.ts'
import { Metrics } from './metrics.ts'
import { readSkyMaps } from './sky-maps.ts'

export type World = Awaited<ReturnType<typeof openWorld>>

/** The log of a process, on standard output unless told otherwise: one JSON object a line. */
export const openLog = (config: Pick<Config, 'logLevel'>, process: string, to?: DestinationStream) =>
  pino({ level: config.logLevel, base: { process } }, to)

/** The graph that a configuration means. Its fan-out decides by `maps`, which whoever does not run it need not have. */
export const topologyOf = (config: Config, maps: SkyMaps = new Map()): Topology =>
  promptTopology({ partitions: config.kafka.partitions, settings: config.decide, maps })

export const openKafka = (config: Config, process: string, log: ReturnType<typeof openLog>): Promise<LogClient> => {
  const { brokers, ssl, username, password } = config.kafka
  return kafkaLogClient({
    brokers,
    clientId: `${config.app}-${process}`,
    ssl,
    ...(username && { sasl: { mechanism: 'scram-sha-512', username, password } }),
    compression: { [alerts.topic]: 'snappy' },
    log,
  })
}

/** Whether `postgres.url` leads to a pooler in transaction mode: who has told us the way past it. */
export const isPooled = ({ postgres }: Config): boolean => postgres.directUrl !== ''

/** For what needs a session of its own: hints and migrations. */
export const directUrlOf = ({ postgres }: Config): string => postgres.directUrl || postgres.url

export const openDatabase = (config: Config, name: string, more: Partial<PoolOptions> = {}): Pool =>
  openPool(config.postgres.url, {
    ...{ name: `${config.app}-${name}`, max: config.postgres.poolSize, pooled: isPooled(config) },
    ...more,
  })

export const openStore = (config: Config) => openObjectStore(config.s3)

/** Everything that a process talks to. Opened once, passed down; whoever opens it closes it. Throws ConfigError where a map cannot be read. */
export async function openWorld(config: Config, role: Role) {
  const log = openLog(config, role)
  // Of all processes that of the steps alone looks at maps of the sky, so it alone must have their files.
  const topology = topologyOf(config, role === 'steps' ? readSkyMaps(config.decide.pipelines) : undefined)
  const client = await openKafka(config, role, log)
  const ids = await whenThere(() => prepareRegistry(config.registry.url, contractsOf(topology)), log)
  const codec = codecWith(ids, writerSchemas(config.registry.url))
  const pool = openDatabase(config, role, {
    onIdleError: error => log.warn({ error: String(error) }, 'an idle database connection broke; it is replaced'),
  })
  const store = openStore(config)
  const metrics = new Metrics()
  metrics.watchInputs(client)
  metrics.watchPool(pool)
  return {
    ...{ config, role, log, topology, client, codec, pool, store, metrics },
    close: async () => {
      await Promise.all([client.close(), pool.end()])
      store.close()
    },
  }
}

/**
 * What the registry says, asked again every `ms` while it is away: a process that starts in its restart, or in that of the whole site, waits, and need
 * not be started again by somebody. What the registry refuses is thrown, since it would be refused again.
 */
export async function whenThere<T>(ask: () => Promise<T>, log: ReturnType<typeof openLog>, ms = 1000): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof RegistryAway)) throw error
      log.warn({ error: error.message }, 'the schema registry is away; the start waits for it')
      await sleep(ms)
    }
  }
}
