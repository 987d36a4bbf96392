import { schemaIdOf } from '../../schemas/codec.ts'
import { ledgerKey, markSent } from '../../sinks/publish/outbox.ts'
import { waitingOf } from '../../sinks/publish/waiting.ts'
import { unitKey } from '../../topology/identifiers.ts'
import { alertsLedger, detectorResult } from '../../topology/streams.ts'
import { at } from '../log-client.ts'
import { eachCommitted, partitionsOfTopic } from '../read-topic.ts'
import type { World } from './world.ts'

/** The clock of whoever wrote a result may be behind that of the database by this. */
const MARGIN_MS = 600_000

/**
 * Marks what is out though alerts-ledger does not know it. To be called under the shard's lock, before anything of it is sent.
 *
 * Where nothing was ever written to the shard's partition of the ledger, it is new; or it was lost, and made anew. Then it cannot be asked
 * what is out, but the results can: a unit's result is in the same transaction as its alerts. The digest of what was sent is lost with the
 * entry, so such a unit is one without proof, as those of before digests were kept.
 */
export async function markWhatIsOut(
  { client, codec, pool, log }: Pick<World, 'client' | 'codec' | 'pool' | 'log'>,
  shard: number,
): Promise<void> {
  const own = { topic: alertsLedger.topic, partition: shard }
  if ((await client.offsets([own], 'latest')).get(at(own))! > 0n) return
  const waiting = await waitingOf(pool, shard)
  if (waiting === undefined) return
  const results = await partitionsOfTopic(client, detectorResult.topic)
  const from = await client.offsets(results, { since: waiting.since - MARGIN_MS })
  await eachCommitted(
    client,
    results,
    async records => {
      for (const { value, headers } of records) {
        if (value === null || headers['watermark'] !== undefined) continue
        if (!codec.knows(value)) await codec.prefetch([schemaIdOf(value)])
        const { instrument, group, detector, attempt, alerts } = codec.decode('detector-result', value)
        const key = ledgerKey({ unit: unitKey(instrument, group, detector), attempt: BigInt(attempt) })
        const row = waiting.rows.get(key)
        if (row === undefined) continue
        await markSent(pool, row, { alerts, bytes: null, digest: null })
        log.warn({ unit: row.unit, attempt, alerts }, 'marked by its result: it was sent, and alerts-ledger is new')
      }
    },
    { from },
  )
}
