import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import type { LogWorld } from '../../log-client.contract.ts'
import type { NewRecord, TopicPartition } from '../../log-client.ts'
import { kafkaLogClient, type KafkaLogClientOptions } from '../index.ts'

export const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** The real broker, with plain kafkajs for the two things that no client of ours can be asked to do. */
export function brokerWorld(brokers: readonly string[], options: Partial<KafkaLogClientOptions> = {}): LogWorld {
  const plain = new kafkajs.Kafka({
    brokers: [...brokers],
    clientId: 'contract',
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 10 },
  })
  const admin = plain.admin()
  const open: { disconnect(): Promise<void> }[] = []
  let made = 0
  return {
    client: () => kafkaLogClient({ brokers, clientId: `client-${made++}`, log: silent, ...options }),
    async leaveOpen(transactionalId: string, records: readonly NewRecord[]) {
      const producer = plain.producer({ transactionalId, maxInFlightRequests: 1, transactionTimeout: 60_000 })
      await producer.connect()
      open.push(producer)
      const transaction = await producer.transaction()
      for (const { topic, partition, key, value, headers = {} } of records)
        await transaction.send({ topic, messages: [{ partition, key, value, headers }] })
    },
    async deleteBefore({ topic, partition }: TopicPartition, first: bigint) {
      await admin.connect()
      await admin.fetchTopicOffsets(topic) // loads the metadata that the next call does without
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: `${first}` }] })
    },
    async close() {
      await Promise.all([admin, ...open].map(each => Promise.race([each.disconnect(), sleep(1_000)])))
    },
  }
}
