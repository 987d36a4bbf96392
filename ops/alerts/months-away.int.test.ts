import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { OrderKind } from '../../sinks/orders/candidates.ts'
import { addMonth, detachMonth, divided } from '../../sinks/postgres/partitions.ts'
import { type CommittedUnit, publishing, type Publishing } from '../../sinks/publish/testing/publishing.ts'
import { dayObsOf } from '../../topology/identifiers.ts'
import { orderDetach } from '../apdb.ts'
import { configWith } from '../testing/config.ts'
import { orderPlan, planned, type What } from './command.ts'

/** Orders about alerts while months of the APDB are detached. All units are of 21 November 2026. */

const OWN = '2026-11'
const HISTORY = '2025-12'
const BEFORE_HISTORY = '2025-10'

let world: Publishing
let units: CommittedUnit[]
beforeAll(async () => {
  world = await publishing()
  for (const month of [OWN, HISTORY, BEFORE_HISTORY]) await addMonth(world.db.pool, month)
  units = [await world.commit(1, [[30, -20]]), await world.commit(2, [[30, -20]])]
  const stop = await world.start()
  await vi.waitFor(async () => expect(await untold()).toBe(0), { timeout: 8_000, interval: 20 })
  await stop()
})
afterEach(async () => {
  for (const month of [OWN, HISTORY, BEFORE_HISTORY]) await addMonth(world.db.pool, month)
})
afterAll(() => world.close())

const untold = async () => (await world.db.pool.query(`select from outbox where state = 'pending'`)).rowCount
const detach = (month: string) => detachMonth(world.db.pool, month)
const plan = (kind: OrderKind, what: What) => planned(world.db.pool, kind, what)
const order = (kind: OrderKind, what: What, id: string) =>
  orderPlan(world.db.pool, async () => undefined, kind, what, { id, by: 'kim', reason: 'r' })
async function everyWay(): Promise<What[]> {
  const { rows } = await world.db.pool.query<{ deadline: number }>('select deadline from outbox limit 1')
  const { unit, visit, group, ids } = units[0]!
  const night = String(dayObsOf(rows[0]!.deadline))
  return [{ unit }, { visit: String(visit) }, { visit: group }, { night }, { ids: ids.join() }]
}

describe('a plan', () => {
  it('to resend is refused, however the alerts are named, while a month of their history is detached; with the month, and what to do', async () => {
    await detach(HISTORY)
    for (const what of await everyWay())
      await expect(plan('resend', what), JSON.stringify(what)).rejects.toThrow(
        [
          '2025-12 is detached from the APDB, and these alerts are packed from there: their sources, or the history of the 360 days before them',
          'Attach again: pp apdb partitions add 2025-12 --apply',
          'Or take the packets as they were sent from the archive of alerts (docs/alert-archive-and-resend.md)',
        ].join('\n'),
      )
    for (const what of await everyWay())
      expect((await plan('retract', what)).units, JSON.stringify(what)).not.toEqual([])
  })

  it('of either kind is refused while the month of the sources is detached, and is what it was once that is attached again', async () => {
    const before = await plan('resend', { unit: units[0]!.unit })
    await detach(OWN)
    for (const what of await everyWay()) {
      await expect(plan('resend', what), JSON.stringify(what)).rejects.toThrow('2026-11 is detached from the APDB')
      await expect(plan('retract', what), JSON.stringify(what)).rejects.toThrow(
        '2026-11 is detached from the APDB, and sources that are meant lie there\nAttach again: pp apdb partitions add 2026-11 --apply',
      )
    }
    await addMonth(world.db.pool, OWN)
    expect(await plan('resend', { unit: units[0]!.unit })).toEqual(before)
  })

  it('does not ask for months that it does not need', async () => {
    await detach(BEFORE_HISTORY)
    for (const what of await everyWay())
      expect((await plan('resend', what)).units, JSON.stringify(what)).not.toEqual([])
  })
})

it('a retraction that was cut short is not gone on with while the month of its sources is detached', async () => {
  const what = { unit: units[1]!.unit }
  const { id } = await plan('retract', what)
  await world.db.pool.query(
    `create function refuse() returns trigger language plpgsql as 'begin raise exception ''cut''; end';
     create trigger refuse before update on alert_order_unit for each row execute function refuse()`,
  )
  await expect(order('retract', what, id)).rejects.toThrow('cut')
  await world.db.pool.query('drop trigger refuse on alert_order_unit')
  await detach(OWN)
  await expect(order('retract', what, id)).rejects.toThrow('2026-11 is detached from the APDB')
  await addMonth(world.db.pool, OWN)
  expect(await order('retract', what, id)).toMatchObject({ isKnown: true, order: { units: { pending: 1 } } })
})

it('a month is not detached while an order that needs it waits', async () => {
  const what = { unit: units[0]!.unit }
  const { id } = await plan('resend', what)
  await order('resend', what, id)
  const config = configWith({ PP_POSTGRES_URL: world.db.url })
  const later = Date.UTC(2028, 6, 1)
  const detaching = (month: string) => orderDetach(config, month, { apply: true, json: false }, () => undefined, later)
  await expect(detaching(HISTORY)).rejects.toThrow(
    /^order [0-9a-f]{12} about alerts is not carried out yet, and needs 2025-12; /,
  )
  await detaching(BEFORE_HISTORY)
  const stop = await world.start()
  await vi.waitFor(
    async () =>
      expect((await world.db.pool.query(`select from alert_order_unit where state = 'pending'`)).rowCount).toBe(0),
    { timeout: 8_000, interval: 20 },
  )
  await stop()
  await detaching(HISTORY)
})

it('units whose month was dropped are told as such in a plan, and not passed over', async () => {
  await detach(OWN)
  for (const table of divided) await world.db.pool.query(`drop table "${table}_202611"`)
  const { left, units: planned } = await plan('resend', { visit: String(units[0]!.visit) })
  expect({ left, planned }).toMatchObject({ planned: [], left: { incomplete: [units[0]!.unit] } })
})
