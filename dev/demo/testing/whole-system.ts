import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPool, type Pool } from '../../../sinks/postgres/pool.ts'
import type { LogClient, LogRecord } from '../../../streams/log-client.ts'
import { openKafka, openLog } from '../../../streams/main/world.ts'
import type { ServiceAddresses } from '../../services/services.ts'
import { startServices } from '../../services/start.ts'
import { partitionsOfTopic, readCommitted } from '../../../streams/read-topic.ts'
import { type Overrides, startSystem, type System, type SystemOptions } from '../system.ts'

/** Services of a test's own and the topology on them, with eyes from outside. */
export interface WholeSystem {
  readonly services: ServiceAddresses
  readonly system: System
  readonly pool: Pool
  readonly client: LogClient
  /** Every committed record of a topic. */
  readonly recordsOf: (topic: string) => Promise<LogRecord[]>
  /** Ends everything. The folder with the logs stays where `keep` holds, and is named. */
  stop(keep: boolean): Promise<void>
}

/**
 * Topics have fixed names, and other tests of the run write to them: the whole system needs services of its own, from the same
 * `provider` as the run's. `overrides` are sections of the configuration, `environment` variables of the processes, `workers` how many,
 * `more`: stages in processes of their own, roles with a second one.
 */
export async function startWholeSystem(
  provider: ServiceAddresses['provider'],
  overrides: Overrides,
  environment: Readonly<Record<string, string>> = {},
  workers = 2,
  more: Pick<SystemOptions, 'lone' | 'doubled' | 'readyMs'> = {},
): Promise<WholeSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'pp-test-'))
  const services = await startServices({ progress: () => {}, provider })
  const { addresses } = services
  const system = await startSystem(addresses, folder, { overrides, environment, workers, ...more }).catch(
    async (error: unknown) => {
      await services.stop()
      throw error
    },
  )
  const { config } = system
  const pool = openPool(addresses.postgres.url, { name: 'test', max: 2 })
  const client = await openKafka(config, 'test', openLog({ ...config, logLevel: 'error' }, 'test'))
  return {
    ...{ services: addresses, system, pool, client },
    recordsOf: async topic => readCommitted(client, await partitionsOfTopic(client, topic)),
    stop: async keep => {
      await Promise.all([client.close(), pool.end(), system.stop()])
      await services.stop()
      if (keep) console.error(`the logs of its processes are in ${folder}`)
      else await rm(folder, { recursive: true, force: true })
    },
  }
}
