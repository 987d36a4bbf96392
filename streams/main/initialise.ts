import { migrate } from '../../sinks/postgres/migrate.ts'
import { keepMonthsAhead } from '../../sinks/postgres/partitions.ts'
import { fixShards } from '../../sinks/publish/shards.ts'
import { contractsOf, topicsOf } from '../../topology/derive.ts'
import { partitionsOf } from '../../topology/model/topology.ts'
import { alertsLedger } from '../../topology/streams.ts'
import { prepareRegistry } from '../registry/registry.ts'
import type { Config } from './config.ts'
import { directUrlOf, openDatabase, openKafka, openLog, openStore, topologyOf } from './world.ts'

export const parts = ['tables', 'schemas', 'topics', 'buckets'] as const
export type Part = (typeof parts)[number]

/**
 * Puts in place what the processes need: tables, topics, schemas, buckets, or only the `wanted` of them. What is there already is
 * left as it is, so it may be run before every start, by several at once. Throws what it could not do, naming the system that refused.
 */
export async function initialise(
  config: Config,
  progress: (line: string) => void = () => {},
  wanted: readonly Part[] = parts,
): Promise<void> {
  const log = openLog(config, 'initialise')
  const topology = topologyOf(config)
  const step = async (part: Part, what: string, work: () => Promise<unknown>) => {
    if (!wanted.includes(part)) return
    const began = Date.now()
    await work()
    progress(`${what} in place (${((Date.now() - began) / 1000).toFixed(1)} s)`)
  }
  await Promise.all([
    step('tables', 'tables of APDB, ledger, outbox and registry', async () => {
      await migrate(directUrlOf(config))
      const pool = openDatabase(config, 'initialise', { max: 1 })
      try {
        await fixShards(pool, partitionsOf(topology, alertsLedger))
        await keepMonthsAhead(pool, error =>
          log.warn({ error: String(error) }, 'a month of the APDB could not be made'),
        )
      } finally {
        await pool.end()
      }
    }),
    step('schemas', 'schemas', () => prepareRegistry(config.registry.url, contractsOf(topology))),
    step('topics', 'topics', async () => {
      const client = await openKafka(config, 'initialise', log)
      try {
        await client.createTopics(topicsOf(topology, config.kafka))
      } finally {
        await client.close()
      }
    }),
    step('buckets', 'buckets', async () => {
      const store = openStore(config)
      const { rawBucket, centralBucket, alertBucket } = config.s3
      await Promise.all([rawBucket, centralBucket, alertBucket].map(bucket => store.createBucket(bucket)))
      store.close()
    }),
  ])
}
