import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { announcement } from '../testing/builders.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { LONGEST_TRANSACTION_MS } from '../postgres/pool.ts'
import { defaultRules, openLeases } from './leases.ts'
import { sweep, type Swept } from './sweep.ts'

/** A topology that comes back after hours finds a night of ready units, all of them stale: LSSTCam's 172 detectors, 100 visits. */
const VISITS = 100
const DETECTORS = 172
const UNITS = VISITS * DETECTORS

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase()
})
afterAll(() => db.drop())

beforeEach(async () => {
  await db.pool.query('truncate unit cascade')
  await db.pool.query(`update ledger_pulse set beat = now(), live_since = now() - interval '1 min'`)
  await db.pool.query(
    `insert into unit (key, instrument, group_id, detector, attempt, decision, inputs, completeness, announcement,
       pipelines, raws, deadline, decided_at, ready_at)
     select format('LSSTCam/%s/%s', g, d), 'LSSTCam', g::text, d, 0, 2, 'ready', 'complete', $1, '["ApPipe"]', '[]',
       now() - interval '3 hours' + make_interval(secs => g * 35), now(), now()
     from generate_series(1, $2::int) g, generate_series(1, $3::int) d`,
    [JSON.stringify({ ...announcement, instrument: 'LSSTCam' }), VISITS, DETECTORS],
  )
})

/** Sweeps as the process does: again at once while there is more. */
async function sweepAll(): Promise<{ swept: Swept[]; longestMs: number }> {
  const swept: Swept[] = []
  let longestMs = 0
  for (;;) {
    const began = performance.now()
    const one = await sweep(db.pool)
    longestMs = Math.max(longestMs, performance.now() - began)
    swept.push(one)
    if (!one.unfinished) return { swept, longestMs }
  }
}

it(`defers a night of ${UNITS} stale units in bounded transactions, each unit once, and none of them is leased meanwhile`, async () => {
  const leases = openLeases(db.pool)
  expect(await leases.lease({ id: 'w' })).toBeUndefined()
  const began = performance.now()
  const { swept, longestMs } = await sweepAll()
  const seconds = (performance.now() - began) / 1000
  process.stdout.write(
    `${UNITS} units deferred in ${seconds.toFixed(1)} s by ${swept.length} sweeps, the longest ${longestMs.toFixed(0)} ms\n`,
  )
  expect(swept.reduce((sum, { deferred }) => sum + deferred, 0)).toBe(UNITS)
  expect(longestMs).toBeLessThan(LONGEST_TRANSACTION_MS / 3)
  // A sweeper that is busy for longer than half a lease would take itself for one that was away.
  expect(longestMs).toBeLessThan((defaultRules.leaseSeconds * 1000) / 4)
  const { rows } = await db.pool.query(
    `select terminal, count(*)::int as units, count(distinct unit)::int as different from outbox group by 1`,
  )
  expect(rows).toEqual([{ terminal: 'deferred', units: UNITS, different: UNITS }])
  expect(await sweep(db.pool)).toMatchObject({ deferred: 0, unfinished: false })
}, 120_000)
