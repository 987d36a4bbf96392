import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { unitKey } from '../../topology/identifiers.ts'
import { pipelineResult } from '../../topology/streams.ts'
import { pipelineResult as report, source } from '../../topology/testing/sources.ts'
import { associate } from '../associate/associate.ts'
import { openHistory } from '../postgres/history.ts'
import { LONGEST_TRANSACTION_MS, openPool, type Pool, type PoolOptions, transact } from '../postgres/pool.ts'
import { announcement, decision, event, jobEvent } from '../testing/builders.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { hasPooler, type Pooler, startPooler } from '../testing/pooler.ts'
import { dispatch } from './dispatch.ts'
import { openLeases } from './leases.ts'
import { sweep } from './sweep.ts'

const CONNECTIONS = 20

describe.skipIf(!hasPooler)('behind PgBouncer in transaction mode (skipped: pgbouncer is not installed)', () => {
  let db: TestDatabase
  let pooler: Pooler
  const pools: Pool[] = []
  const open = (more: Partial<PoolOptions> = {}): Pool => {
    const pool = openPool(pooler.url, { name: 'through', max: 1, pooled: true, ...more })
    pools.push(pool)
    return pool
  }
  beforeAll(async () => {
    db = await createDatabase()
    pooler = await startPooler(db.url, CONNECTIONS)
  })
  afterAll(async () => {
    await Promise.all(pools.map(pool => pool.end()))
    await pooler.stop()
    await db.drop()
  })
  beforeEach(async () => {
    await db.pool.query('truncate unit, "DiaObject", "DiaSource", "DiaForcedSource", dia_source_provenance cascade')
    await db.pool.query(`update ledger_pulse set beat = now(), live_since = now() - interval '1 day'`)
  })

  it('a pool that was not told of it is refused', async () => {
    await expect(open({ pooled: false }).query('select 1')).rejects.toThrow('unsupported startup parameter')
  })

  it('a transaction has its bounds, and leaves none behind on a session that the next one gets', async () => {
    const pool = open()
    const bounds = async (show: (sql: string) => Promise<{ rows: unknown[] }>) =>
      (
        await show(
          `select name, setting from pg_settings where name in ('statement_timeout', 'lock_timeout',
             'transaction_timeout', 'idle_in_transaction_session_timeout') and setting <> '0' order by name`,
        )
      ).rows
    expect(await transact(pool, client => bounds(sql => client.query(sql)))).toEqual([
      { name: 'idle_in_transaction_session_timeout', setting: '5000' },
      { name: 'lock_timeout', setting: '5000' },
      { name: 'statement_timeout', setting: '10000' },
      { name: 'transaction_timeout', setting: String(LONGEST_TRANSACTION_MS) },
    ])
    expect(await bounds(sql => pool.query(sql))).toEqual([])
    const frozen = transact(open({ idleInTransactionTimeoutMs: 100 }), () => sleep(400))
    await expect(frozen).rejects.toThrow()
  })

  it('four workers run sixty units to their commit', async () => {
    const effects = open({ max: 4 })
    for (let detector = 0; detector < 60; detector++) await dispatch(effects)(jobEvent(decision(detector)))
    const landed: number[] = []
    const work = async (id: string) => {
      const pool = open()
      const leases = openLeases(pool)
      for (;;) {
        const lease = await leases.lease({ id, holds: ['LATISS/3'] })
        if (lease === undefined) return
        const { unit, epoch, detector } = lease
        await openHistory(pool).objectsIn([{ ra: 30, dec: -20 }])
        expect(await leases.heartbeat(unit, epoch)).toBe(true)
        expect(await leases.reported(unit, epoch)).toBe(true)
        const found = [source(1, 30 + detector / 1000, -20, { detector })]
        const result = report(found, { epoch, worker: id, detector })
        await associate(effects)(event(pipelineResult, unitKey('LATISS', announcement.group, detector), result))
        landed.push(detector)
      }
    }
    await Promise.all(['a', 'b', 'c', 'd'].map(work))
    expect(landed.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, detector) => detector))
    expect(await sweep(effects)).toMatchObject({ freed: 0, failed: 0 })
    const { rows } = await db.pool.query(`select work, count(*)::int as units from unit group by 1`)
    expect(rows).toEqual([{ work: 'committed', units: 60 }])
  })

  it('300 workers that poll share twenty connections, and each of 172 units is leased within a second, five visits long', async () => {
    const [WORKERS, VISITS, DETECTORS] = [300, 5, 172]
    const stop = new AbortController()
    let statements = 0
    const seek = async (id: string) => {
      const leases = openLeases(open({ name: id }))
      // They were not all started in one moment.
      await sleep(Math.random() * 500)
      while (!stop.signal.aborted) {
        statements++
        const lease = await leases.lease({ id })
        if (lease === undefined) {
          statements++
          await leases.claimPreload({ id })
          await sleep(500)
          continue
        }
        await sleep(1500)
        statements += 2
        if (!(await leases.heartbeat(lease.unit, lease.epoch))) throw new Error(`${lease.unit} was taken from ${id}`)
        await leases.reported(lease.unit, lease.epoch)
      }
    }
    const workers = Promise.all(Array.from({ length: WORKERS }, (_, i) => seek(`w${i}`)))
    await sleep(2000)
    const began = performance.now()
    const before = statements
    for (let visit = 0; visit < VISITS; visit++) {
      await insertReady(db.pool, `visit ${visit}`, DETECTORS)
      await sleep(2000)
    }
    const seconds = (performance.now() - began) / 1000
    const each = (statements - before) / seconds
    stop.abort()
    await workers
    const { rows } = await db.pool.query<Record<string, number>>(
      `select count(*)::int as units, max(epoch) as epoch, max(extract(epoch from leased_at - ready_at))::float8 as slowest,
         percentile_cont(0.99) within group (order by extract(epoch from leased_at - ready_at))::float8 as p99
       from unit where work = 'reported'`,
    )
    const [{ units, epoch, slowest, p99 } = {}] = rows
    const { rowCount: sessions } = await db.pool.query(
      `select 1 from pg_stat_activity where datname = current_database() and application_name like 'w%'`,
    )
    process.stdout.write(
      `${WORKERS} workers over ${CONNECTIONS} connections (${sessions} open): ${units} units, ready to leased p99 ` +
        `${p99!.toFixed(2)} s, slowest ${slowest!.toFixed(2)} s, ${each.toFixed(0)} statements a second\n`,
    )
    expect({ units, epoch }).toEqual({ units: VISITS * DETECTORS, epoch: 1 })
    expect(p99).toBeLessThan(1)
    expect(sessions).toBeLessThanOrEqual(CONNECTIONS)
  })
})

/** A visit whose raws have all come: ready in one moment. */
const insertReady = (pool: Pool, group: string, detectors: number) =>
  pool.query(
    `insert into unit (key, instrument, group_id, detector, attempt, decision, inputs, completeness, announcement,
       pipelines, raws, deadline, decided_at, ready_at)
     select format('LSSTCam/%s/%s', $2::text, d), 'LSSTCam', $2, d, 0, 2, 'ready', 'complete', $1, '["ApPipe"]', '[]',
       now() + interval '1 min', now(), clock_timestamp()
     from generate_series(1, $3::int) d`,
    [JSON.stringify({ ...announcement, instrument: 'LSSTCam', group }), group, detectors],
  )
