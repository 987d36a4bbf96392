import { randomUUID } from 'node:crypto'
import { Kafka, logLevel, type EachMessagePayload } from 'kafkajs'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { codecWith } from '../../schemas/codec.ts'
import { parseNotification } from '../../schemas/json/s3-notification.ts'
import type { AvroSchema } from '../../schemas/schemas.ts'
import { nextVisit, rawNotification } from '../../topology/streams.ts'
import { without } from './adversity/poison.ts'
import { connectSummit, type Summit } from './kafka-world.ts'
import { nextVisitOf } from './next-visit.ts'
import { objectCreated } from './notification.ts'
import { planNight } from './plan.ts'

const { kafka: addresses, registry } = inject('services')
const kafka = new Kafka({ brokers: [...addresses.brokers], logLevel: logLevel.NOTHING })
const plan = planNight({ seed: 2, instrument: 'LATISS', visits: 1, size: 128, start: Date.UTC(2026, 10, 22) })
const visitOf = (groupId: string) => ({ ...nextVisitOf(plan, plan.visits[0]!, plan.options.start), groupId })
let summit: Summit

beforeAll(async () => {
  const admin = kafka.admin()
  await admin.connect()
  const topics = [nextVisit, rawNotification].map(({ topic, partitions = 1 }) => ({ topic, numPartitions: partitions }))
  await admin.createTopics({ topics, waitForLeaders: true })
  await admin.disconnect()
  summit = await connectSummit({ brokers: addresses.brokers, registry: registry.url })
})
afterAll(() => summit.close())

/** Reads a topic from its beginning until a value that holds the text; other tests may have written to the topic too. */
async function valueWith(text: string, topic: string): Promise<Buffer> {
  const consumer = kafka.consumer({ groupId: `value-with-${randomUUID()}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  try {
    return await new Promise((resolve, reject) => {
      const eachMessage = async ({ message: { value } }: EachMessagePayload) => {
        if (value?.includes(text)) resolve(value)
      }
      consumer.run({ eachMessage }).catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
}

/** The schema that the registry has for framed bytes. */
async function schemaOf(bytes: Buffer): Promise<string> {
  const answer = await fetch(`${registry.url}/schemas/ids/${bytes.readInt32BE(1)}`)
  return ((await answer.json()) as { schema: string }).schema
}

it('announces in Avro under a schema that the registry gives back', async () => {
  const visit = visitOf(randomUUID())
  await summit.announce(visit)
  const bytes = await valueWith(visit.groupId, nextVisit.topic)
  const reader = codecWith(new Map())
  reader.learn(bytes.readInt32BE(1), JSON.parse(await schemaOf(bytes)) as AvroSchema)
  expect(reader.decode('next-visit', bytes)).toEqual(visit)
})

it('notifies in JSON', async () => {
  const key = `LATISS/${randomUUID()}.fits`
  await summit.notify(objectCreated('raws', key, new Uint8Array(8), plan.options.start))
  const bytes = await valueWith(key, rawNotification.topic)
  expect(parseNotification(bytes).records).toMatchObject([{ ok: true, bucket: 'raws', key }])
})

it('announces under a schema without a field, which the registry takes under a subject of its own', async () => {
  const visit = visitOf(randomUUID())
  await summit.send('next-visit', await without('instrument', visit, summit))
  const schema = await schemaOf(await valueWith(visit.groupId, nextVisit.topic))
  expect(schema).toContain('"filters"')
  expect(schema).not.toContain('"instrument"')
})
