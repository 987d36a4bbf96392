import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import type { LogWorld } from '../../log-client.contract.ts'
import type { TopicPartition } from '../../log-client.ts'
import { kafkaProxy } from '../../testing/kafka-proxy.ts'
import { openCluster } from '../clusters.ts'
import { FetchHub } from '../fetch-hub.ts'
import { kafkaLogClient, type KafkaLogClientOptions } from '../index.ts'

export const silent = { debug() {}, info() {}, warn() {}, error() {} }

const requests = { fence: 'InitProducerId', produce: 'Produce', end: 'EndTxn' } as const

/** The real brokers behind a proxy, with plain kafkajs for what no client of ours can be asked to do. */
export async function brokerWorld(
  brokers: readonly string[],
  options: Partial<KafkaLogClientOptions> = {},
): Promise<LogWorld> {
  const proxy = await kafkaProxy(brokers)
  const connection = { brokers: proxy.brokers, log: silent }
  const plain = new kafkajs.Kafka({
    brokers: [...brokers],
    clientId: 'contract',
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 10 },
  })
  const admin = plain.admin()
  const open: { disconnect(): Promise<void> }[] = []
  const hubs = new Map<string, FetchHub>()
  let made = 0
  return {
    client: () => kafkaLogClient({ ...connection, clientId: `client-${made++}`, ...options }),
    async begin(transactionalId) {
      const producer = plain.producer({ transactionalId, maxInFlightRequests: 1, transactionTimeout: 60_000 })
      await producer.connect()
      open.push(producer)
      const transaction = await producer.transaction()
      return {
        async send(records) {
          for (const { topic, partition, key, value, headers = {} } of records)
            await transaction.send({ topic, messages: [{ partition, key, value, headers }] })
        },
        end: how => transaction[how](),
      }
    },
    readInPieces({ offset, ...tp }, isolation, maxPartitionBytes) {
      const name = `${isolation} ${maxPartitionBytes}`
      const open = () => openCluster({ ...connection, clientId: name }, 5_000)
      const limits = { maxWaitMs: 20, maxBytes: maxPartitionBytes, maxPartitionBytes }
      const hub = hubs.get(name) ?? new FetchHub(open, isolation, limits, silent)
      hubs.set(name, hub)
      return hub.open(tp, offset)
    },
    async deleteBefore({ topic, partition }: TopicPartition, first: bigint) {
      await admin.connect()
      await admin.fetchTopicOffsets(topic) // loads the metadata that the next call does without
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: `${first}` }] })
    },
    lose: (request, loss) => void proxy.trap(requests[request], loss),
    async close() {
      await Promise.all([...hubs.values()].map(hub => hub.close()))
      await Promise.all([admin, ...open].map(each => Promise.race([each.disconnect(), sleep(1_000)])))
      await proxy.close()
    },
  }
}
