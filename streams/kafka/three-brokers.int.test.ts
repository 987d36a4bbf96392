import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startKafkaCluster, type KafkaCluster } from '../../dev/services/processes/kafka-cluster.ts'
import { logClientContract } from '../log-client.contract.ts'
import { at, Fenced, NotCommitted, type LogClient, type LogRecord, type TopicPartition } from '../log-client.ts'
import { logHistoriesContract } from '../log-histories.contract.ts'
import { consume, drain, eventually, record } from '../testing/reading.ts'
import { kafkaLogClient } from './index.ts'
import { brokerWorld, silent } from './testing/world.ts'

/**
 * The contract where leaders and coordinators are not one broker; then what needs more than one: leaders that move, by an operator's hand
 * and by death.
 */
describe('on three brokers', () => {
  let cluster: KafkaCluster
  let client: LogClient
  let plain: kafkajs.Kafka
  let admin: kafkajs.Admin

  beforeAll(async () => {
    cluster = await startKafkaCluster(3, () => undefined)
    client = await kafkaLogClient({ brokers: cluster.brokers, clientId: 'ours', log: silent })
    plain = new kafkajs.Kafka({
      brokers: [...cluster.brokers],
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { initialRetryTime: 50, retries: 10 },
    })
    admin = plain.admin()
    await admin.connect()
  })
  afterAll(async () => {
    await client?.close()
    await admin?.disconnect()
    await cluster?.stop()
  })

  const world = () => brokerWorld(cluster.brokers)
  logClientContract('kafkajs on three brokers', world)
  logHistoriesContract('kafkajs on three brokers', world, { histories: 1, compactions: 1, outages: 1, dear: true })

  const leaderOf = async ({ topic, partition }: TopicPartition): Promise<number> => {
    const [found] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics
    return found!.partitions.find(p => p.partitionId === partition)!.leader
  }
  const committed = async (tp: TopicPartition): Promise<LogRecord[]> => {
    const end = (await client.offsets([tp], 'latest')).get(at(tp))!
    return (await drain(() => client.read({ ...tp, offset: 0n }, 'committed'), 0n, end)).records
  }

  it('stores in each partition what it says is stored, where kafkajs forgets the one whose leader has moved (K4)', async () => {
    const topic = `moved-${randomUUID()}`
    const [a, b] = [0, 1].map(partition => ({ topic, partition })) as [TopicPartition, TopicPartition]
    const assignment = [[1, 2], [2, 3]] // prettier-ignore
    const replicaAssignment = assignment.map((replicas, partition) => ({ partition, replicas }))
    await admin.createTopics({ topics: [{ topic, replicaAssignment }], waitForLeaders: true })
    const ours = await client.fence(randomUUID())
    const theirs = plain.producer({ transactionalId: randomUUID(), maxInFlightRequests: 1 })
    await theirs.connect()
    const theyCommit = async (value: string) => {
      const transaction = await theirs.transaction()
      await transaction.send({ topic, messages: [a, b].map(({ partition }) => ({ partition, value })) })
      await transaction.commit()
    }
    const values = async (tp: TopicPartition) => (await committed(tp)).map(r => String(r.value))
    // Both learn that node 1 leads a, and node 2 leads b. Then 2 leads both, and neither has heard of it.
    await ours.commit([record(a, 'ours 1'), record(b, 'ours 1')])
    await theyCommit('theirs 1')
    await admin.alterPartitionReassignments({
      topics: [{ topic, partitionAssignment: [{ partition: 0, replicas: [2, 3] }] }],
    })
    await eventually(async () => (await leaderOf(a)) === 2)

    await ours.commit([record(a, 'ours 2'), record(b, 'ours 2')])
    await theyCommit('theirs 2')
    await theirs.disconnect()
    expect(await values(b)).toEqual(['ours 1', 'theirs 1', 'ours 2', 'theirs 2'])
    expect(await values(a), 'if this fails, kafkajs was mended: good').toEqual(['ours 1', 'theirs 1', 'ours 2'])
  })

  it('loses, doubles and tears nothing while the leaders die one after the other, and goes on within 10 s', async () => {
    const topic = `deaths-${randomUUID()}`
    await client.createTopics([{ topic, partitions: 3, config: {} }])
    const partitions = [0, 1, 2].map(partition => ({ topic, partition }))
    const witness = partitions.map(tp => follow(client, tp))
    const writers = ['x', 'y', 'z'].map(name => new Writer(client, name, partitions))
    const running = writers.map(writer => writer.run())
    const acks = () => writers.map(writer => writer.acks)
    const goOn = async (since: readonly number[]) =>
      eventually(
        () => acks().every((count, i) => count > since[i]! + 5),
        () => `acknowledged: ${acks().join()}`,
        30_000,
      )

    await goOn([0, 0, 0])
    for (const tp of partitions.slice(0, 2)) {
      const node = cluster.nodes[(await leaderOf(tp)) - 1]!
      const before = acks()
      const diedAt = performance.now()
      await node.kill()
      await goOn(before)
      expect(performance.now() - diedAt, 'ms until every writer goes on').toBeLessThan(10_000)
      await node.start()
      await goOn(acks())
    }
    for (const writer of writers) writer.stop()
    await Promise.all(running)
    for (const { id } of writers) await client.fence(id)

    for (const [i, tp] of partitions.entries()) {
      const stored = (await committed(tp)).map(r => String(r.value))
      expect(new Set(stored).size, `${at(tp)}: nothing twice`).toBe(stored.length)
      for (const writer of writers) {
        const mine = stored.filter(value => value.startsWith(writer.name))
        const numbers = mine.map(value => Number(value.slice(1)))
        expect(numbers, `${at(tp)}, ${writer.name}: in order`).toEqual([...numbers].sort((a, b) => a - b))
        expect(
          writer.stored('yes').filter(value => !mine.includes(value)),
          `${at(tp)}: stored and lost`,
        ).toEqual([])
        expect(
          writer.stored('no').filter(value => mine.includes(value)),
          `${at(tp)}: surely not stored`,
        ).toEqual([])
        // Of those whose outcome nobody knows, a partition has what the others have.
        writer.unknownSeen.push(writer.stored('unknown').filter(value => mine.includes(value)))
        expect(writer.unknownSeen[i]).toEqual(writer.unknownSeen[0])
      }
      await eventually(() => witness[i]!.values.length === stored.length)
      expect(witness[i]!.values, `${at(tp)}: who read all the time has seen the same`).toEqual(stored)
      witness[i]!.close()
    }
  }, 120_000)
})

/** Reads from the start, for as long as the test goes. */
function follow(client: LogClient, tp: TopicPartition) {
  const values: string[] = []
  const tail = client.read({ ...tp, offset: 0n }, 'committed')
  const reading = consume(tail, chunk => (values.push(...chunk.records.map(r => String(r.value))), false))
  void reading.catch((error: unknown) => values.push(String(error)))
  return { values, close: () => tail.close() }
}

/** Commits one number after the other to every partition in one transaction; after any error a new epoch and the next number. */
class Writer {
  readonly id = randomUUID()
  readonly name: string
  readonly unknownSeen: string[][] = []
  acks = 0
  readonly #client: LogClient
  readonly #partitions: readonly TopicPartition[]
  readonly #outcomes = new Map<string, 'yes' | 'no' | 'unknown'>()
  #stopping = false

  constructor(client: LogClient, name: string, partitions: readonly TopicPartition[]) {
    this.#client = client
    this.name = name
    this.#partitions = partitions
  }
  stop(): void {
    this.#stopping = true
  }
  stored(outcome: 'yes' | 'no' | 'unknown'): string[] {
    return [...this.#outcomes].filter(([, o]) => o === outcome).map(([value]) => value)
  }
  async run(): Promise<void> {
    let producer = await this.#client.fence(this.id)
    for (let n = 1; !this.#stopping; n++) {
      const value = `${this.name}${n}`
      try {
        await producer.commit(this.#partitions.map(tp => record(tp, value)))
        this.#outcomes.set(value, 'yes')
        this.acks++
      } catch (error) {
        const surelyNot = error instanceof NotCommitted || error instanceof Fenced
        this.#outcomes.set(value, surelyNot ? 'no' : 'unknown')
        producer = await this.#client.fence(this.id)
      }
      await sleep(20)
    }
  }
}
