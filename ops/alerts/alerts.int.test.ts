import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Audit } from '../../schemas/avro/generated.ts'
import { associate, nowMjdTai } from '../../sinks/associate/associate.ts'
import { lockSky } from '../../sinks/associate/sky.ts'
import { dispatch } from '../../sinks/ledger/dispatch.ts'
import { readOrders } from '../../sinks/orders/book.ts'
import type { OrderKind } from '../../sinks/orders/candidates.ts'
import { codec, type CommittedUnit, publishing, type Publishing } from '../../sinks/publish/testing/publishing.ts'
import { announcement, decision, event, jobEvent, raw } from '../../sinks/testing/builders.ts'
import { regionOf } from '../../topology/association/check.ts'
import { alerts, alertsLedger, alertsRetracted, detectorResult, pipelineResult } from '../../topology/streams.ts'
import { orderPlan, planned, type What } from './command.ts'

/** Real Postgres and object store, and publish as it runs, on brokers in memory. The units of three nights are out. */

let world: Publishing
let units: CommittedUnit[]
let stop: () => Promise<void>
const notes: Audit[] = []
beforeAll(async () => {
  world = await publishing()
  units = [
    await world.commit(1, [
      [30, -20],
      [30.02, -20],
    ]),
    await world.commit(2, [[30, -20]]),
    await world.commit(3, [[30, -20]]),
  ]
  stop = await world.start()
  await eventually(() => expect(sent()).toHaveLength(4))
  await eventually(async () => expect(await untold()).toBe(0))
})
afterAll(() => world.close())

const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 8_000, interval: 20 })
const sent = () =>
  world.recordsIn(alerts.topic).map(({ value, headers }) => ({
    id: codec.decode('lsst.v11_1.alert', value!).diaSourceId,
    bytes: value!.toString('hex'),
    rebroadcast: headers['rebroadcast'] && (JSON.parse(String(headers['rebroadcast'])) as Record<string, string>),
    producedAt: String(headers['producer_timestamp']),
  }))
const first = () => sent().filter(({ rebroadcast }) => !rebroadcast)
const again = (order: string) => sent().filter(({ rebroadcast }) => rebroadcast?.['order'] === order)
const bytesOf = (ids: readonly bigint[]) => ids.map(id => first().find(it => it.id === id)!.bytes).sort()
const untold = async () => (await world.db.pool.query(`select from outbox where state = 'pending'`)).rowCount
const plan = (kind: OrderKind, what: What) => planned(world.db.pool, kind, what)
const order = (kind: OrderKind, what: What, id: string, reason = 'a broker was away') =>
  orderPlan(world.db.pool, async note => void notes.push(note), kind, what, { id, by: 'kim', reason })
const stateOf = async (id: string) => (await readOrders(world.db.pool, id))[0]!
/** Plans, orders, and waits until publish has done it. */
async function carryOut(kind: OrderKind, what: What) {
  const { id } = await plan(kind, what)
  await order(kind, what, id)
  await eventually(async () => expect((await stateOf(id)).units).toMatchObject({ ordered: 0, pending: 0 }))
  return id
}

/** Every row of every table but those of the ledger and of orders, as one text each. */
async function apdb(): Promise<Record<string, string[]>> {
  const { rows: tables } = await world.db.pool.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname not in ('unit', 'outbox', 'outbox_shards', 'ledger_pulse', 'alert_order', 'alert_order_unit') order by 1`,
  )
  const dumps = tables.map(async ({ name }) => {
    const { rows } = await world.db.pool.query<{ row: string }>(`select t::text as row from "${name}" t order by 1`)
    return [name, rows.map(({ row }) => row)] as const
  })
  return Object.fromEntries(await Promise.all(dumps))
}

it('a retried, a doubly reported, a replayed and a resent unit change no row; only the resend sends again, equal bytes', async () => {
  const { unit, visit, group, report, ids } = units[0]!
  const before = await apdb()
  expect(Object.keys(before)).toEqual(expect.arrayContaining(['DiaForcedSource', 'DiaObject', 'DiaSource', 'metadata']))
  expect(before['DiaSource']).toHaveLength(4)
  const [out, results] = [sent(), world.recordsIn(detectorResult.topic)]

  // Retried: another worker had leased it meanwhile, and reports too. Reported twice: the same record comes again.
  await associate(world.db.pool)(event(pipelineResult, unit, { ...report, epoch: report.epoch + 1, worker: 'other' }))
  await associate(world.db.pool)(event(pipelineResult, unit, report))
  expect(await apdb()).toEqual(before)

  // Replayed after its commit: the ledger leaves it, and a report of that attempt finds it ended.
  const [replay, raws] = [Date.now(), [{ at: Date.now(), raw: { ...raw(0, visit), group } }]]
  const reopened = decision(0, { attempt: replay, announcement: { ...announcement, group }, raws })
  await dispatch(world.db.pool)(jobEvent(reopened))
  await associate(world.db.pool)(event(pipelineResult, unit, { ...report, attempt: replay }))
  expect(await apdb()).toEqual(before)
  expect(sent()).toEqual(out)

  const id = await carryOut('resend', { unit })
  expect(await apdb()).toEqual(before)
  expect(
    again(id)
      .map(({ bytes }) => bytes)
      .sort(),
  ).toEqual(bytesOf(ids))
  expect(sent()).toHaveLength(out.length + ids.length)
  expect(world.recordsIn(detectorResult.topic)).toHaveLength(results.length)
})

describe('a resend', () => {
  it('says in its header why, when and by whom, and when it was produced as every alert does', async () => {
    const { id } = await plan('resend', { visit: String(units[1]!.visit) })
    const began = Date.now()
    await order('resend', { visit: String(units[1]!.visit) }, id, 'Lasair was away')
    await eventually(() => expect(again(id)).toHaveLength(1))
    const [{ rebroadcast, producedAt }] = again(id) as [ReturnType<typeof sent>[number]]
    expect(rebroadcast).toEqual({
      order: id,
      at: expect.stringMatching(/^2.*Z$/) as string,
      by: 'kim',
      reason: 'Lasair was away',
    })
    expect(producedAt).toMatch(/^\d{13}\.\d+$/)
    expect(Number(producedAt)).toBeGreaterThanOrEqual(began)
    expect(notes.at(-1)).toMatchObject({ action: 'alerts resend', by: 'kim', reason: 'Lasair was away' })
  })

  it('of ids sends those alone, and says of others that it does not know them', async () => {
    const [one] = units[0]!.ids
    const ids = `${one},77`
    expect(await plan('resend', { ids })).toMatchObject({
      units: [{ sources: [one], isProven: true }],
      left: { unknown: [77n] },
    })
    const id = await carryOut('resend', { ids })
    expect(again(id).map(it => it.id)).toEqual([one])
    expect(again(id).map(it => it.bytes)).toEqual(bytesOf([one!]))
  })

  it('is one order however often it is given, and the next is another', async () => {
    const what = { group: undefined, visit: 'visit 3' }
    const { id } = await plan('resend', what)
    expect((await order('resend', what, id)).isKnown).toBe(false)
    expect((await order('resend', what, id)).isKnown).toBe(true)
    await eventually(async () => expect((await stateOf(id)).units).toMatchObject({ sent: 1 }))
    expect((await order('resend', what, id)).isKnown).toBe(true)
    expect((await plan('resend', what)).id).not.toBe(id)
    await expect(order('resend', what, 'abcdefabcdef')).rejects.toThrow(/The plan is no longer abcdefabcdef but/)
    expect(again(id)).toHaveLength(1)
  })

  it('goes on where the command died between the order and its audit', async () => {
    const { id } = await plan('resend', { visit: 'visit 3' })
    const dies = async () => Promise.reject(new Error('killed'))
    const signed = { id, by: 'kim', reason: 'r' }
    await expect(orderPlan(world.db.pool, dies, 'resend', { visit: 'visit 3' }, signed)).rejects.toThrow('killed')
    const before = notes.length
    const { order: given, isKnown } = await order('resend', { visit: 'visit 3' }, id)
    expect(isKnown).toBe(true)
    expect(given.reason).toBe('r')
    expect(notes.slice(before)).toMatchObject([{ action: 'alerts resend', reason: 'r' }])
    await eventually(() => expect(again(id)).toHaveLength(1))
  })

  it('is sent once by a publish that dies between its transaction and the mark', async () => {
    const { pool } = world.db
    await pool.query(
      `create function refuse() returns trigger language plpgsql as 'begin raise exception ''no mark''; end'`,
    )
    await pool.query('create trigger refuse before update on alert_order_unit for each row execute function refuse()')
    const { id } = await plan('resend', { unit: units[0]!.unit })
    await order('resend', { unit: units[0]!.unit }, id)
    await eventually(() => expect(again(id)).toHaveLength(2))
    await stop()
    await pool.query('drop trigger refuse on alert_order_unit')
    expect(await stateOf(id)).toMatchObject({ units: { pending: 1 } })
    stop = await world.start()
    await eventually(async () => expect(await stateOf(id)).toMatchObject({ units: { pending: 0, sent: 1 } }))
    expect(again(id)).toHaveLength(2)
    // Its entry in the ledger goes when the mark is old.
    const entries = () =>
      world.recordsIn(alertsLedger.topic).filter(({ key }) => String(key) === `${units[0]!.unit}@0#${id}`)
    expect(entries().map(({ value }) => value === null)).toEqual([false])
    await pool.query(`update alert_order_unit set sent_at = now() - interval '11 minutes' where order_id = $1`, [id])
    await eventually(() => expect(entries().map(({ value }) => value === null)).toEqual([false, true]))
  })

  it('is only marked where it is given again because the database has forgotten it', async () => {
    const { pool } = world.db
    const { unit } = units[1]!
    const id = await carryOut('resend', { unit })
    expect(again(id)).toHaveLength(1)
    await pool.query('delete from alert_order_unit where order_id = $1', [id])
    await pool.query('delete from alert_order where id = $1', [id])
    const forgotten = { code: 'database-forgot', units: [`${unit}@0#${id}`] }
    await eventually(() => expect(world.errors).toMatchObject([{ ...forgotten, count: 1 }]))
    expect(await carryOut('resend', { unit })).toBe(id)
    await eventually(() => expect(world.errors).toMatchObject([forgotten, { ...forgotten, sent: { alerts: 1 } }]))
    expect(again(id)).toHaveLength(1)
  })

  it('refuses, with a sentence, what packed again would not be what was sent', async () => {
    const { unit } = units[2]!
    await world.db.pool.query(`update "DiaSource" set "snr" = 9 where "diaSourceId" = any($1)`, [units[2]!.ids])
    const id = await carryOut('resend', { unit })
    await world.db.pool.query(`update "DiaSource" set "snr" = null where "diaSourceId" = any($1)`, [units[2]!.ids])
    expect(again(id)).toEqual([])
    // Mended, it can be ordered anew.
    const next = await carryOut('resend', { unit })
    expect(again(next).map(({ bytes }) => bytes)).toEqual(bytesOf(units[2]!.ids))
    const { units: states, refusals } = await stateOf(id)
    expect(states).toMatchObject({ refused: 1 })
    expect(refusals).toEqual([
      expect.stringMatching(
        /^LATISS\/visit 3\/0: packed again, its 1 alerts are not those that were sent: their SHA-256 is [0-9a-f]{64}, and was /,
      ),
    ])
  })
})

describe('a retraction', () => {
  it('withdraws the sources, tells of each once, and changes nothing else', async () => {
    const { unit, ids } = units[0]!
    const before = await apdb()
    const id = await carryOut('retract', { unit })
    const after = await apdb()
    for (const [table, rows] of Object.entries(before))
      if (table !== 'DiaSource') expect(after[table], table).toEqual(rows)
    expect(after['DiaSource']!.filter((row, i) => row !== before['DiaSource']![i])).toHaveLength(ids.length)
    const told = world
      .recordsIn(alertsRetracted.topic)
      .map(({ key, value }) => ({ key: String(key), ...codec.decode('alerts-retracted', value!) }))
    expect(told.map(({ diaSourceId }) => diaSourceId).sort()).toEqual([...ids])
    const { rows } = await world.db.pool.query<{ at: number }>(
      'select distinct "timeWithdrawnMjdTai" as at from "DiaSource" where "timeWithdrawnMjdTai" is not null',
    )
    const { orderedAt } = await stateOf(id)
    for (const it of told)
      expect(it).toEqual({
        ...{ key: String(it.diaSourceId), diaSourceId: it.diaSourceId },
        timeWithdrawnMjdTai: rows[0]!.at,
        reason: 'a broker was away',
        by: 'kim',
        at: orderedAt,
      })

    expect((await order('retract', { unit }, id)).isKnown).toBe(true)
    expect(await plan('retract', { unit })).toMatchObject({ units: [], left: { retracted: ids } })
    expect(await apdb()).toEqual(after)
    expect(world.recordsIn(alertsRetracted.topic)).toHaveLength(ids.length)
  })

  it('is seen by what is committed after it, and not by what was before, however late that is packed', async () => {
    const withdrawn = units[0]!.ids[0]!
    const later = await world.commit(4, [[30, -20]])
    await eventually(() => expect(first().some(({ id }) => id === later.ids[0])).toBe(true))
    await eventually(async () => expect(await untold()).toBe(0))
    const historyOf = (id: bigint) => {
      const { bytes } = first().find(it => it.id === id)!
      return codec.decode('lsst.v11_1.alert', Buffer.from(bytes, 'hex')).prvDiaSources!
    }
    const seen = (id: bigint) => historyOf(id).find(it => it.diaSourceId === withdrawn)!.timeWithdrawnMjdTai
    expect(seen(later.ids[0]!)).toEqual(expect.any(Number))
    expect(seen(units[1]!.ids[0]!)).toBeNull()
    for (const { unit, ids } of [units[1]!, later]) {
      const id = await carryOut('resend', { unit })
      expect(again(id).map(({ bytes }) => bytes)).toEqual(bytesOf(ids))
    }
  })

  it('waits for a commit that is under way on the same sky, and is later than it', async () => {
    const { unit, ids, report } = units[2]!
    const committing = await world.db.pool.connect()
    onTestFinished(() => committing.release())
    await committing.query('begin')
    await lockSky(committing, regionOf(report)!)
    const { id } = await plan('retract', { unit })
    const ordering = order('retract', { unit }, id)
    await eventually(async () => {
      const { rows } = await committing.query(`select from pg_locks where locktype = 'advisory' and not granted`)
      expect(rows).toHaveLength(1)
    })
    const committedAt = await nowMjdTai(committing)
    await committing.query('commit')
    await ordering
    const { rows } = await world.db.pool.query<{ at: number }>(
      'select "timeWithdrawnMjdTai" as at from "DiaSource" where "diaSourceId" = any($1)',
      [ids],
    )
    expect(rows[0]!.at).toBeGreaterThanOrEqual(committedAt)
  })

  it('keeps an alert from being resent, unless that is said: then with the bytes it had', async () => {
    const { unit, ids } = units[0]!
    expect(await plan('resend', { unit })).toMatchObject({ units: [], left: { retracted: ids } })
    await expect(order('resend', { unit }, 'abcdefabcdef')).rejects.toThrow(
      /There is nothing to order.*2 alerts retracted already/s,
    )
    const id = await carryOut('resend', { unit, withRetracted: true })
    expect(
      again(id)
        .map(({ bytes }) => bytes)
        .sort(),
    ).toEqual(bytesOf(ids))
  })

  it('that the database has forgotten, and that is ordered anew, is told again: the last word is that of the APDB', async () => {
    const { unit, ids } = await world.commit(9, [[31, -20]])
    await eventually(async () => expect(await untold()).toBe(0))
    const { pool } = world.db
    const id = await carryOut('retract', { unit })
    await pool.query('delete from alert_order_unit where order_id = $1', [id])
    await pool.query('delete from alert_order where id = $1', [id])
    await pool.query('update "DiaSource" set "timeWithdrawnMjdTai" = null where "diaSourceId" = any($1)', [ids])
    expect(await carryOut('retract', { unit })).toBe(id)
    const { rows } = await pool.query<{ at: number }>(
      'select "timeWithdrawnMjdTai" as at from "DiaSource" where "diaSourceId" = any($1)',
      [ids],
    )
    const told = world.recordsIn(alertsRetracted.topic).filter(({ key }) => ids.map(String).includes(String(key)))
    expect(told).toHaveLength(2)
    expect(codec.decode('alerts-retracted', told[1]!.value!).timeWithdrawnMjdTai).toBe(rows[0]!.at)
  })
})
