import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MemoryBroker } from './memory/broker.ts'
import { MemoryClient } from './memory/client.ts'
import { partitionsOfTopic, readCommitted } from './read-topic.ts'

let broker: MemoryBroker
let client: MemoryClient
const record = (partition: number, text: string) => ({ topic: 't', partition, key: null, value: Buffer.from(text) })
const texts = async (patienceMs?: number) =>
  (
    await readCommitted(client, await partitionsOfTopic(client, 't'), patienceMs === undefined ? {} : { patienceMs })
  ).map(({ value }) => String(value))

beforeEach(() => {
  broker = new MemoryBroker()
  broker.createTopic({ topic: 't', partitions: 3, config: {} })
  client = new MemoryClient(broker, 'reader')
})

describe('reading a topic to its end', () => {
  it('gives committed records of every partition, and none of an aborted transaction', async () => {
    broker.append([record(0, 'a'), record(1, 'b')])
    const epoch = broker.fence('id')
    broker.append([record(0, 'never')], { id: 'id', epoch })
    broker.end('id', epoch, 'aborted')
    broker.append([record(0, 'c')], { id: 'id', epoch })
    broker.end('id', epoch, 'committed')
    expect((await texts()).sort()).toEqual(['a', 'b', 'c'])
  })

  it('has nothing to wait for in an empty topic, nor in one that is not there', async () => {
    expect(await texts()).toEqual([])
    expect(await partitionsOfTopic(client, 'absent')).toEqual([])
  })

  it('names the partition where a transaction was left open', async () => {
    broker.append([record(0, 'a'), record(2, 'b')])
    broker.append([record(2, 'open')], { id: 'id', epoch: broker.fence('id') })
    await expect(texts(50)).rejects.toThrow('t/2 at 1 of 2')
  })

  describe('from a slow broker', () => {
    beforeEach(() => void vi.useFakeTimers())
    afterEach(() => void vi.useRealTimers())
    /** Each record takes 40 ms, and nothing may come for 50. */
    const slowly = () => {
      const hop = () => new Promise<void>(resolve => setTimeout(resolve, 40))
      client = new MemoryClient(broker, 'slow', { hop, fault: () => undefined, fetchSize: () => 1 })
      return texts(50)
    }
    it('goes on as long as something comes, however long the whole takes', async () => {
      broker.append(Array.from({ length: 20 }, (_, i) => record(0, `${i}`)))
      const whole = expect(slowly()).resolves.toHaveLength(20)
      await vi.advanceTimersByTimeAsync(1_000)
      await whole
    })
    it('gives up where nothing comes any more, and says how far it came', async () => {
      broker.append([record(0, 'a'), record(0, 'b'), record(0, 'c')])
      broker.append([record(0, 'open')], { id: 'id', epoch: broker.fence('id') })
      const refused = expect(slowly()).rejects.toThrow('nothing came for 50 ms: t/0 at 3 of 4')
      await vi.advanceTimersByTimeAsync(1_000)
      await refused
    })
  })
})
