import { describe, expect, it } from 'vitest'
import { journalOf } from '../../topology/model/names.ts'
import type { Topology } from '../../topology/model/topology.ts'
import type { Fault } from '../memory/wire.ts'
import {
  arrived,
  closed,
  demoEffects,
  demoTopology,
  items,
  orders,
  parcels,
  receipts,
  seen,
  urgent,
} from '../testing/demo.ts'
import { Driver, type DriverSetup } from '../testing/driver.ts'
import { jsonCodec } from '../testing/json-codec.ts'
import type { Commit } from './journal.ts'

const setup = (more: Partial<DriverSetup> = {}): DriverSetup => ({
  ...{ topology: demoTopology, codec: jsonCodec, effects: demoEffects, startAt: 1_000 },
  ...more,
})
const only = (...stages: string[]) => setup({ stages })
type Stream = typeof seen | typeof items
/** "id@replay" of what was written, in the order of its being written. */
const told = (driver: Driver, stream: Stream) =>
  driver.outputs(stream).map(({ value, replay }) => `${(value as { id: string }).id}@${replay}`)
const lastCommit = (driver: Driver, stage: string, partition = 0): Commit =>
  JSON.parse(String(driver.broker.committedRecords({ topic: journalOf(stage), partition }).at(-1)!.value)) as Commit
/** On one partition all lies in one order. */
const narrow: Topology = { ...demoTopology, partitions: 1 }

describe('an order to replay', () => {
  /** Four receipts, a second apart from 1 s on. */
  async function booked(more: Partial<DriverSetup> = {}) {
    const night = Driver.prepare(setup({ topology: narrow, stages: ['ledger'], ...more }))
    const process = await night.process()
    for (const id of ['a-1', 'a-2', 'a-3', 'a-4']) {
      await night.feed(seen, 'a', { id })
      await night.advance(1_000)
    }
    expect(told(night, receipts)).toEqual(['a-1@0', 'a-2@0', 'a-3@0', 'a-4@0'])
    await process.stop()
    return night
  }

  it('is obeyed once: what is read again since then is marked, what comes after it is not', async () => {
    const night = await booked()
    night.reset('ledger', 3_000)
    await (await night.process()).stop()
    expect(told(night, receipts).slice(4)).toEqual(['a-3@1', 'a-4@1'])
    expect(night.broker.committed('test.ledger', { topic: 'seen', partition: 0 })!.metadata).toMatch(/^pp:/)
    await night.process()
    await night.feed(seen, 'a', { id: 'a-5' })
    expect(told(night, receipts).slice(4)).toEqual(['a-3@1', 'a-4@1', 'a-5@0'])
    expect(night.log.filter(({ sentence }) => sentence === 'an order to replay was taken')).toMatchObject([
      { level: 'warn', facts: { task: 'ledger#0', group: 'test.ledger', replay: 1, order: { 'seen/0': '2' } } },
    ])
  })

  it('has a higher id than the one before, and than any that a record bore', async () => {
    const night = await booked()
    night.reset('ledger', 4_000)
    await (await night.process()).stop()
    night.reset('ledger', 4_000)
    const process = await night.process()
    await night.feed(seen, 'a', { id: 'a-5' }, { replay: 70 })
    await process.stop()
    night.reset('ledger', 4_000)
    await night.process()
    expect(told(night, receipts).slice(4)).toEqual(['a-4@1', 'a-4@2', 'a-5@70', 'a-4@71', 'a-5@71'])
  })

  it.each<[Fault, string]>([
    ['request lost', 'the commit that took it never came to the broker'],
    ['reply lost', 'the commit that took it was not answered'],
    ['refused', 'the commit that took it was refused'],
  ])('is obeyed once also where %s: %s', async fault => {
    const night = await booked()
    night.reset('ledger', 3_000)
    const faults = [fault]
    await night.process({ hop: async () => {}, fault: request => (request === 'end' ? faults.shift() : undefined) })
    await night.advance(10_000)
    expect(faults).toEqual([])
    expect(told(night, receipts).slice(4)).toEqual(['a-3@1', 'a-4@1'])
  })

  it('is obeyed to its end by whoever takes over in the middle of it', async () => {
    let open: () => void = () => undefined
    const gate = new Promise<void>(resolve => (open = resolve))
    let calls = 0
    const ledger: DriverSetup['effects'] = {
      ledger: async event => {
        if (event.replay > 0 && ++calls === 2) await gate
        return demoEffects['ledger']!(event)
      },
    }
    const night = await booked({ effects: ledger, options: { concurrency: 1 } })
    night.reset('ledger', 1_000)
    const first = await night.process()
    expect(told(night, receipts).slice(4)).toEqual(['a-1@1'])
    await first.crash()
    open()
    await night.process()
    expect(told(night, receipts).slice(4)).toEqual(['a-1@1', 'a-2@1', 'a-3@1', 'a-4@1'])
  })

  it.each([
    ['before all: all is read again', 1_000, ['a-1@1', 'a-2@1', 'a-3@1', 'a-4@1']],
    ['to where it stands: also what was done above that', 2_000, ['a-2@1', 'a-3@1', 'a-4@1']],
    ['above where it stands: nothing is skipped, and what was done before stays done', 4_000, ['a-2@1', 'a-4@1']],
    ['to the end: what was done stays done', 1e9, ['a-2@0']],
  ])('to a task that had done more than it stands at, %s', async (_, since, again) => {
    let isStuck = true
    const effects: DriverSetup['effects'] = {
      ledger: event =>
        isStuck && (event.value as { id: string }).id === 'a-2'
          ? new Promise(() => undefined)
          : demoEffects['ledger']!(event),
    }
    const night = Driver.prepare(setup({ topology: narrow, stages: ['ledger'], effects }))
    const process = await night.process()
    for (const id of ['a-1', 'a-2', 'a-3', 'a-4']) {
      await night.feed(seen, 'a', { id })
      await night.advance(1_000)
    }
    await process.crash()
    expect(lastCommit(night, 'ledger')).toMatchObject({ offsets: { 'seen/0': '1' }, done: { 'seen/0': ['2', '3'] } })
    isStuck = false
    night.reset('ledger', since)
    await (await night.process()).stop()
    await night.process()
    await night.feed(seen, 'a', { id: 'a-5' })
    expect(told(night, receipts)).toEqual(['a-1@0', 'a-3@0', 'a-4@0', ...again, 'a-5@0'])
  })

  it('that comes before another is done leaves its marks to that one', async () => {
    let isOpen = false
    const effects: DriverSetup['effects'] = {
      ledger: async event => {
        if (event.replay === 1) await new Promise<void>(resolve => night.time.after(isOpen ? 0 : 60_000, resolve))
        return demoEffects['ledger']!(event)
      },
    }
    const night: Driver = await booked({ effects, options: { concurrency: 1 } })
    night.reset('ledger', 1_000)
    await (await night.process()).crash()
    isOpen = true
    night.reset('ledger', 1_000)
    await night.process()
    // Nothing of the first had been done: the second lies where the task stands, and the first goes on.
    await night.advance(1)
    expect(told(night, receipts).slice(4)).toEqual(['a-1@1', 'a-2@1', 'a-3@1', 'a-4@1'])
  })

  it('forwards or to the end skips nothing, and reads nothing again', async () => {
    const night = await booked()
    await night.feed(seen, 'a', { id: 'a-5' })
    await night.feed(seen, 'a', { id: 'a-6' })
    night.reset('ledger', 1e9)
    await (await night.process()).stop()
    expect(told(night, receipts).slice(4)).toEqual(['a-5@0', 'a-6@0'])
    expect(lastCommit(night, 'ledger').replay.id).toBe(0)
  })

  it('is written over at once, also where nothing is read again and nothing comes', async () => {
    const night = await booked()
    const { offset } = night.broker.committed('test.ledger', { topic: 'seen', partition: 0 })!
    night.reset('ledger', 1e9)
    await night.process()
    expect(night.broker.committed('test.ledger', { topic: 'seen', partition: 0 })).toEqual({
      offset,
      metadata: expect.stringMatching(/^pp:/) as string,
    })
  })

  it('accepts the loss of records that retention took unread', async () => {
    const night = await booked()
    await night.feed(seen, 'a', { id: 'a-5' })
    await night.feed(seen, 'a', { id: 'a-6' })
    night.broker.deleteBefore({ topic: 'seen', partition: 0 }, 5n)
    await (await night.process()).crash()
    expect(night.fatal.map(({ name }) => name)).toEqual(['DataLoss'])
    night.reset('ledger', 1e9)
    await night.process()
    expect(told(night, receipts).slice(4)).toEqual(['a-6@0'])
  })

  it('is not taken where the truth is not the place in the log, and said', async () => {
    const stages = narrow.stages.map(stage =>
      stage.name === 'ledger' ? { ...stage, resets: 'ignored' as const } : stage,
    )
    const night = await booked({ topology: { ...narrow, stages } })
    night.reset('ledger', 1_000)
    await night.process()
    await night.feed(seen, 'a', { id: 'a-5' })
    expect(told(night, receipts).slice(4)).toEqual(['a-5@0'])
    expect(
      night.log.map(({ sentence }) => sentence).filter(it => it.startsWith('an order was not taken')),
    ).toHaveLength(1)
  })
})

describe('a step that is told to replay', () => {
  it('learns its time anew from the log, and takes it as the id; its states stay', async () => {
    const night = Driver.prepare(setup({ topology: narrow, stages: ['window'] }))
    const process = await night.process()
    await night.feed(items, 'a', { id: 'a-1', place: 1 }, { at: 1_000 })
    await night.watermark('window', 2_000)
    await night.advance(1_000)
    await night.feed(arrived, 'a', { id: 'a-2' }, { at: 2_500 })
    await night.watermark('window', 3_000)
    await night.watermark('window', 5_000)
    await process.stop()
    night.reset('window', 2_000)
    const again = await night.process()
    // The window knows both: what is read again changes nothing.
    expect(told(night, seen)).toEqual(['a-1@0', 'a-2@0'])
    expect(lastCommit(night, 'window')).toMatchObject({ watermark: 5_000, replay: { id: 5_000, seen: 5_000 } })
    await night.watermark('window', 6_000)
    expect(night.outputs(closed).map(({ value }) => value)).toEqual([{ ids: ['a-1', 'a-2'] }])
    await again.stop()
    // Now it has forgotten them: they are news, of the replay.
    night.reset('window', 2_000)
    await night.process()
    expect(told(night, seen).slice(2)).toEqual(['a-2@6000'])
  })

  it('at an entrance goes back among the ticks too; whoever is behind it keeps its time', async () => {
    const night = Driver.prepare(setup({ topology: narrow, stages: ['front'] }))
    const process = await night.process()
    for (const id of ['a-1', 'a-2', 'a-3']) {
      await night.feed(orders, '', { id })
      await night.tick()
      await night.advance(1_000)
    }
    await process.stop()
    night.reset('front', 2_000)
    await night.process()
    expect(told(night, items)).toEqual(['a-1@0', 'a-2@0', 'a-3@0', 'a-2@3000', 'a-3@3000'])
    const times = night
      .records(items)
      .flatMap(({ headers }) =>
        headers['watermark'] ? [(JSON.parse(String(headers['watermark'])) as { t: number }).t] : [],
      )
    expect(times.slice(0, 3)).toEqual([1_000, 2_000, 3_000])
    expect(times.at(-1)).toBe(3_000)
    expect(lastCommit(night, 'front').offsets['clock/0']).toBe('3')
  })

  it('in two tasks that share the clock: whoever is second keeps its place among the ticks', async () => {
    const night = Driver.prepare(only('intake'))
    const process = await night.process()
    for (let i = 0; i < 8; i++) await night.feed(parcels, '', { id: `a-${i}` }, { partition: i % 4 })
    await night.tick()
    await process.stop()
    night.reset('intake', 0)
    await night.process()
    const again = told(night, arrived).filter(it => !it.endsWith('@0'))
    expect(again.sort()).toEqual(Array.from({ length: 8 }, (_, i) => `a-${i}@1000`))
    await night.advance(1_000)
    await night.tick()
    expect([0, 1].map(task => lastCommit(night, 'intake', task).watermark)).toEqual([2_000, 2_000])
    expect(night.fatal).toEqual([])
  })

  it('is refused where only some of its inputs were reset, with the moment that the others must go to', async () => {
    const night = Driver.prepare(only('front'))
    const process = await night.process()
    await night.feed(orders, '', { id: 'a-1' })
    await night.tick()
    await process.stop()
    night.reset('front', 0, ['orders', 'urgent'])
    await night.process()
    expect(night.fatal.map(String)).toEqual([
      'OrderRefused: front#0 does not start: an order to replay cannot be obeyed. urgent/0, orders/0 reset, and clock/0 not. ' +
        'All its inputs go to one moment:\n' +
        '  kafka-consumer-groups.sh --bootstrap-server <broker> --group test.front --reset-offsets --topic urgent --topic orders ' +
        '--topic clock --to-datetime 1970-01-01T00:00:01.000 --execute\n' +
        'To take the order back, and go on where the stage stands:\n' +
        "  pp replay cancel front --reason '…'",
    ])
    expect(told(night, items)).toEqual(['a-1@0'])
  })

  it.each([
    [
      'to different moments',
      { orders: 1n, urgent: 0n, clock: 0n },
      /different moments. The earliest is 1970-01-01T00:00:01.000Z: orders\/0 was reset to 1, and 0 is/,
    ],
    ['by a shift', { orders: 2n, urgent: 1n, clock: 0n }, /different moments/],
    ['beyond the log', { orders: 9n, urgent: 0n, clock: 0n }, /orders\/0 was reset to 9, and the log holds 0 to 3/],
  ])('is refused where its inputs were reset %s', async (_, to, sentence) => {
    const night = Driver.prepare(only('front'))
    const process = await night.process()
    for (const id of ['a-1', 'a-2', 'a-3']) {
      await night.feed(orders, '', { id })
      await night.feed(urgent, '', { id: `${id}-u` })
      await night.tick()
      await night.advance(1_000)
    }
    await process.stop()
    const offsets = Object.entries(to).map(([topic, offset]) => ({ topic, partition: 0, offset, metadata: '' }))
    night.broker.setOffsets({ group: 'test.front', offsets })
    await night.process()
    expect(night.fatal.map(String)).toEqual([expect.stringMatching(sentence)])
    expect(told(night, items)).toHaveLength(6)
  })

  it('is refused where retention took what was ordered before it was read', async () => {
    const night = Driver.prepare(setup({ topology: narrow, stages: ['ledger'] }))
    const process = await night.process()
    for (const id of ['a-1', 'a-2']) await night.feed(seen, 'a', { id })
    await process.stop()
    night.reset('ledger', 0)
    night.broker.deleteBefore({ topic: 'seen', partition: 0 }, 1n)
    await night.process()
    expect(night.fatal.map(String)).toEqual([expect.stringMatching(/seen\/0 was reset to 0, and the log holds 1 to 2/)])
  })
})
