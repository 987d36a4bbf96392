import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gzip as gzipOf } from 'node:zlib'
import type { WriterSchemas } from '../../schemas/codec.ts'
import { isOf, Rejection } from '../../topology/model/step.ts'
import { type AlertPacket, alerts } from '../../topology/streams.ts'
import { inBatches } from '../batches.ts'
import { type Effect, nothing } from '../effect.ts'

/** In the pool of threads, beside the event loop. */
const gzip = promisify(gzipOf)
/** Stamps are noise: more effort takes off one part in a hundred. */
const GZIP_LEVEL = 1
/** Packets of one batch, from all tasks of the process. */
const MOST = 512

/** The objects are Rubin's. The first six digits of an id tell of 7,450 exposures of one day: a night's packets share a folder or two. */
export const packetKey = (id: bigint): string => `v2/alerts/${String(id).slice(0, 6)}/${id}.avro.gz`
export const schemaKey = (id: number): string => `v2/schemas/${id}.json`

/** A packet as it lies in the archive: framed, gzipped, without a time in the head, so that it is the same whenever it is written. */
export const zipped = (packet: Buffer): Promise<Buffer> => gzip(packet, { level: GZIP_LEVEL })

export interface Archive {
  readonly store: { put(bucket: string, key: string, bytes: Uint8Array): Promise<{ readonly size: number }> }
  readonly bucket: string
  /** Where schemas come from: the packets' own, as the registry has them. */
  readonly schemas: WriterSchemas
  /** Objects written at the same time. */
  readonly putsConcurrency: number
  /** How long after a pause more packets are waited for. */
  readonly gatherMs: number
  /** Hears of every batch: packets, and their bytes as they lie there. */
  readonly onStored?: (packets: number, bytes: number) => void
}

/**
 * lsst-alerts-v11 → the archive of alerts: every packet under its id, and, before the first that needs it, its schema. The same packet may
 * come any number of times, and be written by two at once: the object is the same.
 *
 * It is the least urgent of the effects. Packets are gathered, few are written at a time, and a batch is done as a whole, so that a burst
 * of alerts costs a handful of commits.
 *
 * @throws Rejection for an id that is none; anything else is trouble outside: call again
 */
export function archive({ store, bucket, schemas, putsConcurrency, gatherMs, onStored }: Archive): Effect {
  const known = new Set<number>()
  const storeSchema = async (id: number) => {
    if (known.has(id)) return
    const schema = await schemas.byId(id)
    if (schema === undefined) throw new Error(`the registry has no schema ${id}, and alerts were written with it`)
    await store.put(bucket, schemaKey(id), Buffer.from(JSON.stringify(schema)))
    known.add(id)
  }
  const stored = inBatches<AlertPacket>(
    async packets => {
      for (const id of new Set(packets.map(({ schemaId }) => schemaId))) await storeSchema(id)
      let bytes = 0
      await eachAtMost(putsConcurrency, packets, async packet => {
        const { size } = await store.put(bucket, packetKey(packet.diaSourceId), await zipped(packet.bytes))
        bytes += size
      })
      onStored?.(packets.length, bytes)
    },
    { most: MOST, gather: () => sleep(gatherMs), refusalOf: () => undefined },
  )
  return async event => {
    if (!isOf(alerts, event)) throw new Error(`archive reads ${alerts.topic}, not ${event.stream}`)
    const { diaSourceId } = event.value
    if (diaSourceId <= 0n)
      throw new Rejection('no-alert-id', `its diaSourceId is ${diaSourceId}; an alert's id is positive`)
    await stored(event.value)
    return nothing
  }
}

/** All of them, no more than `most` at a time. Waits for those under way before it rejects: a batch that is tried again meets none of its own. */
async function eachAtMost<T>(most: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values()
  const lanes = Array.from({ length: Math.min(most, items.length) }, async () => {
    for (const item of rest) await work(item)
  })
  for (const outcome of await Promise.allSettled(lanes)) if (outcome.status === 'rejected') throw outcome.reason
}
