import { describe, expect, it } from 'vitest'
import { arrived, demoEffects, demoTopology, items, orders, parcels, seen } from '../testing/demo.ts'
import { Driver } from '../testing/driver.ts'
import { jsonCodec } from '../testing/json-codec.ts'
import { journalOf } from '../../topology/model/names.ts'
import type { Commit } from './journal.ts'
import { settle } from '../testing/virtual-time.ts'

const only = (...stages: string[]) => ({
  ...{ topology: demoTopology, codec: jsonCodec, effects: demoEffects, startAt: 1_000, stages },
})
const ids = (driver: Driver, stream: typeof seen) =>
  driver
    .outputs(stream)
    .map(({ value }) => (value as { id: string }).id)
    .sort()
const journal = (driver: Driver, stage: string, partition = 0) =>
  driver.broker.committedRecords({ topic: journalOf(stage), partition })
const lastCommit = (driver: Driver, stage: string, partition = 0): Commit =>
  JSON.parse(String(journal(driver, stage, partition).at(-1)!.value)) as Commit
const outside = async (driver: Driver, topic: string, value: string, headers: Record<string, string>) => {
  const bytes = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]))
  driver.broker.append([{ topic, partition: 0, key: null, value: Buffer.from(value), headers: bytes }])
  await settle()
}

describe('headers that somebody outside made up', () => {
  it.each(['intake', 'front'])('do not stop %s from parking their record', async stage => {
    const night = await Driver.start(only(stage))
    const stream = stage === 'intake' ? parcels : orders
    await outside(night, stream.topic, 'no json', { redrive: 'many' })
    await night.feed(stream, '', { id: 'a-1' }, { partition: 0 })
    await night.tick(2_000)
    expect(night.fatal).toEqual([])
    expect(night.parked().map(({ code }) => code)).toEqual(['undecodable'])
    expect(ids(night, stage === 'intake' ? arrived : items)).toEqual(['a-1'])
  })
  it.each(['x', '', '-1', '5'])('say nothing of a replay: %j', async replay => {
    const night = await Driver.start(only('intake'))
    await outside(night, parcels.topic, '{"id":"a-1"}', { replay })
    expect(night.outputs(arrived).map(each => each.replay)).toEqual([0])
  })
})

describe('time', () => {
  it('goes on behind ticks that were written before an input existed', async () => {
    const night = await Driver.start(only('front'))
    await night.feed(orders, '', { id: 'a-1' })
    const old = JSON.stringify({ t: 1_500, hold: false, end: { 'orders/0': '1' } })
    await outside(night, 'clock', old, { at: '1500', replay: '0' })
    expect(ids(night, items)).toEqual([])
    await night.tick(1_600)
    expect(ids(night, items)).toEqual(['a-1'])
    expect(lastCommit(night, 'front').watermark).toBe(1_600)
  })
  it('goes on after a stop that was longer than the clock is kept', async () => {
    const night = await Driver.start(only('front'))
    await night.tick(1_100)
    await night.first.crash()
    await night.tick(1_200)
    await night.tick(1_300)
    night.broker.deleteBefore({ topic: 'clock', partition: 0 }, 3n)
    await night.process()
    expect(night.fatal).toEqual([])
    await night.feed(orders, '', { id: 'a-1' })
    await night.tick(2_000)
    expect(ids(night, items)).toEqual(['a-1'])
  })
})

it('remembers that it has passed markers, so that retention takes nothing that it still asks for', async () => {
  const night = await Driver.start(only('ledger'))
  const tp = { topic: 'seen', partition: 0 }
  await night.feed(seen, 'a', { id: 'a-0' }, { partition: 0 })
  const epoch = night.broker.fence('someone')
  night.broker.append([{ ...tp, key: Buffer.from('a'), value: Buffer.from('{"id":"a-1"}') }], { id: 'someone', epoch })
  night.broker.end('someone', epoch, 'aborted')
  await settle()
  await night.advance(2_000)
  await night.first.crash()
  night.broker.deleteBefore(tp, 3n)
  await night.process()
  expect(night.fatal).toEqual([])
})
