import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import type { LogWorld, Transaction } from '../../log-client.contract.ts'
import { at, type LogClient, type TopicPartition } from '../../log-client.ts'
import { kafkaProxy } from '../../testing/kafka-proxy.ts'
import { drain, record } from '../../testing/reading.ts'
import { openCluster } from '../clusters.ts'
import { FetchHub } from '../fetch-hub.ts'
import { kafkaLogClient, type KafkaLogClientOptions } from '../index.ts'

export const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** After so long the newest segment of a topic for the cleaner is closed by the next record. */
const SEGMENT_MS = 100
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
  const producers: kafkajs.Producer[] = []
  const hubs = new Map<string, FetchHub>()
  const cleaner = await kafkaLogClient({ ...connection, clientId: 'cleaner' })
  let made = 0
  return {
    client: () => kafkaLogClient({ ...connection, clientId: `client-${made++}`, ...options }),
    async begin(transactionalId) {
      const producer = plain.producer({ transactionalId, maxInFlightRequests: 1, transactionTimeout: 60_000 })
      producers.push(producer)
      await producer.connect()
      return stepByStep(await producer.transaction())
    },
    readInPieces({ offset, ...tp }, isolation, maxPartitionBytes) {
      const name = `${isolation} ${maxPartitionBytes}`
      const open = () => openCluster({ ...connection, clientId: name }, 5_000)
      const limits = { maxWaitMs: 20, maxBytes: maxPartitionBytes, maxPartitionBytes }
      const hub = hubs.get(name) ?? new FetchHub(open, isolation, limits, silent)
      hubs.set(name, hub)
      return hub.open(tp, offset)
    },
    compacted: { 'cleanup.policy': 'compact', 'segment.ms': `${SEGMENT_MS}`, 'min.cleanable.dirty.ratio': '0.01' },
    compact: tp => rollUntilCleaned(cleaner, tp),
    async deleteBefore({ topic, partition }: TopicPartition, first: bigint) {
      await admin.connect()
      await admin.fetchTopicOffsets(topic) // loads the metadata that the next call does without
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: `${first}` }] })
    },
    lose: (request, loss) => void proxy.trap(requests[request], loss),
    async close() {
      await Promise.all([cleaner.close(), ...[...hubs.values()].map(hub => hub.close())])
      await Promise.all([admin, ...producers].map(each => Promise.race([each.disconnect(), sleep(1_000)])))
      await proxy.close()
    },
  }
}

const stepByStep = (transaction: kafkajs.Transaction): Transaction => ({
  async send(records) {
    for (const { topic, partition, key, value, headers = {} } of records)
      await transaction.send({ topic, messages: [{ partition, key, value, headers }] })
  },
  end: how => transaction[how](),
})

/** The newest segment is never cleaned. So records of one key are added until the first of them is gone, and with it all before it. */
async function rollUntilCleaned(client: LogClient, tp: TopicPartition): Promise<void> {
  const offset = (await client.offsets([tp], 'latest')).get(at(tp))!
  for (;;) {
    await client.produce([{ ...record(tp, 'roll'), key: Buffer.from('roll') }])
    const read = () => client.read({ ...tp, offset }, 'uncommitted')
    if ((await drain(read, offset, offset + 1n)).records[0]?.offset !== offset) return
    await sleep(SEGMENT_MS)
  }
}
