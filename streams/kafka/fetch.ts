import type { Fetched } from './batches.ts'
import { Bytes } from './bytes.ts'
import { fetchRequest, type Broker } from './internals.ts'

export interface FetchLimits {
  /** How long the broker waits for news when it has none, ms. */
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly maxPartitionBytes: number
}

/**
 * One Fetch (version 11) on kafkajs's connection with a response decoder of our own: kafkajs's loses the headers of empty
 * batches, and all good partitions as soon as one has an error.
 */
export function fetch(
  broker: Broker,
  wanted: readonly { readonly topic: string; readonly partition: number; readonly offset: bigint }[],
  isolation: 'committed' | 'uncommitted',
  limits: FetchLimits,
): Promise<Fetched[]> {
  return broker.connectionPool.send({
    request: fetchRequest({
      replicaId: -1,
      maxWaitTime: limits.maxWaitMs,
      minBytes: 1,
      maxBytes: limits.maxBytes,
      isolationLevel: isolation === 'committed' ? 1 : 0,
      topics: wanted.map(({ topic, partition, offset }) => ({
        topic,
        partitions: [{ partition, fetchOffset: `${offset}`, maxBytes: limits.maxPartitionBytes }],
      })),
    }),
    response: { decode: async bytes => decodeFetch(bytes), parse: (answer: FetchAnswer) => answer.partitions },
    logResponseError: false,
  })
}

interface FetchAnswer {
  /** kafkajs's connection looks for this name to hold back the next request (KIP-219). */
  readonly clientSideThrottleTime: number
  readonly partitions: Fetched[]
}

/** @throws Error for an answer that fails as a whole, RangeError for one that is cut off */
export function decodeFetch(answer: Buffer): FetchAnswer {
  const bytes = new Bytes(answer)
  const clientSideThrottleTime = bytes.int32()
  const errorCode = bytes.int16()
  if (errorCode !== 0) throw new Error(`the broker refuses the fetch with error ${errorCode}`)
  bytes.int32() // the session, which is not used
  const partitions = bytes.array(() => {
    const topic = bytes.string()
    return bytes.array(() => decodePartition(topic, bytes))
  })
  return { clientSideThrottleTime, partitions: partitions.flat() }
}

function decodePartition(topic: string, bytes: Bytes): Fetched {
  const partition = bytes.int32()
  const errorCode = bytes.int16()
  const highWatermark = bytes.int64()
  bytes.int64() // last stable offset
  bytes.int64() // log start
  const aborted = bytes.array(() => ({ producerId: bytes.int64(), firstOffset: bytes.int64() }))
  bytes.int32() // preferred replica
  return { topic, partition, errorCode, highWatermark, aborted, bytes: bytes.take(Math.max(0, bytes.int32())) }
}
