/**
 * Reads the alert stream: one line for each alert and, with --cutouts, its stamps as FITS files. What it must heed: docs/alert-stream.md
 *
 *   npx tsx examples/alert-stream/reader.ts --brokers HOST:PORT --registry URL [--group NAME] [--cutouts FOLDER]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import avro from 'avsc'
import kafkajs from 'kafkajs'

/** Of the fields, those that are used here. */
interface Alert {
  readonly diaSourceId: bigint
  readonly diaSource: {
    readonly midpointMjdTai: number
    readonly ra: number
    readonly dec: number
    readonly band: string | null
    readonly psfFlux: number | null
  }
  readonly prvDiaSources: readonly unknown[] | null
  readonly diaObject: { readonly diaObjectId: bigint } | null
  readonly ssSource: { readonly designation: string | null } | null
  readonly cutoutDifference: Buffer | null
  readonly cutoutScience: Buffer | null
  readonly cutoutTemplate: Buffer | null
}

// The stream is compressed with snappy, for which kafkajs has a table and no codec. The package is CommonJS.
const snappy = createRequire(import.meta.url)('kafkajs-snappy') as () => unknown
Object.assign(kafkajs.CompressionCodecs, { [kafkajs.CompressionTypes.Snappy]: snappy })

/** Ids have 63 bits: a JavaScript number makes 170055002004914272 of 170055002004914266, and avsc by itself refuses it. */
const bigints = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
})

const { values: options } = parseArgs({
  options: {
    brokers: { type: 'string' },
    registry: { type: 'string' },
    topic: { type: 'string', default: 'lsst-alerts-v11' },
    group: { type: 'string', default: 'example-reader' },
    cutouts: { type: 'string' },
  },
})
const { brokers, registry: host, topic, group, cutouts } = options
if (brokers === undefined || host === undefined) throw new Error('--brokers HOST:PORT and --registry URL are needed')
if (cutouts !== undefined) mkdirSync(cutouts, { recursive: true })

const registry = new SchemaRegistry(
  { host },
  // Without wrapUnions a value that may be null is the value itself, and not { double: 1 }.
  { [SchemaType.AVRO]: { registry: { long: bigints }, wrapUnions: false } },
)
const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.ERROR })
const consumer = kafka.consumer({
  groupId: group,
  // With true, alerts of aborted transactions are delivered too.
  readUncommitted: false,
  // Its default of 5 s is also how long a goodbye may take.
  maxWaitTimeInMs: 500,
})

/**
 * kafkajs lets an aborted alert through where several transactions were open at once and aborted. It comes again once it is committed, with the same
 * id, so that this is the filter; in a system that lasts: a unique key in its database.
 */
const seen = new Set<bigint>()

function take(alert: Alert): void {
  if (seen.has(alert.diaSourceId)) return
  if (cutouts !== undefined) save(alert, cutouts)
  console.log(lineOf(alert))
  seen.add(alert.diaSourceId)
}

function lineOf({ diaSourceId, diaSource, diaObject, ssSource, prvDiaSources }: Alert): string {
  const { midpointMjdTai, ra, dec, band, psfFlux } = diaSource
  return [
    String(diaSourceId),
    diaObject ? `object ${diaObject.diaObjectId}` : `solar system ${ssSource?.designation}`,
    `MJD ${midpointMjdTai.toFixed(5)}`,
    `${ra.toFixed(5)} ${dec < 0 ? '' : '+'}${dec.toFixed(5)}`,
    String(band),
    psfFlux === null ? 'no flux' : `${psfFlux.toFixed(0)} nJy`,
    `${prvDiaSources?.length ?? 0} earlier`,
  ].join('  ')
}

function save(alert: Alert, folder: string): void {
  for (const name of ['cutoutDifference', 'cutoutScience', 'cutoutTemplate'] as const) {
    const bytes = alert[name]
    if (bytes !== null) writeFileSync(join(folder, `${alert.diaSourceId}-${name}.fits`), bytes)
  }
}

await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({
  // The offset moves on when this has returned: who is killed reads some alerts again, and loses none.
  eachMessage: async ({ message }) => take((await registry.decode(message.value!)) as Alert),
})
// Silence is normal: there is no heartbeat, and a day has hours without any alert.
process.once('SIGINT', () => void consumer.disconnect())
