import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { LogWorld } from '../log-client.contract.ts'
import { at, NotCommitted, UnknownOutcome, type LogClient, type TopicPartition } from '../log-client.ts'
import { kafkaProxy, type Api, type KafkaProxy } from '../testing/kafka-proxy.ts'
import { drain, record, values } from '../testing/reading.ts'
import { kafkaLogClient } from './index.ts'
import { brokerWorld, silent } from './testing/world.ts'

/** Losses between a client and the real broker; what is the same for every client is in the contract of histories. */
describe('a request that is lost on its way', () => {
  const brokers = inject('services').kafka.brokers
  let proxy: KafkaProxy
  let client: LogClient
  let world: LogWorld
  let tp: TopicPartition
  const group = randomUUID()
  const offsets = (offset: bigint) => ({ group, offsets: [{ ...tp, offset, metadata: 'm' }] })
  const committed = async (id: string): Promise<string[]> => {
    await client.fence(id)
    const end = (await client.offsets([tp], 'latest')).get(at(tp))!
    return values((await drain(() => client.read({ ...tp, offset: 0n }, 'committed'), 0n, end)).records)
  }

  beforeAll(async () => {
    proxy = await kafkaProxy(brokers)
    world = await brokerWorld(brokers)
    client = await kafkaLogClient({ brokers: proxy.brokers, clientId: 'losses', log: silent })
    tp = { topic: `losses-${randomUUID()}`, partition: 0 }
    await client.createTopics([{ topic: tp.topic, partitions: 1, config: {} }])
  })
  afterAll(async () => {
    await client.close()
    await world.close()
    await proxy.close()
  })

  const before: readonly Api[] = ['AddPartitionsToTxn', 'AddOffsetsToTxn', 'Produce', 'TxnOffsetCommit']
  it.each(before.flatMap(api => (['request lost', 'reply lost'] as const).map(loss => [api, loss] as const)))(
    '%s, %s: the transaction surely did not happen, and the next epoch starts clean',
    async (api, loss) => {
      const id = randomUUID()
      const old = await client.fence(id)
      const earlier = await committed(randomUUID())
      const trap = proxy.trap(api, loss)
      await expect(old.commit([record(tp, 'lost')], offsets(99n))).rejects.toBeInstanceOf(NotCommitted)
      await trap.sprung
      await (await client.fence(id)).commit([record(tp, 'kept')], offsets(1n))
      expect(await committed(id)).toEqual([...earlier, 'kept'])
      expect((await client.committed(group, [tp])).get(at(tp))).toEqual({ offset: 1n, metadata: 'm' })
    },
  )

  it.each(['request lost', 'reply lost'] as const)('InitProducerId, %s: it is asked again', async loss => {
    const id = randomUUID()
    const old = await client.fence(id)
    const trap = proxy.trap('InitProducerId', loss)
    expect((await client.fence(id)).epoch).toBeGreaterThan(old.epoch)
    await trap.sprung
  })

  it('outside of transactions the writer is told, and does not write twice by itself', async () => {
    const trap = proxy.trap('Produce', 'reply lost')
    await expect(client.produce([record(tp, 'once')])).rejects.toThrow('may not have been stored')
    await trap.sprung
    expect((await committed(randomUUID())).filter(value => value === 'once')).toHaveLength(1)
  })

  // Worked through for EndTxn: epoch 0 says "commit", the network keeps it, and its owner never hears of it. Epoch 1 takes over and
  // has a transaction open when the old "commit" arrives. It must end nothing; as a request of epoch 1 it would tear that one in two.
  it.each(['EndTxn', 'Produce'] as const)(
    '%s, delayed into a later transaction: it changes nothing there',
    async api => {
      const id = randomUUID()
      const earlier = await committed(randomUUID())
      const trap = proxy.trap(api, 'delayed')
      const error = await (await client.fence(id)).commit([record(tp, 'delayed')]).then(
        () => undefined,
        (e: unknown) => e,
      )
      expect(error).toBeInstanceOf(api === 'EndTxn' ? UnknownOutcome : NotCommitted)
      await trap.sprung
      const heir = await world.begin(id)
      await heir.send([record(tp, 'first half')])
      await trap.release()
      await heir.send([record(tp, 'second half')])
      await heir.end('abort')
      expect(await committed(id)).toEqual(earlier)
      await (await client.fence(id)).commit([record(tp, 'after')])
      expect(await committed(id)).toEqual([...earlier, 'after'])
    },
  )
})
