import { beforeEach, describe, expect, it } from 'vitest'
import { codecWith, type Codec } from '../schemas/codec.ts'
import type { Audit, Parked } from '../schemas/avro/generated.ts'
import { MemoryClient } from '../streams/memory/client.ts'
import type { LogRecord } from '../streams/log-client.ts'
import {
  arrived,
  demoTopology,
  items,
  keyOf,
  orders,
  parcels,
  receipts,
  seen,
  type Item,
} from '../streams/testing/demo.ts'
import { Driver } from '../streams/testing/driver.ts'
import { jsonCodec } from '../streams/testing/json-codec.ts'
import { settle } from '../streams/testing/virtual-time.ts'
import type { Effect } from '../streams/task/effects.ts'
import { REDRIVE, redriveHeaders } from '../streams/task/redrive.ts'
import { Rejection, to } from '../topology/model/step.ts'
import type { Topology } from '../topology/model/topology.ts'
import { promptTopology } from '../topology/prompt.ts'
import { alerts, audit, control, nextVisit, nextVisitCanceled, parked, rawNotification } from '../topology/streams.ts'
import { type Action, entryOf, type Entry, type Mark, type Wanted } from './dlq-entries.ts'
import { MAX_AT_ONCE, planOf } from './dlq-plan.ts'
import { plain } from './dlq-show.ts'
import { type Dlq, dlqOf } from './dlq-topic.ts'

/** Values of the demo are JSON, and what is parked has bytes in it. */
const avro = codecWith(new Map([['parked', 1]]))
const codec: Codec = {
  ...jsonCodec,
  encode: (name, value) => (name === 'parked' ? avro : jsonCodec).encode(name, value),
  decode: (name, bytes) => (name === 'parked' ? avro : jsonCodec).decode(name, bytes),
}
/** `seen` has two readers, and operators write audits. */
const topology: Topology = {
  ...demoTopology,
  stages: [
    ...demoTopology.stages,
    {
      ...{ name: 'counter', summary: 'counts', role: 'effects', tasks: 'per-partition' },
      ...{ reads: [seen], writes: [], run: 'effect' },
    },
  ],
  exits: [...demoTopology.exits, audit],
}

/** What the stages cannot do today. */
let broken: ReadonlySet<string>
let counted: string[]
let booked: string[]
const refusing =
  (effect: Effect): Effect =>
  async event => {
    const { id } = event.value as Item
    if (broken.has(id)) throw new Rejection('bad-id', `${id} is bad.`)
    return effect(event)
  }
const effects: Readonly<Record<string, Effect>> = {
  intake: refusing(async ({ value }) => ({ out: [to(arrived, keyOf((value as Item).id), value as Item)] })),
  ledger: refusing(async ({ key, value }) => {
    booked.push((value as Item).id)
    return { out: [to(receipts, key, value as Item)] }
  }),
  counter: async ({ value }) => {
    counted.push((value as Item).id)
    return { out: [] }
  },
}

let night: Driver
beforeEach(async () => {
  ;[broken, counted, booked] = [new Set(['a-1']), [], []]
  night = await Driver.start({ topology, codec, effects, startAt: 1_000, stages: ['intake', 'ledger', 'counter'] })
})

const dlq = (client = new MemoryClient(night.broker, 'operator')): Dlq => dlqOf({ client, codec }, 'test.dlq')
const all: Wanted = { ids: [] }
const entries = () => dlq().entries(all)
const states = async () => (await entries()).map(it => [it.id, it.attempt, it.mark?.action ?? 'open'])
const order = (action: Action) => ({ action, by: 'ann', reason: 'mended' })
/** As `pp dlq redrive --apply` of what is open. */
const act = async (action: Action, by: Dlq = dlq()) => {
  const count = await by.act(order(action), async find =>
    planOf(action, await find(all), topology).chosen.map(it => it.entry),
  )
  await settle()
  return count
}
const audits = () => night.records(audit).map(({ value }) => jsonCodec.decode('audit', value!))

describe('a record of an entrance that was parked', () => {
  beforeEach(() => night.feed(parcels, '', { id: 'a-1' }, { partition: 2 }))

  it('is put back where it was, enters now, and has effect once however often it is put back', async () => {
    expect(await states()).toEqual([['intake:parcels/2@0', 1, 'open']])
    broken = new Set()
    await night.advance(9_000)
    expect(await act('redrive')).toBe(1)
    expect(await act('redrive')).toBe(0)
    expect(night.outputs(arrived)).toMatchObject([{ key: 'a', at: 10_000, replay: 0, value: { id: 'a-1' } }])
    const [before, after] = night.records(parcels) as [LogRecord, LogRecord]
    expect([after.partition, after.key, after.value]).toEqual([before.partition, before.key, before.value])
    expect(await states()).toEqual([['intake:parcels/2@0', 1, 'redrive']])
    expect(audits()).toMatchObject([{ action: 'dlq redrive', by: 'ann', reason: 'mended' }])
  })
  it('is parked again with the next attempt where nothing was mended', async () => {
    await act('redrive')
    await act('redrive')
    expect(await states()).toEqual([
      ['intake:parcels/2@0', 1, 'redrive'],
      ['intake:parcels/2@1', 2, 'redrive'],
      ['intake:parcels/2@3', 3, 'open'],
    ])
  })
  it('is dropped, and stays so', async () => {
    expect(await act('drop')).toBe(1)
    expect(await act('redrive')).toBe(0)
    expect(await states()).toEqual([['intake:parcels/2@0', 1, 'drop']])
    expect(night.records(parcels)).toHaveLength(1)
  })
  it.each(['request', 'reply'] as const)(
    'has effect once where the %s of the end was lost and the order is given again',
    async lost => {
      broken = new Set()
      let first = true
      const client = new MemoryClient(night.broker, 'operator', {
        hop: () => Promise.resolve(),
        fault: request => (request === 'end' && first ? ((first = false), `${lost} lost`) : undefined),
      })
      await expect(act('redrive', dlq(client))).rejects.toThrow('whether the order was written is not known')
      await act('redrive')
      expect(night.outputs(arrived)).toHaveLength(1)
    },
  )
  it('is put back by one of two operators who are at it at the same moment', async () => {
    const slow = dlq()
    const outcome = slow.act(order('redrive'), async find => {
      const found = await find(all)
      expect(await act('redrive')).toBe(1)
      return found
    })
    await expect(outcome).rejects.toThrow('nothing was written. Before that, 0 of 1 were done')
    expect(await states()).toMatchObject([{ 2: 'redrive' }, { 1: 2, 2: 'open' }])
  })
})

describe('headers that somebody outside made up', () => {
  const outside = async (id: string, claim: string | Buffer) => {
    const headers = { [REDRIVE]: Buffer.from(claim) }
    night.broker.append([
      { topic: parcels.topic, partition: 0, key: null, value: Buffer.from(JSON.stringify({ id })), headers },
    ])
    await settle()
  }
  const claim = (stage: string, of: string, attempt: number) => redriveHeaders({ stage, of, attempt })[REDRIVE]!

  it('do not hide a record of an entrance from its stage', async () => {
    for (const header of [claim('ledger', 'parcels/0@0', 1), 'no json', '{"stage":1}', '']) await outside('b-2', header)
    expect(night.outputs(arrived)).toHaveLength(4)
    expect(night.parked()).toEqual([])
  })
  it('do not change how often a record was parked, though they tell of one that was put back', async () => {
    await outside('a-1', claim('intake', 'parcels/0@7', 7))
    await act('redrive')
    expect((await states()).map(it => it[1])).toEqual([1, 2])
    broken = new Set(['a-1', 'a-2'])
    await outside('a-2', claim('intake', 'parcels/0@0', 41))
    await outside('a-2', 'no json')
    expect((await states()).map(it => it[1])).toEqual([1, 2, 1, 1])
  })
})

describe('a record inside that was parked', () => {
  it('goes to the stage that had refused it, with its time and its replay, and is passed over by the others', async () => {
    await night.feed(seen, 'a', { id: 'a-1' }, { at: 500, replay: 400 })
    await night.feed(seen, 'b', { id: 'b-1' })
    expect([counted, booked]).toEqual([['a-1', 'b-1'], ['b-1']])
    await act('redrive')
    broken = new Set()
    expect((await entries()).map(({ attempt, stage }) => [attempt, stage])).toEqual([
      [1, 'ledger'],
      [2, 'ledger'],
    ])
    await night.advance(1_000)
    expect(await act('redrive')).toBe(1)
    expect([counted, booked]).toEqual([
      ['a-1', 'b-1'],
      ['b-1', 'a-1'],
    ])
    expect(night.outputs(receipts).find(({ key }) => key === 'a')).toMatchObject({ at: 500, replay: 400 })
    await night.advance(20_000)
    const standsAtTheEnd = ['test.ledger', 'test.counter'].flatMap(group =>
      [0, 1, 2].map(partition => {
        const tp = { topic: seen.topic, partition }
        return (night.broker.committed(group, tp)?.offset ?? 0n) === BigInt(night.broker.partition(tp).highWatermark)
      }),
    )
    expect(standsAtTheEnd).not.toContain(false)
  })
  it('is parked where its header does not say for whom it is', async () => {
    const headers = { at: Buffer.from('1'), [REDRIVE]: Buffer.from('{"stage":"ledger"}') }
    night.broker.append([
      { topic: seen.topic, partition: 0, key: Buffer.from('b'), value: Buffer.from('{"id":"b-1"}'), headers },
    ])
    await settle()
    expect(night.parked().map(({ code }) => code)).toEqual(['bad-redrive', 'bad-redrive'])
    expect(booked).toEqual([])
  })
})

describe('entries since a time', () => {
  it('are found by reading what was parked since then, and nothing before', async () => {
    await night.feed(parcels, '', { id: 'a-1' }, { partition: 0 })
    await night.advance(9_000)
    await night.feed(parcels, '', { id: 'a-1' }, { partition: 1 })
    const client = new MemoryClient(night.broker, 'operator')
    const read: LogRecord[] = []
    const tailOf = client.read.bind(client)
    client.read = (from, isolation) => {
      const tail = tailOf(from, isolation)
      const chunks = async function* () {
        for await (const chunk of tail) {
          read.push(...chunk.records.filter(({ topic }) => topic === parked.topic))
          yield chunk
        }
      }
      return { close: () => tail.close(), [Symbol.asyncIterator]: chunks }
    }
    const idsSince = async (since: number) => (await dlq(client).entries({ ids: [], since })).map(({ id }) => id)
    expect(await idsSince(10_000)).toEqual(['intake:parcels/1@0'])
    expect(read).toHaveLength(1)
    expect(await idsSince(1_000)).toEqual(['intake:parcels/0@0', 'intake:parcels/1@0'])
    expect(await idsSince(10_001)).toEqual([])
  })
})

describe('an entry', () => {
  const value = (more: Partial<Parked> = {}): Parked => ({
    ...{ stage: 'intake', topic: 'parcels', partition: 0, offset: 5n, code: 'bad-id', reason: 'bad.', attempt: 1 },
    ...{ recordKey: null, recordValue: Buffer.from('x'), headers: {} },
    ...more,
  })
  const record = (timestamp: number): LogRecord => ({
    ...{ topic: parked.topic, partition: 0, offset: 0n, key: null, value: null, appendTime: true, timestamp },
    headers: { at: Buffer.from('7') },
  })
  const redriven = (at: number): ReadonlyMap<string, Mark[]> => {
    const deed = { action: 'redrive' as const, by: 'ann', reason: '', attempt: 1, digest: '' }
    return new Map([['intake:parcels/0@5', [{ ...deed, at }]]])
  }
  it('is one for all reasons of a record, so that it is put back once', () => {
    const first = entryOf(record(10), value(), new Map())
    const second = entryOf(record(10), value({ code: 'other' }), new Map(), first)
    expect(entryOf(record(10), value(), new Map(), second).reasons.map(({ code }) => code)).toEqual(['bad-id', 'other'])
  })
  it('is open again when a replay parks the record anew', () => {
    const before = entryOf(record(12_00), value(), redriven(12_30))
    expect(before.mark).toBeDefined()
    expect(entryOf(record(14_00), value(), redriven(12_30), before).mark).toBeUndefined()
  })
})

describe('a plan', () => {
  const entry = (offset: number, more: Partial<Entry> = {}): Entry => ({
    ...{
      id: `${offset}`,
      stage: 'intake',
      topic: 'parcels',
      partition: 0,
      offset: BigInt(offset),
      reasons: [],
      attempt: 1,
    },
    ...{ appendedAt: 0, parkedAt: 0, bytes: 1, digest: '', mark: undefined },
    lies: { topic: 'parked', partition: 0, offset: 0n },
    ...more,
  })
  const deed = { action: 'drop' as const, at: 0, by: 'ann', reason: '', attempt: 1, digest: '' }
  it.each<[string, Partial<Entry>]>([
    ['a tick of the clock', { topic: 'clock' }],
    ['no stage gone reads parcels any more', { stage: 'gone' }],
    ['no stage intake reads items any more', { topic: items.topic }],
    ['parcels has 4 partitions now, and none of number 4', { partition: 4 }],
    ['was dropped 1970-01-01T00:00:00.000Z by ann', { mark: deed }],
  ])('leaves alone: %s', (why, more) => {
    const plan = planOf('redrive', [entry(0, more), entry(1)], topology)
    expect(plan.chosen.map(it => it.entry.id)).toEqual(['1'])
    expect(plan.refused[0]!.why).toContain(why)
  })
  it('tells which stages pass a record over, and what enters now', () => {
    const { chosen } = planOf('redrive', [entry(0), entry(1, { stage: 'ledger', topic: seen.topic })], topology)
    expect(chosen).toMatchObject([
      { entersNow: true, passedOverBy: [] },
      { entersNow: false, passedOverBy: ['counter'] },
    ])
  })
  it('puts nothing back at an entrance of two stages, which would both take it', () => {
    const second = { ...topology.stages.find(({ name }) => name === 'counter')!, name: 'second', reads: [orders] }
    const { refused } = planOf('redrive', [entry(0, { stage: 'front', topic: orders.topic })], {
      ...topology,
      stages: [...topology.stages, second],
    })
    expect(refused).toMatchObject([{ why: 'orders is an entrance of front and second' }])
  })
  it('puts nothing back on the public stream, where everybody would read it again', () => {
    const { refused } = planOf('redrive', [entry(0, { stage: 'archive', topic: alerts.topic })], promptTopology())
    expect(refused).toMatchObject([{ why: expect.stringMatching(/^lsst-alerts-v11 is public/) as string }])
    expect(planOf('drop', [entry(0, { stage: 'archive', topic: alerts.topic })], promptTopology()).refused).toEqual([])
  })
  it.each([
    ['fan-out', control.topic],
    ['fan-out', nextVisitCanceled.topic],
    ['fan-out', nextVisit.topic],
    ['raw-intake', rawNotification.topic],
  ])('puts what %s refused back at %s, though a service reads it too', (stage, topic) => {
    const plan = planOf('redrive', [entry(0, { stage, topic })], promptTopology())
    expect(plan).toMatchObject({ chosen: [{ entersNow: true, passedOverBy: [] }], refused: [] })
  })
  it('takes what one order may take, the oldest first, and says how many are left', () => {
    const many = Array.from({ length: MAX_AT_ONCE + 3 }, (_, i) => entry(i))
    expect(planOf('drop', many, topology)).toMatchObject({ chosen: { length: MAX_AT_ONCE }, more: 3 })
    const large = [30, 30, 30].map((mebibytes, i) => entry(i, { bytes: mebibytes << 20 }))
    expect(planOf('redrive', large, topology)).toMatchObject({ chosen: { length: 2 }, more: 1 })
  })
})

it('does not send control characters of a record to the terminal', () => {
  expect(plain('a\u001b[2J\u009bb\u202e')).toBe('a\\u001b[2J\\u009bb\\u202e')
})

it('reads an audit of other deeds, which marks nothing', async () => {
  const note: Audit = { action: 'mask set', by: 'ann', reason: 'hot', detail: 'no json' }
  night.broker.append([{ topic: audit.topic, partition: 0, key: null, value: codec.encode('audit', note) }])
  await night.feed(parcels, '', { id: 'a-1' }, { partition: 0 })
  expect(await states()).toEqual([['intake:parcels/0@0', 1, 'open']])
})
