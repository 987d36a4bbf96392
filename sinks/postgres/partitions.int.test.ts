import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { runner } from 'node-pg-migrate'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { diaSourceId, exposureId } from '../../topology/identifiers.ts'
import { source } from '../../topology/testing/sources.ts'
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../testing/database.ts'
import { insertRows } from './columns.ts'
import { migrate } from './migrate.ts'
import { addMonth, detachMonth, divided, keepMonthsAhead, listMonths, listWaiting } from './partitions.ts'
import { type Pool, transact } from './pool.ts'

/** A source, a forced source and its provenance, each of this visit. */
async function write(pool: Pool, visit: bigint, counter = 1, release = 1): Promise<void> {
  const id = diaSourceId(visit, 0, counter, release)
  const one = {
    ...source(counter, 30, -20, { visit, diaSourceId: id, diaObjectId: id, ssObjectId: null }),
    pixelId: 1n,
  }
  await transact(pool, async client => {
    await insertRows(client, 'DiaSource', [one])
    const forced = { ...one, diaForcedSourceId: id, timeProcessedMjdTai: 61366 }
    await insertRows(client, 'DiaForcedSource', [forced])
    await client.query(`insert into dia_source_provenance values ($1, 'u', 0, 1, 'b', 'k', 0, 1, 1, 1, 2, 1)`, [id])
  })
}

/** All rows, as text, by table. */
const everything = async ({ pool }: TestDatabase) =>
  Object.fromEntries(
    await Promise.all(
      divided.map(async table => {
        const { rows } = await pool.query<{ t: string }>(`select t::text from "${table}" t order by 1`)
        return [table, rows.map(row => row.t)] as const
      }),
    ),
  )
/** How many rows lie where. */
const places = async ({ pool }: TestDatabase) => {
  const { rows } = await pool.query<{ place: string }>(
    divided.map(table => `select tableoid::regclass::text as place from "${table}"`).join(' union all '),
  )
  const names = rows.map(({ place }) => place.replaceAll('"', ''))
  return Object.fromEntries([...new Set(names)].sort().map(name => [name, names.filter(it => it === name).length]))
}
const inAll = (suffix: string, rows: number) => Object.fromEntries(divided.map(table => [`${table}_${suffix}`, rows]))

it('a filled database of before is divided with all its rows, keys and rights', async () => {
  const db = await createEmptyDatabase()
  try {
    const dir = fileURLToPath(new URL('migrations', import.meta.url))
    const quiet = { debug() {}, info() {}, warn() {}, error() {} }
    await runner({ databaseUrl: db.url, dir, direction: 'up', migrationsTable: 'migrations', count: 5, logger: quiet })
    for (const visit of [2026093000001n, 2026100100001n, 2026103132767n, 2026110100000n]) await write(db.pool, visit)
    await write(db.pool, 2026110100001n, 1, 2)
    const role = `reader_${process.pid}`
    await db.pool.query(
      `create role ${role}; grant select on "DiaSource" to ${role}; grant insert on "DiaForcedSource" to public`,
    )
    const before = await everything(db)

    await migrate(db.url)
    expect(await everything(db)).toEqual(before)
    expect(await places(db)).toEqual({
      ...inAll('202609', 1),
      ...inAll('202610', 2),
      ...inAll('202611', 1),
      // An id of another release than production's has no month; a forced source goes by its visit.
      ...inAll('default', 1),
      DiaForcedSource_202611: 2,
      DiaForcedSource_default: undefined,
    })
    expect(await listWaiting(db.pool)).toMatchObject([{ month: null }, { month: null }])
    await expect(write(db.pool, 2026100100001n)).rejects.toMatchObject({ code: '23505' })
    const { rows } = await db.pool.query(
      `select has_table_privilege('${role}', '"DiaSource"', 'select') as read, has_table_privilege('${role}', '"DiaSource"', 'insert') as write,
         has_table_privilege('${role}', '"DiaForcedSource"', 'insert') as public`,
    )
    expect(rows).toEqual([{ read: true, write: false, public: true }])
    await db.pool.query(`drop owned by ${role}; drop role ${role}`)
  } finally {
    await db.drop()
  }
})

describe('a month', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createDatabase()
  })
  afterAll(() => db.drop())
  beforeEach(async () => {
    for (const { month, state } of await listMonths(db.pool)) {
      if (state === 'attached') await detachMonth(db.pool, month)
      for (const table of divided) await db.pool.query(`drop table "${table}_${month.replace('-', '')}"`)
    }
    await db.pool.query(`truncate ${divided.map(table => `"${table}"`).join(', ')}`)
  })

  it('of an id and of a visit is that of its day, for the database as for us', async () => {
    const day = fc.date({ min: new Date('2010-01-01'), max: new Date('2054-10-31'), noInvalidDate: true })
    const part = fc.tuple(day, fc.nat(32_767), fc.nat(255), fc.integer({ min: 1, max: 524_287 }))
    const ids = fc.sample(part, { seed: 7, numRuns: 2_000 }).map(([date, sequence, detector, counter]) => {
      const visit = exposureId(Number(date.toISOString().slice(0, 10).replaceAll('-', '')), sequence)
      return { month: date.toISOString().slice(0, 7), visit, id: diaSourceId(visit, detector, counter) }
    })
    const { rows } = await db.pool.query<{ of_id: string; of_visit: string; inside: boolean }>(
      `select to_char(apdb_month_of_source(id), 'YYYY-MM') as of_id, to_char(apdb_month_of_visit(visit), 'YYYY-MM') as of_visit,
         (select bool_and(case parent when 'DiaForcedSource' then visit else id end between low and high - 1)
          from apdb_bounds(apdb_month_of_source(id))) as inside
       from unnest($1::bigint[], $2::bigint[]) as t (id, visit)`,
      [ids.map(it => it.id), ids.map(it => it.visit)],
    )
    expect(rows).toEqual(ids.map(({ month }) => ({ of_id: month, of_visit: month, inside: true })))
  })

  it('takes what is written when it is there; what came before waits in the default partition until it is made', async () => {
    await write(db.pool, 2026110200001n)
    expect(await places(db)).toEqual(inAll('default', 1))
    expect(await listWaiting(db.pool)).toEqual(divided.map(table => ({ table, month: '2026-11', rows: 1 })))
    const before = await everything(db)
    expect(await addMonth(db.pool, '2026-11')).toBe(3)
    expect(await addMonth(db.pool, '2026-11')).toBe(0)
    expect(await everything(db)).toEqual(before)
    await write(db.pool, 2026110200002n)
    expect(await places(db)).toEqual(inAll('202611', 2))
    expect(await listWaiting(db.pool)).toEqual([])
  })

  it('goes when it is detached, with its provenance, and comes back as it was, with what was written meanwhile', async () => {
    for (const month of ['2026-10', '2026-11']) await addMonth(db.pool, month)
    await write(db.pool, 2026100200001n)
    await write(db.pool, 2026110200001n)
    const before = await everything(db)
    await detachMonth(db.pool, '2026-10')
    expect(await places(db)).toEqual(inAll('202611', 1))
    expect((await listMonths(db.pool)).map(({ month, state }) => [month, state])).toEqual([
      ['2026-10', 'detached'],
      ['2026-11', 'attached'],
    ])
    await write(db.pool, 2026100200002n)
    expect(await addMonth(db.pool, '2026-10')).toBe(3)
    expect(await places(db)).toEqual({ ...inAll('202610', 2), ...inAll('202611', 1) })
    expect(await everything(db)).toMatchObject({ DiaSource: expect.arrayContaining(before['DiaSource']!) as string[] })
  })

  it('comes back from an archive, as tables of its name and columns, after it was dropped', async () => {
    await addMonth(db.pool, '2026-10')
    await write(db.pool, 2026100200001n)
    const before = await everything(db)
    await detachMonth(db.pool, '2026-10')
    for (const table of divided)
      await db.pool.query(
        `create temporary table archive as table "${table}_202610"; drop table "${table}_202610";
         create table "${table}_202610" (like "${table}" including all);
         insert into "${table}_202610" table archive; drop table archive`,
      )
    await addMonth(db.pool, '2026-10')
    expect(await everything(db)).toEqual(before)
    expect(await places(db)).toEqual(inAll('202610', 1))
  })

  it('that comes back with a row that was written again in the meantime is refused as a whole', async () => {
    await addMonth(db.pool, '2026-10')
    await write(db.pool, 2026100200001n)
    await detachMonth(db.pool, '2026-10')
    await write(db.pool, 2026100200001n)
    await expect(addMonth(db.pool, '2026-10')).rejects.toMatchObject({ code: '23505' })
    expect(await places(db)).toEqual(inAll('default', 1))
  })

  it('is there before its first night: this one and the next two, made by whoever starts, while others write', async () => {
    const writes = Array.from({ length: 40 }, (_, n) => write(db.pool, 2026010100001n + BigInt(n)))
    await Promise.all([...writes, ...[1, 2, 3].map(() => keepMonthsAhead(db.pool, () => undefined))])
    const [month] = (await listMonths(db.pool)).map(it => it.month)
    expect(month).toBe(new Date().toISOString().slice(0, 7))
    expect(await listMonths(db.pool)).toHaveLength(3)
    await write(db.pool, BigInt(month!.replace('-', '')) * 10_000_000n + 100_001n)
    expect(await places(db)).toEqual({ ...inAll('default', 40), ...inAll(month!.replace('-', ''), 1) })
  })

  it('is not made by itself where its rows have to move, which would hold up the night; the others are', async () => {
    const now = new Date().toISOString().slice(0, 7)
    await write(db.pool, BigInt(now.replace('-', '')) * 10_000_000n + 100_001n)
    const troubles: Error[] = []
    await keepMonthsAhead(db.pool, error => troubles.push(error))
    expect(troubles.map(it => it.message)).toEqual([`rows of ${now} wait in the default partition of DiaSource`])
    expect(await listMonths(db.pool)).toHaveLength(2)
    expect(await addMonth(db.pool, now)).toBe(3)
  })
})
