import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dispatch } from '../sinks/ledger/dispatch.ts'
import { addMonth, detachMonth, divided, listMonths } from '../sinks/postgres/partitions.ts'
import { decision, jobEvent } from '../sinks/testing/builders.ts'
import { createDatabase, type TestDatabase } from '../sinks/testing/database.ts'
import type { Config } from '../streams/main/config.ts'
import { rebuildApdb } from './apdb-rebuild.ts'
import { type MonthFlags, orderAdd, orderDetach, showMonths } from './apdb.ts'
import { configWith, printer } from './testing/config.ts'

let db: TestDatabase
let config: Config
beforeAll(async () => {
  db = await createDatabase()
  config = configWith({ PP_POSTGRES_URL: db.url })
})
afterAll(() => db.drop())
beforeEach(async () => {
  for (const { month, state } of await listMonths(db.pool)) {
    if (state === 'attached') await detachMonth(db.pool, month)
    for (const table of divided) await db.pool.query(`drop table "${table}_${month.replace('-', '')}"`)
  }
  await db.pool.query(`truncate unit, ${divided.map(table => `"${table}"`).join(', ')} cascade`)
})

/** Of a visit of 2 February 2026. */
const forced = () =>
  db.pool.query(
    `insert into "DiaForcedSource" ("diaForcedSourceId", "diaObjectId", ra, dec, visit, detector, "midpointMjdTai", "timeProcessedMjdTai")
     values (1, 1, 0, 0, 2026020200001, 0, 61073, 61073)`,
  )
const FEBRUARY_IS_OVER = Date.UTC(2027, 2, 1)
async function printed(run: (print: (text: string) => void) => Promise<void>): Promise<string> {
  const { print, said } = printer()
  await run(print)
  return said()
}
const flags = { json: false }
const apply: MonthFlags = { json: false, apply: true }
const ls = () => printed(print => showMonths(config, flags, print))
const add = (month: string, how = apply) => printed(print => orderAdd(config, month, how, print))
const detach = (month: string, how = apply, now = FEBRUARY_IS_OVER) =>
  printed(print => orderDetach(config, month, how, print, now))

describe('pp apdb partitions', () => {
  it('ls says what is attached and what waits where', async () => {
    expect(await ls()).toBe('There is no month: all rows lie in the default partitions.')
    await forced()
    await addMonth(db.pool, '2026-03')
    const text = await ls()
    expect(text).toMatch(/^2026-03 +attached +not counted yet +not counted yet +\d+$/m)
    expect(text).toContain(
      '1 rows of DiaForcedSource lie in the default partition: `pp apdb partitions add 2026-02` gives them their month',
    )
    await db.pool.query('analyze')
    expect(await ls()).toMatch(/^2026-03 +attached +~0 +~0/m)
    expect(JSON.parse(await printed(print => showMonths(config, { json: true }, print)))).toMatchObject({
      months: [{ month: '2026-03', state: 'attached', parts: [{ table: 'DiaSource_202603' }, {}, {}] }],
      waiting: [{ table: 'DiaForcedSource', month: '2026-02', rows: 1 }],
    })
  })

  it('add shows its plan, does it, and has nothing to do the second time', async () => {
    await forced()
    const plan = await add('2026-02', flags)
    expect(plan).toMatch(/^Would make 2026-02 and move 1 rows out of the default partitions; nothing was changed/)
    expect(await listMonths(db.pool)).toEqual([])
    expect(await add('2026-02')).toMatch(/^To make 2026-02 and move 1 rows.*\nDone in \d+\.\d s; 1 rows moved\.$/)
    expect(await add('2026-02')).toBe('2026-02 is attached; nothing to do.')
    expect(JSON.parse(await add('2026-04', { ...apply, json: true }))).toMatchObject({ state: 'missing', moved: 0 })
  })

  it('detach shows its plan and does it; the month comes back by add', async () => {
    await addMonth(db.pool, '2026-02')
    await forced()
    expect(await detach('2026-02', flags)).toMatch(
      /^Would detach 2026-02; nothing was changed[^]*DiaForcedSource_202602/,
    )
    expect((await listMonths(db.pool))[0]!.state).toBe('attached')
    expect(await detach('2026-02')).toMatch(/^Detached 2026-02: these tables stay\n/)
    expect(await ls()).toMatch(/^2026-02 +detached/m)
    expect((await db.pool.query('select 1 from "DiaForcedSource"')).rowCount).toBe(0)
    expect(await add('2026-02')).toMatch(/^To attach again 2026-02 and move 0 rows/)
    expect((await db.pool.query('select 1 from "DiaForcedSource"')).rowCount).toBe(1)
  })

  it('refuses what is no month, not attached, still read, or not finished', async () => {
    for (const month of ['2026', '2026-13', '1999-01', '2026-1', 'now'])
      await expect(add(month)).rejects.toThrow(`"${month}" is no month that ids can have; one is like 2026-11`)
    await expect(detach('2026-02')).rejects.toThrow('2026-02 is not there; attached are none')
    await addMonth(db.pool, '2026-02')
    await expect(detach('2026-02', apply, Date.UTC(2027, 0, 1))).rejects.toThrow(
      '2026-02 is history that association and alerts read: 360 days before each visit; it may be detached from 2027-02-25T11:59:23Z on',
    )
    await dispatch(db.pool)(jobEvent(decision(0, { kind: 'announced', deadline: Date.UTC(2026, 1, 28, 23) })))
    await expect(detach('2026-02')).rejects.toThrow('1 units of 2026-02 have not ended or are not told yet')
    await dispatch(db.pool)(jobEvent(decision(0, { kind: 'missed', number: 9, deadline: Date.UTC(2026, 1, 28, 23) })))
    await expect(detach('2026-02')).rejects.toThrow('1 units of 2026-02 have not ended or are not told yet')
    await db.pool.query(`update outbox set state = 'sent'`)
    expect(await detach('2026-02')).toMatch(/^Detached/)
  })

  it('gives way to who holds a table, says so, and changes nothing', async () => {
    await addMonth(db.pool, '2026-02')
    const client = await db.pool.connect()
    await client.query('begin; lock table "DiaForcedSource" in share mode')
    await expect(detach('2026-02')).rejects.toThrow('The APDB at postgres.url: canceling statement due to lock timeout')
    await client.query('rollback')
    client.release()
    expect((await listMonths(db.pool))[0]!.state).toBe('attached')
  })
})

it('pp apdb rebuild compares with no APDB of which a month is detached, and has then touched nothing', async () => {
  await addMonth(db.pool, '2026-02')
  await detachMonth(db.pool, '2026-02')
  const into = db.url.replace(/[^/]*$/, 'not_even_there')
  const rebuilding = rebuildApdb(config, { into, diff: true, json: false }, () => undefined)
  await expect(rebuilding).rejects.toThrow(
    '2026-02 is detached from the APDB, so it cannot be compared: attach again (pp apdb partitions add 2026-02 --apply), or give --no-diff',
  )
})
