import { describe, expect, it } from 'vitest'
import { to } from '../../topology/model/step.ts'
import type { Stream } from '../../topology/model/stream.ts'
import { partitionsOf } from '../../topology/model/topology.ts'
import type { Chunk, Tail, TopicPartition } from '../log-client.ts'
import { MemoryClient } from '../memory/client.ts'
import { noMeter, type TaskStatus } from '../meter.ts'
import { demoEffects, demoTopology, orders, receipts, seen, type Item } from '../testing/demo.ts'
import { Driver } from '../testing/driver.ts'
import { jsonCodec } from '../testing/json-codec.ts'
import { settle } from '../testing/virtual-time.ts'
import type { Effect } from './effects.ts'

/** Counts the records that have left the broker. */
class CountingClient extends MemoryClient {
  delivered = 0
  override read(from: TopicPartition & { offset: bigint }, isolation: 'committed' | 'uncommitted'): Tail {
    const tail = super.read(from, isolation)
    const count = (chunk: Chunk): Chunk => {
      this.delivered += chunk.records.length
      return chunk
    }
    return {
      close: () => tail.close(),
      [Symbol.asyncIterator]: async function* () {
        for await (const chunk of tail) yield count(chunk)
      },
    }
  }
}

const CONCURRENCY = 16
const MAX_HELD = 1_000
/** Of the client in memory. */
const FETCH_SIZE = 100

/** One stage on its own, with eyes on its tasks, and how many records have come to them. */
async function driven(stage: string, effect?: Effect) {
  const tasks = new Set<() => TaskStatus>()
  const clients: CountingClient[] = []
  const night = await Driver.start({
    ...{ topology: demoTopology, codec: jsonCodec, stages: [stage], startAt: 1_000 },
    effects: { ...demoEffects, ...(effect && { [stage]: effect }) },
    options: { concurrency: CONCURRENCY, maxHeld: MAX_HELD },
    client: (broker, name, fate) => clients[clients.push(new CountingClient(broker, name, fate)) - 1]!,
    meter: () => ({
      ...noMeter,
      watch: status => {
        tasks.add(status)
        return () => tasks.delete(status)
      },
    }),
  })
  const of = (what: 'inbox' | 'held' | 'running') => [...tasks].map(status => status()[what])
  return { night, of, delivered: () => clients.reduce((sum, { delivered }) => sum + delivered, 0) }
}

function flood(night: Driver, stream: Stream, count: number): void {
  const partitions = partitionsOf(demoTopology, stream)
  const headers = { at: Buffer.from('1000'), replay: Buffer.from('0') }
  const records = Array.from({ length: count }, (_, i) => {
    const value = Buffer.from(`{"id":"k${i % 100}-${i}"}`)
    return { topic: stream.topic, partition: i % partitions, key: Buffer.from(`k${i % 100}`), value, headers }
  })
  night.broker.append(records)
}
const settled = async (night: Driver, isDone: () => boolean) => {
  for (let i = 0; i < 10_000 && !isDone(); i++) await settle()
  await night.advance(1_000)
}

describe('a task whose sink stands still', () => {
  it('holds what it works on and what was fetched, while a hundred thousand records wait; then it does each once', async () => {
    const waiting: (() => void)[] = []
    let isStill = true
    const { night, of, delivered } = await driven('ledger', async ({ key, value }) => {
      if (isStill) await new Promise<void>(resolve => waiting.push(resolve))
      return { out: [to(receipts, key, value as Item)] }
    })
    flood(night, seen, 100_000)
    // Three minutes in which nothing answers.
    for (let minute = 0; minute < 3; minute++) {
      await night.advance(60_000)
      expect(of('running')).toEqual([CONCURRENCY, CONCURRENCY, CONCURRENCY])
      expect(Math.max(...of('held'))).toBeLessThanOrEqual(CONCURRENCY)
      expect(Math.max(...of('inbox'))).toBeLessThanOrEqual(FETCH_SIZE)
      expect(delivered()).toBeLessThanOrEqual(3 * 2 * FETCH_SIZE)
    }
    expect(night.outputs(receipts)).toEqual([])
    isStill = false
    waiting.forEach(resolve => resolve())
    await settled(night, () => delivered() === 100_000)
    const ids = night.records(receipts).map(({ value }) => (JSON.parse(String(value)) as Item).id)
    expect([ids.length, new Set(ids).size]).toEqual([100_000, 100_000])
    expect(night.fatal).toEqual([])
  }, 60_000)

  it('remembers no more than its limit above one record that hangs', async () => {
    const { night, of } = await driven('ledger', async ({ key, value }) => {
      const { id } = value as Item
      if (id.endsWith('-0')) await new Promise<never>(() => undefined)
      return { out: [to(receipts, key, value as Item)] }
    })
    flood(night, seen, 30_000)
    await settled(night, () => false)
    expect(Math.max(...of('held'))).toBe(MAX_HELD)
    expect(of('held').filter(held => held > 0)).toHaveLength(1)
    expect(night.records(receipts)).toHaveLength(20_000 + MAX_HELD - 1)
  }, 60_000)
})

it('a stage in order of time whose clock stands still takes no more than its limit', async () => {
  const { night, of, delivered } = await driven('front')
  flood(night, orders, 100_000)
  await night.advance(180_000)
  expect(of('held')).toEqual([MAX_HELD])
  expect(delivered()).toBeLessThanOrEqual(MAX_HELD + 2 * FETCH_SIZE)
}, 60_000)
