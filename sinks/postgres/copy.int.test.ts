import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createEmptyDatabase, type TestDatabase } from '../testing/database.ts'
import { copyRows } from './copy.ts'
import { transact } from './pool.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createEmptyDatabase()
  await db.pool.query(
    'create table cell (id bigint primary key, word text, double double precision, single real, flag boolean)',
  )
})
afterAll(() => db.drop())

const columns = ['id', 'word', 'double', 'single', 'flag']
const copy = (rows: readonly object[]) => transact(db.pool, client => copyRows(client, 'cell', columns, rows))

/** JSON, too, has no negative zero: it is the same number. */
const finite = (numbers: fc.Arbitrary<number>) => fc.option(numbers.map(x => (x === 0 ? 0 : x)))
const row = fc.record({
  word: fc.option(
    fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('\\N', '\\.', '\\', '', '\t\r\n', 'NULL', '\'"')),
    {},
  ),
  double: finite(fc.double({ noNaN: true, noDefaultInfinity: true })),
  single: finite(fc.float({ noNaN: true, noDefaultInfinity: true })),
  flag: fc.option(fc.boolean()),
})

it('stores each value as it is, to the last bit and character', async () => {
  const rows = fc
    .sample(row, { seed: Number(process.env.SEED ?? 3), numRuns: 3_000 })
    .map((it, i) => ({ ...it, id: 9_007_199_254_740_993n + BigInt(i), more: 'is left out' }))
    .filter(({ word }) => word?.includes('\0') !== true)
  await copy(rows)
  const { rows: stored } = await db.pool.query('select * from cell order by id')
  expect(stored).toEqual(rows.map(({ more: _, ...it }) => it))
})

it('stores what is no number as null, and what is not there', async () => {
  await copy([{ id: 1n, word: undefined, double: NaN, single: -Infinity }])
  const { rows } = await db.pool.query('select * from cell where id = 1')
  expect(rows).toEqual([{ id: 1n, word: null, double: null, single: null, flag: null }])
})

it('is refused as a whole, with the database’s reason, and the connection goes on', async () => {
  const pool = db.open({ max: 1 })
  const ids = async () => (await pool.query<{ id: bigint }>('select id from cell where id between 10 and 20')).rows
  for (const [rows, code] of [
    [[{ id: 10n }, { id: 10n }], '23505'],
    [[{ id: 10n }, { word: 'no key' }], '23502'],
    [[{ id: 10n, word: 'a\0b' }], '22021'],
    [[{ id: 10n, flag: 'perhaps' }], '22P02'],
  ] as const) {
    const copying = transact(pool, client => copyRows(client, 'cell', columns, rows))
    await expect(copying).rejects.toMatchObject({ code })
    expect(await ids()).toEqual([])
  }
  const nowhere = transact(pool, client => copyRows(client, 'nowhere', columns, [{ id: 1n }]))
  await expect(nowhere).rejects.toMatchObject({ code: '42P01' })
  const odd = transact(pool, client => copyRows(client, 'cell', columns, [{ id: 10n, word: { a: 1 } }]))
  await expect(odd).rejects.toThrow('column "word" is given object; a cell is a text, number, bigint, boolean or null')
})

it('ends with its connection, and one error', async () => {
  const pool = db.open({ max: 1, name: 'cut' })
  const many = Array.from({ length: 20_000 }, (_, i) => ({ id: BigInt(100_000 + i), word: 'w'.repeat(500) }))
  const blocker = await db.pool.connect()
  await blocker.query('begin; lock table cell in share mode')
  const copying = expect(transact(pool, client => copyRows(client, 'cell', columns, many))).rejects.toThrow(/terminat/)
  await expect
    .poll(async () => {
      const { rowCount } = await db.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut' and wait_event_type = 'Lock'`,
      )
      return rowCount
    })
    .toBe(1)
  await copying
  await blocker.query('rollback')
  blocker.release()
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})
