import { listen } from '../../sinks/postgres/hints.ts'
import { outboxBacklog } from '../../sinks/publish/outbox.ts'
import { publishShard } from '../../sinks/publish/publish.ts'
import { partitionsOf, type Stage } from '../../topology/model/topology.ts'
import { alerts, alertsLedger } from '../../topology/streams.ts'
import { runService } from '../run-service.ts'
import { markWhatIsOut } from './lost-ledger.ts'
import type { Running } from './running.ts'
import { directUrlOf, type World } from './world.ts'

/**
 * Publish packs first and commits at once, so that a transaction of its lasts as long as the writing. One that was left open hides all later
 * alerts of its partition from whoever reads committed ones.
 */
const TRANSACTION_TIMEOUT_MS = 5_000

/** The publishers of the outbox's shards that the group gives to this process. */
export async function runPublish(world: World, stage: Stage, onFatal: (error: Error) => void): Promise<Running> {
  const { config, topology, client, codec, pool, store, log, metrics } = world
  const hints = listen(directUrlOf(config), 'outbox', error =>
    log.warn({ error: String(error) }, 'no hints from the database; polling goes on'),
  )
  const publisher = {
    ...{ pool, store, codec, log, bell: hints.bell },
    alertPartitions: partitionsOf(topology, alerts),
    onForgotten: (ends: number) => metrics.add('pp_database_forgot_total', {}, ends),
  }
  metrics.probe({
    name: 'outbox',
    gauges: ['pp_outbox_pending', 'pp_outbox_oldest_seconds'],
    read: async () => {
      const { pending, oldestSeconds } = await outboxBacklog(pool)
      return [
        { gauge: 'pp_outbox_pending', value: pending },
        { gauge: 'pp_outbox_oldest_seconds', value: oldestSeconds },
      ]
    },
  })
  const service = await runService({
    ...{ topology, stage, client, codec, log, onFatal },
    meter: metrics.of(stage.name),
    app: config.app,
    table: alertsLedger,
    options: { sessionTimeoutMs: config.kafka.sessionTimeoutMs, transactionTimeoutMs: TRANSACTION_TIMEOUT_MS },
    start: async task => {
      await markWhatIsOut(world, task.index)
      await publishShard(publisher, task)
    },
  })
  return {
    stop: async () => {
      await service.stop()
      await hints.close()
    },
  }
}
