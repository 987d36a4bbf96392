import { describe, expect, it } from 'vitest'
import type { Stream } from '../../topology/model/stream.ts'
import { partitionsOf, taskCount } from '../../topology/model/topology.ts'
import type { Effect } from './effects.ts'
import { at, type LogRecord } from '../log-client.ts'
import {
  arrived,
  closed,
  demoEffects,
  demoTopology,
  items,
  keyOf,
  orders,
  parcels,
  receipts,
  seen,
  urgent,
  WINDOW_MS,
} from '../testing/demo.ts'
import type { Driver } from '../testing/driver.ts'
import { jsonCodec } from '../testing/json-codec.ts'
import { Simulation, type Happened } from '../testing/simulation.ts'
import { seeded } from '../testing/virtual-time.ts'
import type { Commit } from './journal.ts'
import { journalOf } from './plan.ts'

const SEEDS = 80
const START = 1_000_000

/** What enters, a pure function of the seed: orders, urgent orders and parcels of four keys, some of them bad. */
function script(seed: number) {
  const random = seeded(seed * 7 + 3)
  return Array.from({ length: 24 }, (_, i) => {
    const stream = [orders, urgent, parcels, parcels][Math.floor(random() * 4)]!
    const id = `${'abcd'[Math.floor(random() * 4)]}-${i}${random() < 0.1 ? 'bad' : ''}`
    const partition = Math.floor(random() * partitionsOf(demoTopology, stream))
    const act = (driver: Driver) => driver.feed(stream, '', { id }, { partition })
    return { t: Math.floor(i * 600 + random() * 500), act }
  })
}

const simulate = async (seed: number) => {
  const random = seeded(seed + 100_000)
  const effects = Object.fromEntries(
    Object.entries(demoEffects).map(([stage, effect]): [string, Effect] => [
      stage,
      async event => {
        await new Promise<void>(resolve => simulation.driver.time.after(random() * 900, resolve))
        return effect(event)
      },
    ]),
  )
  const simulation: Simulation = new Simulation({
    seed,
    setup: {
      topology: demoTopology,
      codec: jsonCodec,
      effects,
      startAt: START,
      options: { timeCommitMs: 300 },
    },
    script: script(seed),
    tickMs: 1_000,
    faultRate: 0.01,
    chaosRate: 0.03,
  })
  await simulation.run()
  return simulation
}

/** What an independent reader of the entrances' logs says must have come out. */
function oracle(driver: Driver) {
  const entered = [urgent, orders, parcels].flatMap(stream =>
    driver.records(stream).map(record => ({ ...record, id: (JSON.parse(String(record.value)) as { id: string }).id })),
  )
  const good = entered.filter(({ id }) => !id.includes('bad'))
  const inFront = good.filter(({ topic }) => topic !== 'parcels')
  inFront.sort(
    (a, b) =>
      a.timestamp - b.timestamp || (a.topic < b.topic ? 1 : a.topic > b.topic ? -1 : Number(a.offset - b.offset)),
  )
  const windows: string[] = []
  for (const key of new Set(good.map(({ id }) => keyOf(id)))) {
    const members = good.filter(({ id }) => keyOf(id) === key).sort((a, b) => a.timestamp - b.timestamp)
    while (members.length > 0) {
      const end = members[0]!.timestamp + WINDOW_MS
      const inside = members.splice(0, members.filter(({ timestamp }) => timestamp <= end).length)
      windows.push(
        `${key}@${end}:${inside
          .map(({ id }) => id)
          .sort()
          .join()}`,
      )
    }
  }
  return {
    good: good.map(({ id }) => id).sort(),
    bad: entered
      .filter(({ id }) => id.includes('bad'))
      .map(record => `${at(record)}@${record.offset}`)
      .sort(),
    places: inFront.map(({ id }, i) => `${i + 1} ${id}`),
    windows: windows.sort(),
  }
}

function outcome(driver: Driver) {
  const idsOf = (stream: Stream) =>
    driver
      .outputs(stream)
      .map(({ value }) => (value as { id: string }).id)
      .sort()
  const places = driver.outputs(items).map(({ value }) => value as { id: string; place: number })
  return {
    good: idsOf(seen),
    bad: driver
      .parked()
      .map(
        ({ topic, ...p }) =>
          `${topic}/${(p as never as { partition: number }).partition}@${String((p as never as { offset: bigint }).offset)}`,
      )
      .sort(),
    places: places.sort((a, b) => a.place - b.place).map(({ id, place }) => `${place} ${id}`),
    windows: driver
      .outputs(closed)
      .map(({ key, at: end, value }) => `${key}@${end}:${(value as { ids: string[] }).ids.join()}`)
      .sort(),
  }
}

/** Faults that no output need show: holes in a journal, transactions left open, time that goes back. */
function hiddenFaults(driver: Driver): string[] {
  const faults = [...driver.fatal.map(String), ...driver.broker.hanging().map(id => `${id} hangs`)]
  for (const stage of demoTopology.stages.filter(({ run }) => run !== 'service')) {
    for (let partition = 0; partition < taskCount(demoTopology, stage); partition++) {
      const journal = { topic: journalOf(stage.name), partition }
      const commits = driver.broker.committedRecords(journal).filter(({ key }) => String(key) === '__c')
      const seqs = commits.map(({ value }) => (JSON.parse(String(value)) as Commit).seq)
      seqs.forEach((seq, i) => seq === i + 1 || faults.push(`${at(journal)}: commit ${seq} at place ${i + 1}`))
    }
  }
  for (const stream of [items, arrived]) {
    const last = new Map<string, number>()
    for (const { partition, headers } of driver.records(stream)) {
      if (!headers['watermark']) continue
      const { from, t } = JSON.parse(String(headers['watermark'])) as { from: string; t: number }
      if (t <= (last.get(`${from}/${partition}`) ?? 0)) faults.push(`${from}: time went back to ${t}`)
      last.set(`${from}/${partition}`, t)
    }
  }
  for (const stream of [items, arrived, seen, closed, receipts]) {
    for (let partition = 0; partition < partitionsOf(demoTopology, stream); partition++) {
      const log = driver.broker.partition({ topic: stream.topic, partition })
      if (log.stable !== log.highWatermark)
        faults.push(`${stream.topic}/${partition}: stable at ${log.stable} of ${log.highWatermark}`)
    }
  }
  return faults
}

const isMark = ({ headers }: LogRecord) => headers['watermark'] !== undefined

describe('the task loop under seeded faults', () => {
  it(`keeps every promise in ${SEEDS} nights`, async () => {
    const counts: Record<keyof Happened, number> = { crashes: 0, freezes: 0, stops: 0, faults: 0, fenced: 0, steps: 0 }
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { driver, happened } = await simulate(seed)
      const expected = oracle(driver)
      expect({ seed, ...outcome(driver), hidden: hiddenFaults(driver) }).toEqual({ seed, ...expected, hidden: [] })
      const booked = driver.outputs(receipts).map(({ value }) => (value as { id: string }).id)
      expect({ seed, booked: booked.sort() }).toEqual({ seed, booked: expected.good })
      for (const kind of Object.keys(counts) as (keyof Happened)[]) if (happened[kind] > 0) counts[kind]++
    }
    for (const [kind, count] of Object.entries(counts))
      expect(`${kind} in ${count >= SEEDS / 5 ? 'enough' : count} nights`).toBe(`${kind} in enough nights`)
  })

  it('gives the same night again for the same seed', async () => {
    const [a, b] = [await simulate(42), await simulate(42)]
    const log = ({ driver }: Simulation) =>
      [items, arrived, seen, closed]
        .flatMap(s => driver.records(s))
        .map(r => `${at(r)}@${r.offset} ${isMark(r) ? String(r.headers['watermark']) : String(r.value)}`)
    expect(log(a)).toEqual(log(b))
    expect(a.happened).toEqual(b.happened)
  })
})
