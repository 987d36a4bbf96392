import { expect, it } from 'vitest'
import type { Control } from '../../schemas/avro/generated.ts'
import { applyHold, HOLD_SLACK_MS, LONGEST_HOLD_MS } from '../../topology/hold.ts'
import { stageOf } from '../../topology/model/topology.ts'
import { promptTopology } from '../../topology/prompt.ts'
import { clock, control, type ClockTick } from '../../topology/streams.ts'
import { MemoryClient } from '../memory/client.ts'
import { Driver } from '../testing/driver.ts'
import { jsonCodec } from '../testing/json-codec.ts'
import { settle } from '../testing/virtual-time.ts'
import { runClock } from './clock.ts'

const START = 100_000_000
const topology = promptTopology({ partitions: 1 })
const nothing = () => undefined

function world() {
  const night = Driver.prepare({ topology, codec: jsonCodec, startAt: START, stages: [] })
  const said: string[] = []
  const note = (facts: object) => void ('code' in facts && said.push(facts.code as string))
  const log = { debug: nothing, info: note, warn: note, error: note }
  const start = async () => {
    const client = new MemoryClient(night.broker, 'clock')
    const run = { topology, stage: stageOf(topology, 'clock'), client, codec: jsonCodec, app: 'test', log }
    const running = runClock({ ...run, scheduler: night.time, onFatal: error => void night.fatal.push(error) })
    await settle()
    await running
    return client
  }
  const order = (kind: Control['kind'], lastingMs: number | null = null) => {
    const until = lastingMs === null ? null : night.time.now() + lastingMs
    return night.feed(control, '', { kind, instrument: '', detector: null, reason: 'dome', by: 'ann', until })
  }
  const held = () => night.outputs(clock).map(({ value }) => (value as ClockTick).hold)
  return { night, said, start, order, held }
}

it('withholds time until it is released, and says so at its beginning, each minute, and at its end', async () => {
  const { night, said, start, order, held } = world()
  await start()
  await order('hold', 600_000)
  await night.advance(1_000)
  expect(held()).toEqual([false, true])
  await night.advance(119_000)
  await order('release')
  await night.advance(1_000)
  expect(held().lastIndexOf(true)).toBe(held().length - 2)
  expect(said).toEqual(['time-held', 'time-held', 'time-goes-on'])
})

it('ends by itself, also where the order said something else: what is forgotten holds for no night', async () => {
  const { night, said, start, order, held } = world()
  await start()
  await order('hold', 2_500)
  await night.advance(4_000)
  expect(held()).toEqual([false, true, true, false, false])
  for (const lasting of [null, -1, LONGEST_HOLD_MS + HOLD_SLACK_MS + 1]) await order('hold', lasting)
  await night.advance(1_000)
  expect([held().at(-1), night.fatal]).toEqual([false, []])
  expect(said.filter(code => code === 'bad-hold')).toHaveLength(3)
})

it('takes the longest hold also from a machine that is a little ahead, and knows since when one order follows another', async () => {
  const { night, said, start, order, held } = world()
  await start()
  await order('hold', LONGEST_HOLD_MS + HOLD_SLACK_MS)
  await night.advance(1_000)
  expect([held().at(-1), said]).toEqual([true, ['time-held']])
  const longer = { kind: 'hold', instrument: '', detector: null, reason: 'dome', by: 'ann', until: START + 20 } as const
  const first = applyHold(undefined, longer, START)
  expect(applyHold(first, { ...longer, until: START + 90 }, START + 10)).toMatchObject({
    since: START,
    until: START + 90,
  })
  expect(applyHold(first, { ...longer, until: START + 90 }, START + 20)).toMatchObject({ since: START + 20 })
})

it('says until when in its ticks, also when it ended by its own clock', async () => {
  const { night, start, order } = world()
  await start()
  await order('hold', 1_500)
  await night.advance(2_000)
  const ticks = night.outputs(clock).map(({ value }) => value as ClockTick)
  expect(ticks.map(tick => tick.heldUntil)).toEqual([undefined, START + 1_500, START + 1_500])
})

it('is known to a clock that takes over, before its first tick; the newest word counts, and no word about detectors', async () => {
  const { night, start, order, held } = world()
  await order('hold', 600_000)
  await order('release')
  await order('hold', 900_000)
  await night.feed(control, '', {
    kind: 'mask',
    instrument: 'LATISS',
    detector: 0,
    reason: 'hot',
    by: 'ann',
    until: null,
  })
  await night.feedBytes(control, '', Buffer.from('no order'))
  const client = await start()
  await start()
  await night.advance(1_000)
  client.crash()
  await night.advance(2_000)
  expect(new Set(held())).toEqual(new Set([true]))
})
