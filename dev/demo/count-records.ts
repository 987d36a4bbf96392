import kafkajs, { logLevel } from 'kafkajs'
import type { ServiceAddresses } from '../services/services.ts'

/** Records of a topic as a reader of committed records counts them; transaction markers take offsets and are not among them. */
export async function countRecords(services: ServiceAddresses, topic: string, quietMs = 1000): Promise<number> {
  const kafka = new kafkajs.Kafka({
    clientId: 'demo-counter',
    brokers: [...services.kafka.brokers],
    logLevel: logLevel.NOTHING,
  })
  const admin = kafka.admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  if (ends.every(({ low, high }) => low === high)) return 0
  const consumer = kafka.consumer({
    groupId: `demo-counter-${Date.now()}`,
    readUncommitted: false,
    maxWaitTimeInMs: 200,
  })
  let count = 0
  let last = Date.now()
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async () => {
        count++
        last = Date.now()
      },
    })
    // The group takes a moment to form; after that, silence means the end.
    const formed = Date.now() + 3000
    while (Date.now() < formed || Date.now() - last < quietMs) await new Promise(resolve => setTimeout(resolve, 100))
  } finally {
    await consumer.disconnect()
  }
  return count
}
