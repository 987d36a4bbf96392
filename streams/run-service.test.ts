import { describe, expect, it } from 'vitest'
import { defineTopology } from '../topology/model/define.ts'
import { to } from '../topology/model/step.ts'
import { stageOf } from '../topology/model/topology.ts'
import { clock, parked } from '../topology/streams.ts'
import { MemoryClient } from './memory/client.ts'
import type { Fate } from './memory/wire.ts'
import { runService, type ServiceTask } from './run-service.ts'
import { items, seen } from './testing/demo.ts'
import { Driver } from './testing/driver.ts'
import { jsonCodec } from './testing/json-codec.ts'
import { settle } from './testing/virtual-time.ts'

/** A service that keeps a table of what it has sent, and whose time a later stage waits for. */
const sent = { ...items, topic: 'sent', cleanup: 'compact' as const }
const topology = defineTopology({
  ...{ name: 'demo', partitions: 2, entrances: [], clock, parked },
  stages: [
    {
      ...{ name: 'sender', summary: 'sends', role: 'publish', tasks: 'per-partition', run: 'service' },
      ...{ reads: [sent], writes: [sent, seen], watermark: 'outbox' },
    },
    {
      ...{ name: 'reader', summary: 'reads', role: 'steps', tasks: 'per-partition', watermark: 'streams' },
      ...{
        reads: [seen],
        writes: [],
        run: { step: { name: 'reader', on: () => ({ state: undefined, out: [] }), deadline: () => undefined } },
      },
    },
  ],
  exits: [],
})
const nothing = () => undefined
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const send = (task: ServiceTask, id: string) =>
  task.commit([
    task.record(to(seen, 'k', { id }), 5, 0),
    { topic: 'sent', partition: task.index, key: Buffer.from(id), value: Buffer.from('yes') },
    ...task.watermarks(7),
  ])

const world = () => Driver.prepare({ topology, codec: jsonCodec, stages: [], startAt: 1_000 })
const start = async (night: Driver, begin: (task: ServiceTask) => Promise<void>, fate?: Fate) => {
  const client = new MemoryClient(night.broker, `client-${Math.random()}`, fate)
  const running = runService({
    ...{ topology, stage: stageOf(topology, 'sender'), client, codec: jsonCodec, app: 'test', table: sent },
    ...{ start: begin, scheduler: night.time, log, onFatal: (error: Error) => void night.fatal.push(error) },
  })
  await settle()
  return { client, running }
}
const untilAborted = (task: ServiceTask) =>
  new Promise<void>(resolve => task.signal.addEventListener('abort', () => resolve(), { once: true }))
const ids = (night: Driver) => night.outputs(seen).map(({ value }) => (value as { id: string }).id)

describe('a service', () => {
  it('has a task per partition of its table, with the rows of that partition, kept up to date', async () => {
    const night = world()
    const tasks = new Map<number, ServiceTask>()
    const begin = async (task: ServiceTask) => {
      tasks.set(task.index, task)
      await untilAborted(task)
    }
    const { running } = await start(night, begin)
    await send(tasks.get(1)!, 'x')
    await tasks.get(1)!.commit([{ topic: 'sent', partition: 1, key: Buffer.from('y'), value: Buffer.from('yes') }])
    expect([[...tasks.get(0)!.rows.keys()], [...tasks.get(1)!.rows.keys()]]).toEqual([[], ['x', 'y']])
    await tasks.get(1)!.commit([{ topic: 'sent', partition: 1, key: Buffer.from('y'), value: null }])
    const large = Buffer.alloc(10_000)
    await tasks.get(1)!.commit([{ topic: 'sent', partition: 1, key: Buffer.from('z'), value: large }])
    await (await running).stop()
    await start(night, begin)
    expect([...tasks.get(1)!.rows.keys()]).toEqual(['x', 'z'])
    const row = tasks.get(1)!.rows.get('z')!
    expect(row).toEqual(large)
    expect(row.buffer, 'a row keeps nothing of the fetch that brought it').not.toBe(large.buffer)
    expect(night.fatal).toEqual([])
  })

  it('forwards its time to every partition as the last record', async () => {
    const night = world()
    await start(night, async task => {
      if (task.index === 0) await send(task, 'x')
      await untilAborted(task)
    })
    const records = night.records(seen)
    for (const partition of [0, 1]) {
      const last = records.filter(record => record.partition === partition).at(-1)!
      expect(JSON.parse(String(last.headers['watermark']))).toEqual({ from: 'sender#0', t: 7 })
    }
  })

  it('begins anew, fenced and restored, after a lost reply: the table says what had been sent', async () => {
    const night = world()
    let faults = 0
    const fate: Fate = {
      hop: () => Promise.resolve(),
      fault: request => (request === 'end' && faults++ === 0 ? 'reply lost' : undefined),
    }
    const begin = async (task: ServiceTask) => {
      if (task.index === 0 && !task.rows.has('x')) await send(task, 'x')
      await untilAborted(task)
    }
    await start(night, begin, fate)
    await night.advance(5_000)
    expect([faults, ids(night)]).toEqual([1, ['x']])
  })

  it('cannot write when another process has taken over', async () => {
    const night = world()
    const outcomes: string[] = []
    const zombie = await start(night, async task => {
      await untilAborted(task)
    })
    zombie.client.freeze()
    zombie.client.expire()
    const tasks: ServiceTask[] = []
    await start(night, async task => {
      tasks.push(task)
      await send(task, `heir-${task.index}`)
      await untilAborted(task)
    })
    zombie.client.thaw()
    await night.advance(1)
    expect(ids(night).sort()).toEqual(['heir-0', 'heir-1'])
    expect(outcomes).toEqual([])
  })

  it('tells the brokers how long a transaction of its may stay open', async () => {
    const night = world()
    const told: unknown[] = []
    class Told extends MemoryClient {
      override fence(id: string, options?: object) {
        told.push(options)
        return super.fence(id)
      }
    }
    const running = runService({
      ...{ topology, stage: stageOf(topology, 'sender'), codec: jsonCodec, app: 'test', table: sent, log },
      ...{ client: new Told(night.broker, 'told'), scheduler: night.time, start: untilAborted, onFatal: nothing },
      options: { transactionTimeoutMs: 5_000 },
    })
    await settle()
    expect(told).toEqual([{ transactionTimeoutMs: 5_000 }, { transactionTimeoutMs: 5_000 }])
    await (await running).stop()
  })

  it('refuses an output that it does not declare, and a service that ends by itself is a fault', async () => {
    const night = world()
    await start(night, async task => {
      if (task.index === 1) return
      expect(() => task.record(to(items, 'k', { id: 'x', place: 1 }), 5, 0)).toThrow(
        'sender wrote to items; it declares: sent, seen.',
      )
      await untilAborted(task)
    })
    expect(night.fatal).toMatchObject([{ message: 'the service sender ended by itself' }])
  })
})
