import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { migrate } from './migrate.ts'
import { InDoubt, transact } from './pool.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase()
})
afterAll(() => db.drop())

it('migrates once, however many processes start at once', async () => {
  await Promise.all([1, 2, 3, 4].map(() => migrate(db.url)))
  const { rows } = await db.pool.query<{ n: bigint }>('select count(*) as n from migrations')
  expect(rows).toEqual([{ n: BigInt(readdirSync(new URL('migrations', import.meta.url)).length) }])
})

it('gives 64-bit integers, float32 and instants unharmed', async () => {
  const { rows } = await db.pool.query(
    `select 170055002004914266::bigint as id, array[9007199254740993]::bigint[] as ids, 0.1::real as flux,
       '2026-11-22 03:00:00.123Z'::timestamptz as at, '-infinity'::timestamptz as never`,
  )
  expect(rows).toEqual([
    {
      id: 170055002004914266n,
      ids: [9007199254740993n],
      flux: Math.fround(0.1),
      at: Date.UTC(2026, 10, 22, 3, 0, 0, 123),
      never: -Infinity,
    },
  ])
})

it('lets a worker lease and read history, and nothing else', async () => {
  const roles = readFileSync(new URL('roles.sql', import.meta.url), 'utf8')
  await db.pool.query(roles)
  await db.pool.query(roles)
  const asWorker = (sql: string) =>
    transact(db.pool, async client => {
      await client.query('set local role pp_worker')
      return client.query(sql)
    })
  await asWorker('select * from "DiaSource" s join "DiaObject" o using ("diaObjectId")')
  await asWorker(`update unit set work = 'leased', epoch = epoch + 1, lease_until = now() where work = 'idle'`)
  for (const sql of [
    `insert into "DiaForcedSource" ("diaObjectId", "visit", "detector") values (1, 1, 1)`,
    `update "DiaObject" set "validityEndMjdTai" = 0`,
    `delete from "DiaSource"`,
    `insert into outbox select * from outbox`,
    `update unit set inputs = 'missed'`,
    `update unit set committed_at_mjd_tai = 0`,
  ])
    await expect(asWorker(sql), sql).rejects.toMatchObject({ code: '42501' })
})

it('rolls back what a transaction did when its work throws, and keeps the connection', async () => {
  const pool = db.open({ max: 1 })
  const failing = transact(pool, async client => {
    await client.query(`insert into "metadata" values ('test', 'x')`)
    throw new Error('half way')
  })
  await expect(failing).rejects.toThrow('half way')
  const { rows } = await pool.query(`select * from "metadata" where "name" = 'test'`)
  expect(rows).toEqual([])
})

it('says in doubt, and nothing else, when the connection dies while committing', async () => {
  const pool = db.open({ max: 1 })
  const doomed = transact(pool, async client => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    // The answer to COMMIT will not come: the backend is ended while it waits for the deferred trigger below.
    await client.query(`create or replace function stall() returns trigger language plpgsql as
      'begin perform pg_sleep(10); return null; end'`)
    await client.query(`create constraint trigger stall after insert on "metadata" deferrable initially deferred
      for each row execute function stall()`)
    await client.query(`insert into "metadata" values ('doubt', 'x')`)
    setTimeout(() => void db.pool.query('select pg_terminate_backend($1)', [rows[0]!.pid]), 100)
  })
  await expect(doomed).rejects.toBeInstanceOf(InDoubt)
  expect((await pool.query(`select 1 from "metadata" where "name" = 'doubt'`)).rowCount).toBe(0)
})
