import { createHash } from 'node:crypto'
import type { AlertsLedger } from '../../schemas/avro/generated.ts'
import { schemaIdOf } from '../../schemas/codec.ts'
import { alerts } from '../../topology/streams.ts'
import type { OutboxRow } from './outbox.ts'
import { packAlerts } from './pack.ts'
import type { NewRecord, Publisher, PublishTask } from './ports.ts'

/** An alert's id and its framed bytes. */
export interface Body {
  readonly id: bigint
  readonly bytes: Buffer
}

/** The alerts of a unit, in the order of their ids, as the APDB stood at its commit. */
export async function packUnit({ pool, store, codec }: Publisher, row: OutboxRow): Promise<Body[]> {
  const packed = await packAlerts(pool, store, row)
  return packed.map(alert => ({ id: alert.diaSourceId, bytes: codec.encode('lsst.v11_1.alert', alert) }))
}

/** What alerts-ledger says of these bytes. */
export const entryOf = (bodies: readonly Buffer[], committedAtMjdTai: number | null): AlertsLedger => ({
  alerts: bodies.length,
  digest: bodies.reduce((hash, body) => hash.update(body), createHash('sha256')).digest('hex'),
  committedAtMjdTai: committedAtMjdTai ?? 0,
  bytes: BigInt(bodies.reduce((sum, body) => sum + body.length, 0)),
})

/** What was sent, as alerts-ledger has it: also after a crash, when it is no longer at hand. */
export async function sentOf({ codec }: Publisher, task: PublishTask, key: string): Promise<AlertsLedger> {
  const bytes = task.rows.get(key)!
  if (!codec.knows(bytes)) await codec.prefetch([schemaIdOf(bytes)])
  return codec.decode('alerts-ledger', bytes)
}

/**
 * A unit's alerts stay together; on which partition is of no meaning, and no key says so. `producer_timestamp` is when these bytes are
 * produced, ms UTC as the text of a float: the one thing about an alert that depends on when it is sent.
 */
export function alertRecords(
  publisher: Pick<Publisher, 'alertPartitions'>,
  unit: string,
  bodies: readonly Buffer[],
  more: Readonly<Record<string, Buffer>> = {},
): NewRecord[] {
  const partition = createHash('md5').update(unit).digest().readUInt32BE(0) % publisher.alertPartitions
  const headers = { producer_timestamp: Buffer.from(Date.now().toFixed(1)), ...more }
  return bodies.map(value => ({ topic: alerts.topic, partition, key: null, value, headers }))
}
