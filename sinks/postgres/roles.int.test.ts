import { readFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { unitKey } from '../../topology/identifiers.ts'
import { detectorResult, pipelineResult } from '../../topology/streams.ts'
import { ended } from '../../topology/testing/results.ts'
import { pipelineResult as report, source } from '../../topology/testing/sources.ts'
import { associate } from '../associate/associate.ts'
import { withdrawSources } from '../associate/withdraw.ts'
import { dispatch } from '../ledger/dispatch.ts'
import { openLeases } from '../ledger/leases.ts'
import { unitsSummary } from '../ledger/summary.ts'
import { sweep } from '../ledger/sweep.ts'
import { giveOrder, markNoted, readOrders, withdrawOrdered } from '../orders/book.ts'
import { readCandidates } from '../orders/candidates.ts'
import { markOrdered, orderKey, orderMarksAmong, readOrdered, withdrawalsOf } from '../publish/orders.ts'
import { marksAmong, markSent, readPending } from '../publish/outbox.ts'
import { chains, membersOf } from '../repository/contents.ts'
import { repoSync } from '../repository/repo-sync.ts'
import { announcement, decision, event, jobEvent, raw } from '../testing/builders.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { openHistory } from './history.ts'
import { detachMonth, keepMonthsAhead, listMonths } from './partitions.ts'
import { openPool, type Pool } from './pool.ts'

let db: TestDatabase
const logins: string[] = []
const pools: Pool[] = []
beforeAll(async () => {
  db = await createDatabase()
  await db.pool.query(readFileSync(new URL('roles.sql', import.meta.url), 'utf8'))
})
afterAll(async () => {
  await Promise.all(pools.map(pool => pool.end()))
  await db.pool.query(logins.map(login => `drop role ${login}`).join('; '))
  await db.drop()
})

/** A pool of somebody who has the rights of the role and no others. */
async function as(role: string): Promise<Pool> {
  const login = `test_${randomBytes(6).toString('hex')}`
  await db.pool.query(`create role ${login} login password 'test' in role ${role}`)
  logins.push(login)
  const pool = openPool(Object.assign(new URL(db.url), { username: login, password: 'test' }).href, { name: login })
  pools.push(pool)
  return pool
}

it('lets each process do all that it does with the rights of its role', async () => {
  const [effects, worker, reader] = [await as('pp_effects'), await as('pp_worker'), await as('pp_reader')]
  await keepMonthsAhead(effects, error => expect.unreachable(error.message))
  const [month] = (await listMonths(reader)).map(it => it.month)
  await expect(detachMonth(effects, month!)).rejects.toThrow('must be owner of table DiaSource')
  await expect(worker.query(`select apdb_add_month('2026-01-01')`)).rejects.toMatchObject({ code: '42501' })

  const operator = await as('pp_operator')
  await dispatch(effects)(jobEvent(decision(0, { kind: 'announced' })))
  const leases = openLeases(worker)
  const { unit } = (await leases.claimPreload({ id: 'w' }))!
  expect(await leases.holdPreload(unit, 'w')).toBe(true)
  expect(await leases.dropPreload(unit, 'w')).toBe(true)
  await openHistory(worker).objectsIn([{ ra: 30, dec: -20 }])
  await dispatch(effects)(jobEvent(decision(0, { raws: [{ at: 0, raw: raw(0) }] })))
  const { epoch } = (await leases.lease({ id: 'w' }))!
  expect(await leases.heartbeat(unit, epoch)).toBe(true)
  expect(await leases.reported(unit, epoch)).toBe(true)
  const result = report([source(1, 30, -20)], { epoch, worker: 'w' })
  await associate(effects)(event(pipelineResult, unitKey('LATISS', announcement.group, 0), result))
  const shards = await Promise.all([0, 1, 2, 3, 4, 5].map(shard => readPending(effects, shard, 9)))
  const [row] = shards.flatMap(({ rows }) => rows)
  await markSent(effects, row!, { alerts: 1, bytes: 9n, digest: 'ab' })
  expect([...(await marksAmong(effects, [`${unit}@0`], 60_000)).values()]).toEqual(['fresh'])

  await repoSync(effects)(event(detectorResult, 'LATISS/2026-02-25T04:00:20.000', ended()))
  const earlier = ended({ detector: 1, terminalAt: 0 })
  await repoSync(effects)(event(detectorResult, 'LATISS/2026-02-25T04:00:20.000', earlier))
  expect(await membersOf(reader, (await chains(reader))[0]!)).toMatchObject([{ since: 0, datasets: 4 }])

  const [candidate] = await readCandidates(operator, { unit }, 'retract')
  const withdraw = (pool: Pool) => withdrawOrdered(pool, 'ab', withdrawSources)
  await giveOrder(operator, { id: 'ab', kind: 'retract', by: 'kim', reason: 'r' }, [candidate!])
  await expect(withdraw(effects)).rejects.toThrow(/permission denied for table DiaSource/)
  await withdraw(operator)
  await expect(operator.query('update "DiaSource" set ra = 0')).rejects.toThrow(/permission denied/)
  await markNoted(operator, 'ab')
  const ordered = await Promise.all([0, 1, 2, 3, 4, 5].map(shard => readOrdered(effects, shard, 9)))
  const [part] = ordered.flat()
  expect((await withdrawalsOf(effects, part!.sources)).size).toBe(1)
  await markOrdered(effects, part!, null)
  expect([...(await orderMarksAmong(effects, [orderKey(part!)], 60_000)).values()]).toEqual(['fresh'])
  expect(await readOrders(reader)).toMatchObject([{ id: 'ab', units: { sent: 1 } }])

  await dispatch(effects)(jobEvent(decision(1)))
  const other = (await leases.lease({ id: 'w' }))!
  expect(await leases.release(other.unit, other.epoch, { reason: 'interrupted', detail: 'stopped' })).toBe(true)
  await db.pool.query(`update ledger_pulse set beat = now()`)
  await db.pool.query(`update unit set tries = 99 where key = $1`, [other.unit])
  expect(await sweep(effects)).toMatchObject({ failed: 1 })
  expect((await unitsSummary(reader)).map(({ terminal }) => terminal).sort()).toEqual(['failed', 'published'])
})
