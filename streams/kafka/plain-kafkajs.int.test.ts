import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { LogWorld } from '../log-client.contract.ts'
import { at, type LogClient, type NewRecord, type TopicPartition } from '../log-client.ts'
import { drain, eventually, record, values } from '../testing/reading.ts'
import { brokerWorld } from './testing/world.ts'

const mended = 'if this fails, kafkajs was mended: good'

/**
 * Why kafkajs's own consumer and producer are not used: each fault on the history on which ours does right. Its producer's (K4), which
 * needs two brokers, is in three-brokers.int.test.ts.
 */
describe('plain kafkajs', () => {
  const { brokers } = inject('services').kafka
  const plain = new kafkajs.Kafka({ brokers: [...brokers], clientId: 'plain', logLevel: kafkajs.logLevel.NOTHING })
  const running: { disconnect(): Promise<void> }[] = []
  let world: LogWorld
  let client: LogClient

  beforeAll(async () => {
    world = await brokerWorld(brokers)
    client = await world.client()
  })
  afterAll(async () => {
    await Promise.all(running.map(each => each.disconnect()))
    await client.close()
    await world.close()
  })

  const partition = async (config: Record<string, string> = {}): Promise<TopicPartition> => {
    const topic = `plain-${randomUUID()}`
    await client.createTopics([{ topic, partitions: 1, config }])
    return { topic, partition: 0 }
  }
  const open = async (id: string, records: readonly NewRecord[]) => {
    const transaction = await world.begin(id)
    await transaction.send(records)
    return transaction
  }
  const endOf = async (tp: TopicPartition) => (await client.offsets([tp], 'latest')).get(at(tp))!
  const weRead = async (tp: TopicPartition, from = 0n) => {
    const tail = () => world.readInPieces({ ...tp, offset: from }, 'committed', 1_000)
    const { records, next } = await drain(tail, from, await endOf(tp))
    return { values: values(records), next }
  }

  /** A consumer of kafkajs from the first record on, and what it has shown so far. */
  async function consumer({ topic }: TopicPartition) {
    const consumer = plain.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 50, maxBytesPerPartition: 1_000 })
    const seen = { values: [] as string[], batches: 0, fetches: 0, passed: -1n }
    consumer.on(consumer.events.FETCH, () => void seen.fetches++)
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => void (seen.passed = BigInt(payload.lastOffset)))
    await consumer.connect()
    running.push(consumer)
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachBatch: async ({ batch }) => {
        seen.batches++
        seen.values.push(...batch.messages.map(message => String(message.value)))
      },
    })
    return seen
  }

  // The broker lists aborted transactions as they ended, B before A, and kafkajs takes the first offset of the list for the smallest.
  it('delivers aborted records when transactions interleave (K1)', async () => {
    const tp = await partition()
    const [a, b] = [randomUUID(), randomUUID()]
    await open(a, [record(tp, 'aborted A')])
    await open(b, [record(tp, 'aborted B'), record(tp, 'aborted B')])
    await client.produce([record(tp, 'good')])
    await client.fence(b)
    await client.fence(a)
    expect((await weRead(tp)).values).toEqual(['good'])
    const seen = await consumer(tp)
    await eventually(() => seen.values.includes('good'))
    expect(seen.values, mended).toContain('aborted A')
  })

  // It lets one transaction of the list begin per record, so the first record inside two of them meets only one.
  it('delivers aborted records when it starts inside two transactions (K1)', async () => {
    const tp = await partition()
    const [a, b] = [randomUUID(), randomUUID()]
    const first = await open(a, [record(tp, 'aborted A')])
    const second = await open(b, [record(tp, 'aborted B'), record(tp, 'aborted B')])
    await first.end('abort')
    await second.end('abort')
    await client.produce([record(tp, 'good')])
    await Promise.all([client.fence(a), client.fence(b)])
    await world.deleteBefore(tp, 2n)
    expect((await weRead(tp, 2n)).values).toEqual(['good'])
    const seen = await consumer(tp)
    await eventually(() => seen.values.includes('good'))
    expect(seen.values, mended).toContain('aborted B')
  })

  it('takes a record with a key of four zero bytes for the end of an aborted transaction (K2)', async () => {
    const tp = await partition()
    const id = randomUUID()
    await open(id, [{ ...tp, key: Buffer.alloc(4), value: Buffer.from('aborted') }, record(tp, 'aborted too')])
    await client.fence(id)
    await client.produce([record(tp, 'good')])
    expect((await weRead(tp)).values).toEqual(['good'])
    const seen = await consumer(tp)
    await eventually(() => seen.values.includes('good'))
    expect(seen.values, mended).toEqual(['aborted', 'aborted too', 'good'])
  })

  // The cleaner keeps the last batch of a producer, emptied: it remembers the sequence. kafkajs counts positions by records.
  it('asks for ever at a batch that compaction emptied, when the next one does not fit into the answer (K3)', async () => {
    const tp = await partition(world.compacted)
    const producer = plain.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    running.push(producer)
    await producer.send({ topic: tp.topic, messages: [{ partition: 0, key: 'k', value: 'old' }] })
    const keyed = (key: string, value: string) => ({ ...record(tp, value), key: Buffer.from(key) })
    const large = 'large '.repeat(1_000)
    await client.produce([keyed('large', large)])
    await client.produce([keyed('k', 'new')])
    await world.compact(tp)
    expect((await weRead(tp)).values.filter(value => value !== 'roll')).toEqual([large, 'new'])
    const seen = await consumer(tp)
    await eventually(() => seen.fetches > 20)
    expect(seen, mended).toMatchObject({ values: [], batches: 0, passed: -1n })
  })

  // A restore that is told of batches only never hears that it has reached the end.
  it('says nothing to its reader of a log that ends in markers (K9)', async () => {
    const tp = await partition()
    const id = randomUUID()
    await open(id, [record(tp, 'aborted')])
    await client.fence(id)
    const end = await endOf(tp)
    expect(await weRead(tp)).toEqual({ values: [], next: end })
    const seen = await consumer(tp)
    await eventually(() => seen.passed === end - 1n)
    expect(seen.batches, mended).toBe(0)
  })
})
