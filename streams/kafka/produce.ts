import type Cluster from 'kafkajs/src/cluster/index.js'
import { at, type NewRecord, type TopicPartition } from '../log-client.ts'
import { LEADER_MOVED } from './errors.ts'
import { compressionTypes, type Compression } from './internals.ts'
import { withLeader } from './leaders.ts'

/** Who writes inside a transaction. */
export interface Identity {
  readonly transactionalId: string
  readonly producerId: string
  readonly producerEpoch: number
}

/** Everything for one partition, cut into batches that a broker takes. */
export interface PartitionBatches {
  readonly to: TopicPartition
  readonly batches: readonly (readonly NewRecord[])[]
}

/** Below the smallest `max.message.bytes` in use, Kafka's default of 1 MiB, with room for what the estimate leaves out. */
const BATCH_BYTES = 900_000
const RECORD_OVERHEAD = 70
const REPLY_MS = 10_000

/** Also "too few replicas", which is said before anything is appended. */
const SURELY_NOT_APPENDED = new Set([...LEADER_MOVED, 'NOT_ENOUGH_REPLICAS'])

/** Groups records by partition, in their order. A record larger than a batch goes alone: the topic's limit judges it. */
export function batchesOf(records: readonly NewRecord[]): PartitionBatches[] {
  const partitions = new Map<string, { to: TopicPartition; batches: NewRecord[][]; bytes: number }>()
  for (const record of records) {
    const { topic, partition } = record
    const key = at(record)
    const found = partitions.get(key) ?? { to: { topic, partition }, batches: [], bytes: Infinity }
    partitions.set(key, found)
    const bytes = sizeOf(record)
    if (found.bytes + bytes > BATCH_BYTES) {
      found.batches.push([])
      found.bytes = 0
    }
    found.batches.at(-1)!.push(record)
    found.bytes += bytes
  }
  return [...partitions.values()]
}

function sizeOf({ key, value, headers = {} }: NewRecord): number {
  const inHeaders = Object.entries(headers).reduce((sum, [name, bytes]) => sum + name.length + bytes.length + 8, 0)
  return RECORD_OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0) + inHeaders
}

/**
 * One batch to one partition in one request, acks=all. Sends the same batch, with the same sequence number, again as long
 * as it was surely not appended.
 *
 * One partition per request, because kafkajs remembers success per broker and not per partition: when a leader moves
 * during a larger request, it reports records as stored that were never sent.
 *
 * @param deadline on the clock of `performance.now`
 * @throws any other error: the batch may have been stored or not
 */
export async function produceBatch(
  cluster: Cluster,
  { topic, partition }: TopicPartition,
  batch: readonly NewRecord[],
  how: { compression: Compression; deadline: number; sequence?: number; identity?: Identity },
): Promise<void> {
  const messages = batch.map(({ key, value, headers = {} }) => ({ key, value, headers }))
  const request = {
    ...how.identity,
    acks: -1,
    timeout: REPLY_MS,
    compression: compressionTypes[how.compression],
    topicData: [{ topic, partitions: [{ partition, firstSequence: how.sequence ?? 0, messages }] }],
  } as const
  const to = { topic, partition }
  await withLeader(cluster, to, how.deadline, leader => leader.produce(request), SURELY_NOT_APPENDED)
}
