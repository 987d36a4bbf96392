import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { inject } from 'vitest'
import { migrate } from '../postgres/migrate.ts'
import { openPool, type Pool, type PoolOptions } from '../postgres/pool.ts'

export interface TestDatabase {
  readonly url: string
  readonly pool: Pool
  open(options: Partial<PoolOptions>): Pool
  /** Closes every pool and drops the database. */
  drop(): Promise<void>
}

/** A fresh, migrated database on the run's Postgres, so that test files do not see each other. */
export async function createDatabase(): Promise<TestDatabase> {
  const db = await createEmptyDatabase()
  await migrate(db.url)
  return db
}

/** The same without a table in it. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const server = inject('services').postgres.url
  const name = `test_${randomBytes(6).toString('hex')}`
  const onServer = async (sql: string) => {
    const client = new pg.Client(server)
    await client.connect()
    return client.query(sql).finally(() => client.end())
  }
  /** A pool says that it has ended before its sessions have, and one that is ended by force then cries out with nobody to hear it. */
  const left = async () => {
    const ask = `select from pg_stat_activity where datname = '${name}'`
    for (let tries = 0; tries < 100 && (await onServer(ask)).rowCount !== 0; tries++) await sleep(20)
  }
  await onServer(`create database ${name}`)
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href
  const pools: Pool[] = []
  const open = (options: Partial<PoolOptions>) => {
    const pool = openPool(url, { name: 'test', ...options })
    pools.push(pool)
    return pool
  }
  return {
    url,
    open,
    pool: open({ max: 8 }),
    drop: async () => {
      await Promise.all(pools.map(pool => pool.end()))
      await left()
      await onServer(`drop database ${name} with (force)`)
    },
  }
}
