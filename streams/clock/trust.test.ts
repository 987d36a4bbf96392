import { expect, it } from 'vitest'
import { journalOf } from '../../topology/model/names.ts'
import { clock, type ClockTick } from '../../topology/streams.ts'
import { at } from '../log-client.ts'
import type { Commit } from '../task/journal.ts'
import { closed, demoEffects, demoTopology, items, orders } from '../testing/demo.ts'
import { Driver } from '../testing/driver.ts'
import { jsonCodec } from '../testing/json-codec.ts'

const START = 100_000_000
const HOUR = 3_600_000
const EPSILON = 1_000
const setup = { topology: demoTopology, codec: jsonCodec, effects: demoEffects, startAt: START }

/** A tick of an instance whose host is ahead by so much; negative: behind. */
async function tick(night: Driver, aheadMs: number, lostEnd = 0, more: Partial<ClockTick> = {}): Promise<void> {
  const ends = demoTopology.entrances.flatMap(({ topic, partitions = 1 }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  )
  const end = Object.fromEntries(
    ends.map(tp => [at(tp), String(Math.max(0, night.broker.partition(tp).highWatermark - lostEnd))]),
  )
  const t = night.time.now() + aheadMs - EPSILON
  await night.feedBytes(clock, '', Buffer.from(JSON.stringify({ t, end, hold: false, epsilonMs: EPSILON, ...more })), {
    partition: 0,
  })
}
const watermark = (night: Driver): number => {
  const { value } = night.broker.committedRecords({ topic: journalOf('front'), partition: 0 }).at(-1)!
  return (JSON.parse(String(value)) as Commit).watermark!
}
const said = (night: Driver) =>
  night.log.flatMap(({ level, facts }) => {
    const { code, task } = facts as { code?: string; task?: string }
    return code?.startsWith('clock-') && task === 'front#0' ? [`${level} ${code}`] : []
  })

it('an hour ahead closes nothing early: two instances, one right and one wrong, in any order', async () => {
  const night = await Driver.start(setup)
  await night.feed(orders, '', { id: 'a-1' })
  for (const ahead of [0, HOUR, HOUR, 0, HOUR, 0]) {
    await tick(night, ahead)
    expect(watermark(night)).toBe(night.time.now() - EPSILON)
    await night.advance(700)
    await night.feed(orders, '', { id: `a-${night.time.now()}` })
  }
  // The window is five seconds long, and closes with what came in them.
  expect(night.outputs(closed)).toEqual([])
  await night.advance(4_000)
  await tick(night, HOUR)
  const first = night.outputs(items)[0]!
  expect(night.outputs(closed).map(event => event.at)).toEqual([first.at + 5_000])
  expect(said(night)).toEqual([
    ...['error clock-violation', 'info clock-agrees', 'error clock-violation', 'info clock-agrees'],
    'error clock-violation',
  ])
})

it('an hour behind takes nothing back, and time goes on with the next that is right', async () => {
  const night = await Driver.start(setup)
  await tick(night, 0)
  await night.advance(1_000)
  await tick(night, -HOUR)
  expect(watermark(night)).toBe(START - EPSILON)
  await night.advance(1_000)
  await tick(night, 0)
  expect(watermark(night)).toBe(START + 2_000 - EPSILON)
  expect(said(night)).toEqual(['error clock-violation', 'info clock-agrees'])
})

it('a hold ends when the brokers say that it is over, whatever the clock thinks', async () => {
  const night = await Driver.start(setup)
  await tick(night, 0)
  const heldUntil = START + 2_000
  await night.advance(1_000)
  await tick(night, HOUR, 0, { hold: false, heldUntil })
  expect(watermark(night)).toBe(START - EPSILON)
  await night.advance(1_000)
  await tick(night, -10, 0, { hold: true, heldUntil })
  expect(watermark(night)).toBe(heldUntil - 10 - EPSILON)
})

it('a record that is older than the time of its entrance is taken, and the log says so', async () => {
  const night = await Driver.start(setup)
  // Appended before, and not below the end that the clock was told: more than ε was needed.
  const epoch = night.broker.fence('slow')
  const record = { topic: orders.topic, partition: 0, key: null, value: Buffer.from('{"id":"a-1"}') }
  night.broker.append([record], { id: 'slow', epoch })
  await night.advance(2_000)
  await tick(night, 0, 1)
  night.broker.end('slow', epoch, 'committed')
  await night.advance(0)
  expect(said(night)).toEqual(['error clock-violation'])
  await night.advance(1_000)
  await tick(night, 0)
  expect(night.outputs(items)).toHaveLength(1)
})
