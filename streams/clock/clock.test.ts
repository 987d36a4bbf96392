import { describe, expect, it } from 'vitest'
import { stageOf } from '../../topology/model/topology.ts'
import { clock, type ClockTick } from '../../topology/streams.ts'
import { MemoryClient } from '../memory/client.ts'
import { demoTopology, items, orders } from '../testing/demo.ts'
import { Driver } from '../testing/driver.ts'
import { jsonCodec } from '../testing/json-codec.ts'
import { settle } from '../testing/virtual-time.ts'
import { runClock, type ClockOptions } from './clock.ts'

const START = 100_000
const nothing = () => undefined
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }

const world = (stages: string[] = []) =>
  Driver.prepare({ topology: demoTopology, codec: jsonCodec, startAt: START, stages })
const startClock = async (driver: Driver, options: Partial<ClockOptions> = {}) => {
  const client = new MemoryClient(driver.broker, 'clock')
  const running = runClock({
    ...{ topology: demoTopology, stage: stageOf(demoTopology, 'clock'), client, codec: jsonCodec, app: 'test' },
    ...{ options, scheduler: driver.time, log, onFatal: (error: Error) => void driver.fatal.push(error) },
  })
  await settle()
  return { client, running: await running }
}
const ticks = (driver: Driver) => driver.outputs(clock).map(({ value }) => value as ClockTick)

describe('the clock', () => {
  it('writes once a second the time less ε, with the ends of every timed entrance', async () => {
    const night = world()
    await startClock(night)
    await night.feed(orders, '', { id: 'a-1' })
    await night.advance(2_000)
    const ends = { 'urgent/0': '0', 'parcels/0': '0', 'parcels/1': '0', 'parcels/2': '0', 'parcels/3': '0' }
    expect(ticks(night)).toEqual([
      { t: START - 1_000, end: { 'orders/0': '0', ...ends }, hold: false, epsilonMs: 1_000 },
      { t: START, end: { 'orders/0': '1', ...ends }, hold: false, epsilonMs: 1_000 },
      { t: START + 1_000, end: { 'orders/0': '1', ...ends }, hold: false, epsilonMs: 1_000 },
    ])
  })

  it('ticks from one process at a time, and goes on from the next when that dies', async () => {
    const night = world()
    const { client } = await startClock(night)
    await startClock(night)
    await night.advance(2_000)
    expect(ticks(night).map(({ t }) => t)).toEqual([START - 1_000, START, START + 1_000])
    client.crash()
    await night.advance(2_000)
    const times = ticks(night).map(({ t }) => t)
    expect(times.slice(3)).toEqual([START + 1_000, START + 2_000, START + 3_000])
  })

  it('stops, and writes nothing more', async () => {
    const night = world()
    const { running } = await startClock(night)
    await running.stop()
    await night.advance(5_000)
    expect(ticks(night)).toHaveLength(1)
  })

  it('moves the time of a stage', async () => {
    const night = world(['front'])
    await night.process()
    await startClock(night)
    await night.feed(orders, '', { id: 'a-1' })
    expect(night.outputs(items)).toEqual([])
    await night.advance(1_000)
    expect(night.outputs(items)).toHaveLength(1)
  })
})
