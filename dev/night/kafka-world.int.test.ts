import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { codecWith } from '../../schemas/codec.ts'
import { parseNotification } from '../../schemas/json/s3-notification.ts'
import { nextVisit, rawNotification } from '../../topology/streams.ts'
import { announceWithout } from './bad-input.ts'
import { connectSummit, type Summit } from './kafka-world.ts'
import { nextVisitOf } from './next-visit.ts'
import { objectCreated } from './notification.ts'
import { planNight } from './plan.ts'

const { kafka: addresses, registry } = inject('services')
const kafka = new Kafka({ brokers: [...addresses.brokers], logLevel: logLevel.NOTHING })
const plan = planNight({ seed: 2, instrument: 'LATISS', visits: 1, size: 128, start: Date.UTC(2026, 10, 22) })
const visit = nextVisitOf(plan, plan.visits[0]!, plan.options.start)
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

/** The first value appended to the topic after `send` was called. */
async function received(topic: string, send: () => Promise<void>): Promise<Buffer> {
  const consumer = kafka.consumer({ groupId: `received-${topic}-${Date.now()}` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: false })
  try {
    return await new Promise((resolve, reject) => {
      consumer.on(consumer.events.GROUP_JOIN, () => void send().catch(reject))
      void consumer.run({ eachMessage: async ({ message }) => resolve(message.value!) }).catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
}

it('announces in Avro under a schema that the registry gives back', async () => {
  const bytes = await received(nextVisit.topic, () => summit.announce(visit))
  const answer = await fetch(`${registry.url}/schemas/ids/${bytes.readInt32BE(1)}`)
  const { schema } = (await answer.json()) as { schema: string }
  const reader = codecWith(new Map())
  reader.learn(bytes.readInt32BE(1), JSON.parse(schema))
  expect(reader.decode('next-visit', bytes)).toEqual(visit)
})

it('notifies in JSON', async () => {
  const event = objectCreated('raws', 'LATISS/x.fits', new Uint8Array(8), plan.options.start)
  const bytes = await received(rawNotification.topic, () => summit.notify(event))
  expect(parseNotification(bytes).records).toMatchObject([{ ok: true, bucket: 'raws', key: 'LATISS/x.fits' }])
})

it('announces under a schema without a field, which the registry takes under a subject of its own', async () => {
  const bytes = await received(nextVisit.topic, () => announceWithout('instrument', summit, visit))
  const answer = await fetch(`${registry.url}/schemas/ids/${bytes.readInt32BE(1)}`)
  const { schema } = (await answer.json()) as { schema: string }
  expect(schema).not.toContain('"instrument"')
})
