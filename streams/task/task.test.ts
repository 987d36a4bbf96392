import { beforeEach, describe, expect, it } from 'vitest'
import { UnknownSchemaError } from '../../schemas/codec.ts'
import { Rejection, to, type Event } from '../../topology/model/step.ts'
import { journalOf } from '../../topology/model/names.ts'
import { stageOf, type Topology } from '../../topology/model/topology.ts'
import { parked } from '../../topology/streams.ts'
import { MemoryClient } from '../memory/client.ts'
import type { Fate, Fault } from '../memory/wire.ts'
import {
  arrived,
  closed,
  demoEffects,
  demoTopology,
  items,
  keyOf,
  ledgerEffect,
  orders,
  parcels,
  receipts,
  seen,
  urgent,
} from '../testing/demo.ts'
import { checkStage } from '../stage-checks.ts'
import { Driver, type DriverSetup } from '../testing/driver.ts'
import { jsonCodec } from '../testing/json-codec.ts'
import type { Effect } from './effects.ts'
import type { Commit } from './journal.ts'

const setup = (more: Partial<DriverSetup> = {}): DriverSetup => ({
  ...{ topology: demoTopology, codec: jsonCodec, effects: demoEffects, startAt: 1_000 },
  ...more,
})
const only = (...stages: string[]) => setup({ stages })
const ids = (events: readonly Event[]) => events.map(({ value }) => (value as { id: string }).id).sort()
const windows = (driver: Driver) =>
  driver.outputs(closed).map(e => [e.key, e.at, (e.value as { ids: string[] }).ids.join()] as const)
const journal = (driver: Driver, stage: string, partition = 0) =>
  driver.broker.committedRecords({ topic: journalOf(stage), partition })
const lastCommit = (driver: Driver, stage: string, partition = 0): Commit =>
  JSON.parse(String(journal(driver, stage, partition).at(-1)!.value)) as Commit

/** A fault at the n-th request of its kind for ids of the stage, from 0. */
const faultAt = (stage: string, request: string, n: number, fault: Fault): Fate => {
  let count = 0
  return {
    hop: () => Promise.resolve(),
    fault: (kind, id) => (kind === request && id.includes(stage) && count++ === n ? fault : undefined),
  }
}

describe('a step task', () => {
  it('writes outputs, wakes at deadlines, and says in its journal where it stands', async () => {
    const night = await Driver.start(only('window'))
    await night.feed(items, 'a', { id: 'a-1', place: 1 }, { at: 1_000 })
    await night.feed(arrived, 'a', { id: 'a-2' }, { at: 3_000, replay: 7 })
    expect(night.outputs(seen).map(e => [e.key, (e.value as { id: string }).id, e.at, e.replay])).toEqual([
      ['a', 'a-1', 1_000, 0],
      ['a', 'a-2', 3_000, 7],
    ])
    await night.watermark('window', 5_999)
    expect(windows(night)).toEqual([])
    await night.watermark('window', 9_000)
    expect(windows(night)).toEqual([['a', 6_000, 'a-1,a-2']])
    const { partition } = night.outputs(seen)[0]!
    expect(lastCommit(night, 'window', partition)).toMatchObject({
      stateVersion: 1,
      watermark: 9_000,
      upstream: { 'items<front#0': 9_000, 'arrived<intake#0': 9_000, 'arrived<intake#1': 9_000 },
      offsets: { [`items/${partition}`]: '3', [`arrived/${partition}`]: '5' },
      done: {},
    })
    expect(night.fatal).toEqual([])
  })

  it('puts the commit record last in every transaction, and forgets a key by a tombstone', async () => {
    const night = await Driver.start(only('window'))
    await night.feed(items, 'a', { id: 'a-1', place: 1 }, { at: 1_000 })
    await night.watermark('window', 9_000)
    const { partition } = night.outputs(seen)[0]!
    const keys = journal(night, 'window', partition).map(
      ({ key, value }) => `${String(key)}${value === null ? ' forgotten' : ''}`,
    )
    expect(keys.slice(0, 2)).toEqual(['s:a', '__c'])
    expect(keys.slice(-2)).toEqual(['s:a forgotten', '__c'])
  })

  it('writes group offsets that are its own by their metadata', async () => {
    const night = await Driver.start(only('window'))
    await night.feed(items, 'a', { id: 'a-1', place: 1 })
    const { partition } = night.outputs(seen)[0]!
    expect(night.broker.committed('test.window', { topic: 'items', partition })).toEqual({
      offset: 1n,
      metadata: 'pp:1',
    })
  })

  it('gives the same outputs when it is restarted after every record', async () => {
    const script = async (driver: Driver, between: () => Promise<void>) => {
      for (let i = 0; i < 30; i++) {
        const key = 'abc'[i % 3]!
        await driver.feed(i % 2 ? items : arrived, key, { id: `${key}-${i}` }, { at: 1_000 + i * 700 })
        await between()
        if (i % 4 === 3) {
          await driver.watermark('window', i * 700)
          await between()
        }
      }
      await driver.watermark('window', 60_000)
      const all = [...driver.outputs(seen), ...driver.outputs(closed)]
      return all.map(({ offset: _, partition: __, ...event }) => JSON.stringify(event)).sort()
    }
    const calm = await script(await Driver.start(only('window')), async () => undefined)
    const restless = Driver.prepare(only('window'))
    let process = await restless.process()
    const restarted = await script(restless, async () => {
      await process.crash()
      process = await restless.process()
    })
    expect(restarted).toEqual(calm)
    expect(calm.length).toBeGreaterThan(36)
  })

  it('does not mind duplicates, nor in what order its inputs come before the watermark', async () => {
    const inputs = Array.from({ length: 12 }, (_, i) => ({ id: `${'ab'[i % 2]}-${i}`, at: 1_000 + i * 900 }))
    const run = async (order: typeof inputs) => {
      const night = await Driver.start(only('window'))
      for (const { id, at } of order) await night.feed(arrived, keyOf(id), { id }, { at })
      await night.watermark('window', 60_000)
      return windows(night).sort(([a, s], [b, t]) => (a < b ? -1 : a > b ? 1 : s - t))
    }
    const calm = await run(inputs)
    expect(calm).toEqual([
      ['a', 6_000, 'a-0,a-2,a-4'],
      ['a', 11_400, 'a-10,a-6,a-8'],
      ['b', 6_900, 'b-1,b-3,b-5'],
      ['b', 12_300, 'b-11,b-7,b-9'],
    ])
    expect(await run([...inputs].reverse())).toEqual(calm)
    expect(await run(inputs.flatMap(input => [input, input]))).toEqual(calm)
  })

  it('parks what it cannot read with coordinates, reason and bytes, and goes on', async () => {
    const night = await Driver.start(only('window'))
    await night.feed(items, 'a', { id: 'a-1' })
    const { partition } = night.outputs(seen)[0]!
    await night.feedBytes(items, 'a', Buffer.from('{not json'), { partition })
    await night.feedBytes(items, 'a', null, { partition })
    await night.feed(items, 'a', { id: 'a-2' })
    expect(ids(night.outputs(seen))).toEqual(['a-1', 'a-2'])
    expect(night.outputs(parked).map(({ value }) => value)).toMatchObject([
      {
        stage: 'window',
        topic: 'items',
        partition,
        offset: 1n,
        code: 'undecodable',
        attempt: 1,
        recordValue: '{not json',
      },
      { stage: 'window', topic: 'items', partition, offset: 2n, code: 'no-value', recordValue: null, recordKey: 'a' },
    ])
  })

  it('parks a record whose time cannot be known where time decides, and one that a step writes wrongly', async () => {
    const wrong: Topology = {
      ...demoTopology,
      stages: demoTopology.stages.map(s => (s.name === 'window' ? { ...s, writes: [closed] } : s)),
    }
    const night = await Driver.start(setup({ topology: wrong, stages: ['window'] }))
    night.broker.append([{ topic: 'items', partition: 0, key: Buffer.from('a'), value: Buffer.from('{"id":"a-1"}') }])
    await night.feed(items, 'a', { id: 'a-2' })
    expect(
      night
        .parked()
        .map(({ code }) => code)
        .sort(),
    ).toEqual(['no-time', 'undeclared-output'])
    expect(night.parked().find(({ code }) => code === 'undeclared-output')!.reason).toBe(
      'window wrote to seen; it declares: closed.',
    )
  })

  it('waits for the registry when a record was written with a schema not seen yet, and parks nothing', async () => {
    let [knows, asked] = [false, 0]
    const codec = {
      ...jsonCodec,
      decode: ((name: never, bytes: Buffer) => {
        if (!knows && bytes.includes('new')) throw new UnknownSchemaError(7)
        return jsonCodec.decode(name, bytes)
      }) as typeof jsonCodec.decode,
      prefetch: async () => {
        if (++asked < 3) throw new Error('no connection')
        knows = true
      },
    }
    const night = await Driver.start({ ...only('window'), codec })
    await night.feed(items, 'a', { id: 'a-new' })
    expect(ids(night.outputs(seen))).toEqual([])
    await night.advance(60_000)
    expect([asked, ids(night.outputs(seen)), night.parked()]).toEqual([3, ['a-new'], []])
  })
})

describe('an entrance', () => {
  it('takes inputs in order of append time up to the tick, ties in the order of its inputs', async () => {
    const night = await Driver.start(only('front'))
    await night.feed(orders, '', { id: 'a-1' })
    await night.feed(urgent, '', { id: 'a-2' })
    await night.advance(500)
    await night.feed(orders, '', { id: 'a-3' })
    expect(night.outputs(items)).toEqual([])
    await night.tick(1_200)
    const order = () =>
      night
        .outputs(items)
        .map(e => [(e.value as { id: string; place: number }).place, (e.value as { id: string }).id, e.at])
    expect(order().sort()).toEqual([
      [1, 'a-2', 1_000],
      [2, 'a-1', 1_000],
    ])
    await night.tick(1_500)
    expect(order()).toContainEqual([3, 'a-3', 1_500])
  })

  it('holds what it has not taken in no commit: after a crash it reads that again', async () => {
    const night = await Driver.start(only('front'))
    await night.feed(orders, '', { id: 'a-1' })
    await night.tick(1_000)
    await night.advance(500)
    await night.feed(orders, '', { id: 'a-2' })
    await night.first.crash()
    await night.process()
    await night.tick(1_500)
    expect(ids(night.outputs(items))).toEqual(['a-1', 'a-2'])
  })

  it('forwards its watermark to every partition, as the last record of the transaction', async () => {
    const night = await Driver.start(only('front'))
    await night.feed(orders, '', { id: 'a-1' })
    await night.tick(1_400)
    const records = night.records(items)
    for (const partition of [0, 1, 2]) {
      const last = records.filter(record => record.partition === partition).at(-1)!
      expect(JSON.parse(String(last.headers['watermark']))).toEqual({ from: 'front#0', t: 1_400 })
      expect([last.key, last.value!.length]).toEqual([null, 0])
    }
    expect(ids(night.outputs(items))).toEqual(['a-1'])
  })

  it('never skips a tick: it stays at the first whose own ends it has not reached', async () => {
    const night = Driver.prepare(only('front'))
    const tick = async (t: number, end: string) => {
      await night.advance(t - night.time.now())
      const said = { t, hold: false, end: { 'orders/0': end, 'urgent/0': '0', 'parcels/0': '99' } }
      await night.feedBytes({ ...orders, topic: 'clock' }, '', Buffer.from(JSON.stringify(said)), { partition: 0 })
    }
    await night.feed(orders, '', { id: 'a-1' })
    await tick(1_100, '2')
    await tick(1_200, '1')
    await night.process()
    expect(night.records(items)).toEqual([])
    await night.feed(orders, '', { id: 'a-2' })
    expect(lastCommit(night, 'front').watermark).toBe(1_200)
    expect(ids(night.outputs(items))).toEqual(['a-1', 'a-2'])
  })

  it('takes no time from a tick on hold, nor from one that goes back', async () => {
    const night = await Driver.start(only('front'))
    await night.tick(1_400)
    await night.tick(9_000, true)
    await night.tick(1_300)
    expect(lastCommit(night, 'front').watermark).toBe(1_400)
    await night.tick(1_500)
    expect(lastCommit(night, 'front').watermark).toBe(1_500)
  })

  it('replays an outage at full speed with the same decisions', async () => {
    const feed = async (driver: Driver, ticks: (t: number) => Promise<void>) => {
      for (let i = 0; i < 50; i++) {
        await driver.feed(i % 3 ? orders : urgent, '', { id: `${'ab'[i % 2]}-${i}` })
        await driver.feed(parcels, `${i}`, { id: `${'ab'[i % 2]}-p${i}` })
        await driver.advance(400)
        await ticks(driver.time.now() - 100)
      }
      await driver.advance(20_000)
      await ticks(driver.time.now())
    }
    const live = await Driver.start(only('front', 'intake', 'window'))
    await feed(live, t => live.tick(t))
    const down = Driver.prepare(only('front', 'intake', 'window'))
    await feed(down, t => down.tick(t))
    const before = down.time.now()
    await down.process()
    expect(down.time.now()).toBe(before)
    expect(windows(down).sort()).toEqual(windows(live).sort())
    expect(windows(live).length).toBeGreaterThan(6)
  })

  it('is refused, with the command that helps, when its topic carries the time of the producer', async () => {
    const night = Driver.prepare(only('front'))
    night.broker.configure('orders', { 'message.timestamp.type': 'CreateTime' })
    await expect(night.process()).rejects.toThrow(
      /front may not start:[^]*kafka-configs.sh[^]*--entity-name orders --add-config message.timestamp.type=LogAppendTime/,
    )
  })

  it('stops with the same command when that is changed under it', async () => {
    const night = await Driver.start(only('front'))
    night.broker.configure('orders', { 'message.timestamp.type': 'CreateTime' })
    await night.feed(orders, '', { id: 'a-1' })
    expect(night.fatal).toMatchObject([{ name: 'NoAppendTime' }])
    expect(night.records(items)).toEqual([])
  })
})

describe('exactly once', () => {
  const faults: [request: 'produce' | 'end', fault: Fault][] = [
    ['produce', 'refused'],
    ['produce', 'request lost'],
    ['produce', 'reply lost'],
    ['end', 'refused'],
    ['end', 'request lost'],
    ['end', 'reply lost'],
    ['end', 'delayed'],
  ]
  it.each(faults)('holds when %s is %s: a new epoch, restored from the journal', async (request, fault) => {
    const night = Driver.prepare(only('window'))
    await night.process(faultAt('window', request, 1, fault))
    for (let i = 0; i < 6; i++) {
      await night.feed(items, 'a', { id: `a-${i}` }, { at: 1_000 + i })
      await night.advance(1_000)
    }
    await night.watermark('window', 7_000)
    await night.advance(1_000)
    expect(night.outputs(seen).map(e => (e.value as { id: string }).id)).toEqual([
      'a-0',
      'a-1',
      'a-2',
      'a-3',
      'a-4',
      'a-5',
    ])
    expect(windows(night)).toEqual([['a', 6_000, 'a-0,a-1,a-2,a-3,a-4,a-5']])
    expect(night.broker.hanging()).toEqual([])
    const { partition } = night.outputs(seen)[0]!
    const seqs = journal(night, 'window', partition)
      .filter(r => String(r.key) === '__c')
      .map(r => (JSON.parse(String(r.value)) as Commit).seq)
    expect(seqs).toEqual(seqs.map((_, i) => i + 1))
    expect(
      night.log.filter(({ sentence }) => sentence === 'the epoch ended; the task is fenced and restored anew'),
    ).toHaveLength(1)
  })

  it.each(['before commit', 'after commit', 'restored'] as const)('holds when the process dies %s', async point => {
    let armed = false
    let die: () => void = () => undefined
    const failPoint = async (at: string) => {
      if (armed && at === point) {
        armed = false
        die()
        await new Promise(() => undefined)
      }
    }
    const night = Driver.prepare({ ...only('window'), options: { failPoint } })
    const doomed = await night.process()
    die = () => doomed.client.crash()
    await night.feed(items, 'a', { id: 'a-1' }, { at: 1_000 })
    armed = true
    await night.feed(items, 'a', { id: 'a-2' }, { at: 1_100 })
    await night.process()
    await night.feed(items, 'a', { id: 'a-3' }, { at: 1_200 })
    await night.watermark('window', 6_000)
    if (armed) await doomed.crash()
    expect(night.outputs(seen).map(e => (e.value as { id: string }).id)).toEqual(['a-1', 'a-2', 'a-3'])
    expect(windows(night)).toEqual([['a', 6_000, 'a-1,a-2,a-3']])
  })

  it('fences a zombie: it wakes after the takeover, writes nothing, drops its tasks and joins again', async () => {
    let armed = true
    let freeze: () => void = () => undefined
    const failPoint = async (at: string) => {
      if (armed && at === 'before commit') {
        armed = false
        freeze()
      }
    }
    const night = Driver.prepare({ ...only('window'), options: { failPoint } })
    const zombie = await night.process()
    freeze = () => zombie.client.freeze()
    await night.feed(items, 'a', { id: 'a-1' }, { at: 1_000 })
    expect(night.outputs(seen)).toEqual([])
    zombie.client.expire()
    await night.process()
    await night.feed(items, 'a', { id: 'a-2' }, { at: 1_100 })
    expect(ids(night.outputs(seen))).toEqual(['a-1', 'a-2'])
    zombie.client.thaw()
    await night.advance(30_000)
    await night.feed(items, 'a', { id: 'a-3' }, { at: 1_200 })
    await night.feed(items, 'b', { id: 'b-1' }, { at: 1_200 })
    expect(ids(night.outputs(seen))).toEqual(['a-1', 'a-2', 'a-3', 'b-1'])
    const members = night.broker.group('test.window').members()
    expect([...members.values()].flat().sort()).toEqual([0, 1, 2])
    expect(members.size).toBe(2)
  })

  it('drops all tasks and rejoins when it is fenced by somebody who is no member', async () => {
    const night = await Driver.start(only('window'))
    await night.feed(items, 'a', { id: 'a-1' }, { at: 1_000 })
    const { partition } = night.outputs(seen)[0]!
    night.broker.fence(`test.window.${partition}`)
    await night.feed(items, 'a', { id: 'a-2' }, { at: 1_100 })
    expect(night.log.map(({ sentence }) => sentence)).toContain(
      'fenced: somebody newer runs this task; all are dropped',
    )
    await night.advance(10_000)
    expect(ids(night.outputs(seen))).toEqual(['a-1', 'a-2'])
  })

  it('restores over a compacted journal whose tail is gaps and markers', async () => {
    const night = await Driver.start(only('window'))
    for (let i = 0; i < 5; i++) await night.feed(items, 'a', { id: `a-${i}` }, { at: 1_000 })
    const { partition } = night.outputs(seen)[0]!
    await night.first.crash()
    night.broker.compact({ topic: journalOf('window'), partition })
    expect(journal(night, 'window', partition)).toHaveLength(2)
    await night.process()
    await night.watermark('window', 6_000)
    expect(windows(night)).toEqual([['a', 6_000, 'a-0,a-1,a-2,a-3,a-4']])
  })

  it('stops with the sentence when records that it needs are gone', async () => {
    const night = await Driver.start(only('window'))
    await night.feed(items, 'a', { id: 'a-1' })
    const { partition } = night.outputs(seen)[0]!
    await night.first.crash()
    await night.feed(items, 'a', { id: 'a-2' })
    await night.feed(items, 'a', { id: 'a-3' })
    night.broker.deleteBefore({ topic: 'items', partition }, 2n)
    await night.process()
    expect(night.fatal).toMatchObject([
      {
        name: 'DataLoss',
        message: `items/${partition}: offset 1 is outside the log, which holds 2 to 3; records between are lost`,
      },
    ])
    expect(ids(night.outputs(seen))).toEqual(['a-1'])
  })

  it('stops when somebody else wrote to the journal', async () => {
    const night = await Driver.start(only('window'))
    await night.feed(items, 'a', { id: 'a-1' })
    await night.first.crash()
    const { partition } = night.outputs(seen)[0]!
    night.broker.append([{ topic: journalOf('window'), partition, key: Buffer.from('s:a'), value: Buffer.from('{}') }])
    await night.process()
    expect(night.fatal).toMatchObject([
      { name: 'BrokenJournal', message: expect.stringContaining('after the last commit record') as string },
    ])
  })

  it('stops when its journal holds other states than it had committed', async () => {
    const night = await Driver.start(only('window'))
    await night.feed(items, 'a', { id: 'a-1' })
    await night.first.crash()
    const { partition } = night.outputs(seen)[0]!
    const journal = { topic: journalOf('window'), partition }
    const next = { ...lastCommit(night, 'window', partition), seq: 2 }
    night.broker.append([
      { ...journal, key: Buffer.from('s:a'), value: Buffer.from('{"members":[]}') },
      { ...journal, key: Buffer.from('__c'), value: Buffer.from(JSON.stringify(next)) },
    ])
    await night.process()
    expect(night.fatal).toMatchObject([
      { name: 'BrokenJournal', message: expect.stringContaining('the 1 states are not those of commit 2') as string },
    ])
  })
})

describe('an effect task', () => {
  let gates: Map<string, { open: () => void; fail: (error: Error) => void }>
  let calls: string[]
  const gated = async ({ key, value }: Event) => {
    const { id } = value as { id: string }
    calls.push(id)
    await new Promise<void>((resolve, reject) => gates.set(id, { open: resolve, fail: reject }))
    return { out: [to(receipts, key, { id })] }
  }
  const settled = (driver: Driver) => driver.advance(0)
  beforeEach(() => {
    gates = new Map()
    calls = []
  })
  const start = (more: Partial<DriverSetup> = {}) =>
    Driver.start({ ...only('ledger'), effects: { ledger: gated }, ...more })
  const feed = async (driver: Driver, names: readonly string[]) => {
    for (const id of names) await driver.feed(seen, 'a', { id })
  }
  const partitionOf = (driver: Driver) => driver.outputs(seen)[0]!.partition

  it('commits what is done beside the offset, and after a restart runs only the rest', async () => {
    const night = await start()
    await feed(night, ['a-0', 'a-1', 'a-2', 'a-3'])
    gates.get('a-1')!.open()
    gates.get('a-3')!.open()
    await settled(night)
    expect(ids(night.outputs(receipts))).toEqual(['a-1', 'a-3'])
    const p = partitionOf(night)
    expect(lastCommit(night, 'ledger', p)).toMatchObject({
      offsets: { [`seen/${p}`]: '0' },
      done: { [`seen/${p}`]: ['1', '3'] },
    })
    await night.first.crash()
    calls.length = 0
    await night.process()
    expect(calls).toEqual(['a-0', 'a-2'])
    gates.get('a-0')!.open()
    gates.get('a-2')!.open()
    await settled(night)
    expect(ids(night.outputs(receipts))).toEqual(['a-0', 'a-1', 'a-2', 'a-3'])
    expect(lastCommit(night, 'ledger', p)).toMatchObject({ offsets: { [`seen/${p}`]: '4' }, done: {} })
  })

  it('works on so many at once and no more', async () => {
    const night = await start({ options: { concurrency: 3 } })
    await feed(night, ['a-0', 'a-1', 'a-2', 'a-3', 'a-4'])
    expect(calls).toEqual(['a-0', 'a-1', 'a-2'])
    gates.get('a-1')!.open()
    await settled(night)
    expect(calls).toEqual(['a-0', 'a-1', 'a-2', 'a-3'])
  })

  it('holds no more than so many done above one that hangs', async () => {
    const night = await start({ options: { maxHeld: 10 } })
    await feed(
      night,
      Array.from({ length: 30 }, (_, i) => `a-${i}`),
    )
    for (let i = 0; i < 30; i++) {
      for (const [id, gate] of gates) if (id !== 'a-0') gate.open()
      await settled(night)
    }
    expect(calls).toHaveLength(10)
    gates.get('a-0')!.open()
    for (let i = 0; i < 30; i++) {
      await settled(night)
      for (const gate of gates.values()) gate.open()
    }
    await settled(night)
    expect(night.outputs(receipts)).toHaveLength(30)
  })

  it('tries again for ever what fails, later and later, while its neighbours go on', async () => {
    const tries: number[] = []
    const effect = async ({ key, value }: Event) => {
      const { id } = value as { id: string }
      if (id === 'a-bad') throw new Rejection('bad-id', 'It is bad.')
      if (id === 'a-hard' && tries.push(night.time.now()) < 12) throw new Error('the other side is away')
      return { out: [to(receipts, key, { id })], park: id === 'a-half' ? [{ code: 'half', reason: 'One half.' }] : [] }
    }
    const night = await start({ effects: { ledger: effect } })
    await feed(night, ['a-hard', 'a-bad', 'a-half', 'a-easy'])
    expect(ids(night.outputs(receipts))).toEqual(['a-easy', 'a-half'])
    expect(night.parked().map(({ code }) => code)).toEqual(['bad-id', 'half'])
    await night.advance(600_000)
    expect(ids(night.outputs(receipts))).toEqual(['a-easy', 'a-half', 'a-hard'])
    const gaps = tries.slice(1).map((t, i) => t - tries[i]!)
    expect(gaps[0]).toBeLessThanOrEqual(200)
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(15_000)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000)
    const warnings = night.log.filter(({ level, sentence }) => level === 'warn' && sentence.includes('tried again'))
    expect(warnings).toHaveLength(11)
    expect(warnings[0]!.facts).toMatchObject({ record: `seen/${partitionOf(night)}@0`, attempt: 1 })
  })

  it('says that an effect does not come to an end, after a minute and then twice as late each time, and no more when it has', async () => {
    const night = await start()
    await feed(night, ['a-0'])
    await night.advance(200_000)
    gates.get('a-0')!.open()
    await settled(night)
    await night.advance(600_000)
    const stuck = night.log.filter(({ facts }) => 'code' in facts && facts.code === 'effect-stuck')
    expect(stuck.map(({ facts }) => facts)).toMatchObject([{ ms: 60_000 }, { ms: 180_000 }])
    expect(ids(night.outputs(receipts))).toEqual(['a-0'])
  })

  it('parks a record whose output is too large for its topic, which would be tried for ever, and goes on', async () => {
    const large = 'x'.repeat(9 << 20)
    const effect: Effect = async ({ key, value }) => {
      const { id } = value as { id: string }
      return { out: [to(receipts, key, { id: id === 'a-large' ? large : id })] }
    }
    const night = await start({ effects: { ledger: effect } })
    await feed(night, ['a-large', 'a-0'])
    expect(night.parked()).toMatchObject([{ code: 'unwritable-output' }])
    expect(night.parked()[0]!.reason).toContain('bytes are more than a record may have')
    expect(ids(night.outputs(receipts))).toEqual(['a-0'])
  })

  it('at an entrance takes a tick only when every record below its end is done or parked', async () => {
    const effect = async (event: Event) => {
      const { id } = event.value as { id: string }
      if (id !== 'a-bad') await gated(event)
      return demoEffects['intake']!(event)
    }
    const night = await Driver.start({ ...only('intake'), effects: { intake: effect } })
    for (const id of ['a-0', 'a-bad', 'a-2']) await night.feed(parcels, '', { id }, { partition: 0 })
    await night.tick(1_500)
    await night.feed(parcels, '', { id: 'a-3' }, { partition: 0 })
    await night.tick(1_600)
    const watermarkOf = (task: number) =>
      journal(night, 'intake', task).length ? lastCommit(night, 'intake', task).watermark : null
    gates.get('a-2')!.open()
    gates.get('a-3')!.open()
    await settled(night)
    expect([watermarkOf(0), watermarkOf(1)]).toEqual([null, 1_600])
    gates.get('a-0')!.open()
    await settled(night)
    expect(watermarkOf(0)).toBe(1_600)
    expect(ids(night.outputs(arrived))).toEqual(['a-0', 'a-2', 'a-3'])
    const last = night.records(arrived).filter(({ headers }) => headers['watermark'])
    expect(new Set(last.map(({ headers }) => String(headers['watermark'])))).toEqual(
      new Set(['{"from":"intake#1","t":1500}', '{"from":"intake#1","t":1600}', '{"from":"intake#0","t":1600}']),
    )
  })

  it('finishes what is under way when it is stopped, within the budget', async () => {
    const night = await start({ options: { revokeBudgetMs: 2_000 } })
    await feed(night, ['a-0', 'a-1'])
    const stopping = night.first.stop()
    gates.get('a-1')!.open()
    await settled(night)
    await night.advance(2_000)
    await stopping
    expect(ids(night.outputs(receipts))).toEqual([])
    gates.get('a-0')!.open()
    await settled(night)
    expect(ids(night.outputs(receipts))).toEqual([])

    calls.length = 0
    const next = await night.process()
    const stoppingNext = next.stop()
    gates.get('a-0')!.open()
    gates.get('a-1')!.open()
    await settled(night)
    await stoppingNext
    expect(ids(night.outputs(receipts))).toEqual(['a-0', 'a-1'])
    expect(calls).toEqual(['a-0', 'a-1'])
  })
})

describe('tasks of a stage', () => {
  it('move between processes as these come and go, and nothing is lost or doubled', async () => {
    const night = Driver.prepare({ ...only('window', 'ledger'), effects: { ledger: ledgerEffect } })
    const processes = [await night.process()]
    const sent: string[] = []
    const feed = async () => {
      for (let i = 0; i < 6; i++) {
        const id = `${'abcdef'[i]}-${sent.length}`
        sent.push(id)
        await night.feed(items, keyOf(id), { id })
      }
    }
    await feed()
    processes.push(await night.process(), await night.process())
    await feed()
    await processes[0]!.crash()
    await feed()
    await processes[1]!.stop()
    await feed()
    expect(ids(night.outputs(seen))).toEqual([...sent].sort())
    expect(ids(night.outputs(receipts))).toEqual([...sent].sort())
    expect(night.broker.group('test.window').members().size).toBe(1)
    const facts = night.log.filter(({ sentence }) => sentence === 'task restored').map(({ facts }) => facts)
    expect(facts[0]).toMatchObject({ task: 'window#0', epoch: 0, seq: 0, records: 0, ms: 0 })
  })

  it('are refused when topics are missing, of another size, or would be deleted, each with its sentence', async () => {
    const other: Topology = { ...demoTopology, partitions: 5 }
    const night = Driver.prepare(only('window'))
    const client = new MemoryClient(night.broker)
    await expect(checkStage(other, stageOf(other, 'window'), client)).rejects.toThrow(
      'items has 3 partitions and 5 are declared: the number is fixed for the life of the state',
    )
    const renamed = { ...stageOf(demoTopology, 'window'), name: 'fresh' }
    await expect(checkStage(demoTopology, renamed, client)).rejects.toThrow(
      'the topic fresh-table does not exist; create the topics of the topology first (3 partitions)',
    )
    night.broker.configure('window-table', { 'cleanup.policy': 'delete' })
    await expect(checkStage(demoTopology, stageOf(demoTopology, 'window'), client)).rejects.toThrow(
      'window-table has cleanup.policy=delete: retention would delete the state',
    )
  })
})
