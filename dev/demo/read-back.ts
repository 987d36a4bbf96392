import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { createRequire } from 'node:module'
import avro from 'avsc'
import kafkajs, { logLevel } from 'kafkajs'
import type { Alert } from '../../schemas/avro/generated.ts'
import { alerts } from '../../topology/streams.ts'
import type { ServiceAddresses } from '../services/services.ts'

// The stream is snappy-compressed, as Rubin's is; kafkajs needs to be told the codec. Both packages are CommonJS.
const snappy = createRequire(import.meta.url)('kafkajs-snappy') as () => unknown
Object.assign(kafkajs.CompressionCodecs, { [kafkajs.CompressionTypes.Snappy]: snappy })

/** 64-bit ids as bigint: a JavaScript number would change them silently. */
const bigints = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
})

export interface ReadBack {
  readonly alerts: readonly Alert[]
  /** Alerts beyond the first with the same id. */
  readonly duplicates: number
}

interface Reading {
  readonly expected: number
  readonly quietMs?: number
  readonly timeoutMs?: number
  /** That of the public stream where it is not said. */
  readonly topic?: string
}

/**
 * Reads the public stream as a broker would: a client that is not ours, a fresh group, `read_committed`, schemas from the
 * registry. Ends when `expected` alerts have come and no more follow for `quietMs`, or after `timeoutMs` with what there is.
 */
export async function readAlerts(
  services: ServiceAddresses,
  { expected, quietMs = 1500, timeoutMs = 30_000, topic = alerts.topic }: Reading,
): Promise<ReadBack> {
  const registry = new SchemaRegistry(
    { host: services.registry.url },
    { [SchemaType.AVRO]: { registry: { long: bigints }, wrapUnions: false } },
  )
  const kafka = new kafkajs.Kafka({
    clientId: 'demo-reader',
    brokers: [...services.kafka.brokers],
    logLevel: logLevel.NOTHING,
  })
  const consumer = kafka.consumer({
    groupId: `demo-reader-${Date.now()}`,
    readUncommitted: false,
    maxWaitTimeInMs: 200,
  })
  const byId = new Map<bigint, Alert>()
  let duplicates = 0
  let last = Date.now()
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => {
        const alert = (await registry.decode(message.value!)) as Alert
        if (byId.has(alert.diaSourceId)) duplicates++
        byId.set(alert.diaSourceId, alert)
        last = Date.now()
      },
    })
    const deadline = Date.now() + timeoutMs
    while (Date.now() < deadline && (byId.size < expected || Date.now() - last < quietMs)) {
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  } finally {
    await consumer.disconnect()
  }
  return { alerts: [...byId.values()], duplicates }
}
