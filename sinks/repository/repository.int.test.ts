import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DetectorResult, RepositoryIngested } from '../../schemas/avro/generated.ts'
import { visitKey } from '../../topology/identifiers.ts'
import { Rejection } from '../../topology/model/step.ts'
import { detectorResult } from '../../topology/streams.ts'
import { DEPLOYMENT, ended, productOf } from '../../topology/testing/results.ts'
import type { Effect } from '../effect.ts'
import { InDoubt, type Pool } from '../postgres/pool.ts'
import { event } from '../testing/builders.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { chains, datasetsOf, membersOf } from './contents.ts'
import { repoSync } from './repo-sync.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase()
})
afterAll(() => db.drop())
const empty = () => db.pool.query('truncate repository.run, repository.dataset, repository.dimension_record')
beforeEach(empty)

const CHAIN = 'LATISS/prompt/output-2026-02-24'
const send = (effect: Effect, result: DetectorResult) =>
  effect(event(detectorResult, visitKey(result.instrument, result.group), result))
const ingested = async (done: ReturnType<Effect>) => (await done).out[0]!.value as RepositoryIngested
/** How each call ended: `done`, or the code of its refusal. */
const outcomes = async (calls: readonly ReturnType<Effect>[]) =>
  (await Promise.allSettled(calls)).map(outcome => {
    if (outcome.status === 'fulfilled') return 'done'
    if (outcome.reason instanceof Rejection) return outcome.reason.code
    throw outcome.reason
  })

/** Everything that is registered, without when it was, as one text. */
async function everything(pool: Pool = db.pool): Promise<string> {
  const tables = ['run', 'chain_member', 'dimension_record', 'dataset']
  const dumps = await Promise.all(
    tables.map(table =>
      pool.query<{ t: string }>(
        `select (to_jsonb(t) - 'registered_at')::text as t from repository.${table} t order by 1`,
      ),
    ),
  )
  return dumps.flatMap(({ rows }) => rows.map(row => row.t)).join('\n')
}

/** Six units of two visits, the second processed by a later deployment; one failed and left files behind. */
const night: readonly DetectorResult[] = [0, 1, 2].flatMap(detector => {
  const other = ended({ group: 'later', visit: 2026022400050n, detector, terminalAt: 1_772_000_000_000 + detector })
  const products = other.products.map(it => ({ ...it, key: it.key.replace(DEPLOYMENT, 'a-later-deployment') }))
  return [ended({ detector }), detector === 2 ? { ...other, products, state: 'failed' } : { ...other, products }]
})

describe('a batch', () => {
  it('is one transaction for all results that come together', async () => {
    const batches: number[] = []
    const units = Array.from({ length: 189 }, (_, detector) => ended({ detector, instrument: 'LSSTCam' }))
    const effect = repoSync(db.pool, batch => batches.push(batch.length))
    await Promise.all(units.map(unit => send(effect, unit)))
    expect(batches).toEqual([189])
    expect(await datasetsOf(db.pool)).toHaveLength(2 * 189)
  })

  it('registers each product of a committed attempt exactly once, in the right run', async () => {
    const effect = repoSync(db.pool)
    await Promise.all(night.map(result => send(effect, result)))
    const published = night.filter(({ state }) => state === 'published')
    const found = (await datasetsOf(db.pool)).map(({ key, size, sha256 }) => ({ key, size, sha256 }))
    const stored = published.flatMap(({ products }) => products.map(({ key, size, sha256 }) => ({ key, size, sha256 })))
    const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1)
    expect(found.sort(byKey)).toEqual(stored.sort(byKey))
    for (const { key, run } of await datasetsOf(db.pool)) expect(key.startsWith(`${run}/`)).toBe(true)
  })

  it('tells of each unit which datasets it is, by their ids', async () => {
    const effect = repoSync(db.pool)
    const told = await ingested(send(effect, night[0]!))
    const registered = await datasetsOf(db.pool)
    expect(told).toMatchObject({ visit: 2026022400042n, run: `${CHAIN}/ApPipe/${DEPLOYMENT}`, detector: 0, attempt: 0 })
    expect([...told.datasets].sort()).toEqual(registered.map(({ id }) => id).sort())
    expect((await send(effect, night.at(-1)!)).out).toEqual([])
  })
})

describe('the chain of a night', () => {
  it('has the newest run first, and a run that is new goes in front', async () => {
    const effect = repoSync(db.pool)
    const runs = async () => (await membersOf(db.pool, CHAIN)).map(({ run }) => run.split('/').at(-1))
    await send(effect, night[0]!)
    expect(await runs()).toEqual([DEPLOYMENT])
    await send(effect, night[1]!)
    expect(await runs()).toEqual(['a-later-deployment', DEPLOYMENT])
    await send(effect, night[2]!)
    expect(await runs()).toEqual(['a-later-deployment', DEPLOYMENT])
    expect(await chains(db.pool)).toEqual([CHAIN])
  })
})

it('of the newest chains is the first, whatever its camera is called', async () => {
  const effect = repoSync(db.pool)
  await send(effect, ended({ instrument: 'LSSTCam', terminalAt: 1_771_000_000_000 }))
  await send(effect, ended())
  expect(await chains(db.pool)).toEqual([CHAIN, CHAIN.replace('LATISS', 'LSSTCam')])
})

it('the same tables come of any order, any repetition, any batches, and two who register at once', async () => {
  const effect = repoSync(db.pool)
  await Promise.all(night.map(result => send(effect, result)))
  const expected = await everything()
  const twice = fc.shuffledSubarray([...night, ...night], { minLength: 2 * night.length })
  await fc.assert(
    fc.asyncProperty(twice, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), async (order, waits) => {
      await empty()
      const both = [repoSync(db.pool), repoSync(db.pool)]
      const calls: ReturnType<Effect>[] = []
      for (const [i, result] of order.entries()) {
        const call = send(both[i % 2]!, result)
        calls.push(call)
        if (waits[i]) await call
      }
      await Promise.all(calls)
      expect(await everything()).toBe(expected)
    }),
    { numRuns: 20 },
  )
})

it('eight who register the same 189 units at once, in different orders, neither deadlock nor register twice', async () => {
  const units = Array.from({ length: 189 }, (_, detector) => ended({ detector, instrument: 'LSSTCam' }))
  const rotated = Array.from({ length: 8 }, (_, k) => [...units.slice(20 * k), ...units.slice(0, 20 * k)])
  await Promise.all(
    rotated.flatMap(order => {
      const effect = repoSync(db.pool)
      return order.map(unit => send(effect, unit))
    }),
  )
  expect(await datasetsOf(db.pool)).toHaveLength(2 * 189)
})

describe('a record that cannot be registered', () => {
  const other = (unit: DetectorResult): DetectorResult => ({
    ...unit,
    products: [productOf(unit, 'difference_image', { sha256: 'other bytes' })],
  })

  it('is refused alone: the first registration stays, and its neighbours in the batch are registered', async () => {
    const effect = repoSync(db.pool)
    await send(effect, ended())
    const before = await datasetsOf(db.pool)
    const bad = ended({ detector: 3, products: [productOf(ended({ detector: 3 }), 'calexp')] })
    const calls = [ended({ detector: 1 }), other(ended()), bad, ended({ detector: 2 })].map(it => send(effect, it))
    expect(await outcomes(calls)).toEqual(['done', 'conflicting-dataset', 'unregistered-dataset-type', 'done'])
    await expect(calls[1]).rejects.toThrow(/difference_image of LATISS\/.*\/0 is registered in .*; the first stays$/)
    const after = await datasetsOf(db.pool)
    expect(after.filter(({ unit }) => unit === before[0]!.unit)).toEqual(before)
    expect(after).toHaveLength(6)
  })

  it('leaves nothing of itself, when it contradicts another in its own batch', async () => {
    const effect = repoSync(db.pool)
    expect(await outcomes([ended(), other(ended())].map(it => send(effect, it)))).toEqual([
      'done',
      'conflicting-dataset',
    ])
    expect((await datasetsOf(db.pool)).map(({ sha256 }) => sha256)).not.toContain('other bytes')
  })

  it('is one whose exposure belongs to another group already', async () => {
    const effect = repoSync(db.pool)
    await send(effect, ended())
    const stolen = send(effect, ended({ group: 'another', detector: 5 }))
    expect(await outcomes([stolen])).toEqual(['conflicting-dimension'])
    await expect(stolen).rejects.toThrow(
      /exposure 2026022400042 is registered as .*04:00:20.*another.*; the first stays/,
    )
  })

  it('is none whose camera or detector was described otherwise before: the first description stays', async () => {
    const effect = repoSync(db.pool)
    await send(effect, ended())
    await db.pool.query(
      `update repository.dimension_record set record = record || '{"told": "before"}' where element in ('instrument', 'detector')`,
    )
    const before = await everything()
    expect(before.match(/"told": "before"/g)).toHaveLength(2)
    expect(await outcomes([send(repoSync(db.pool), ended())])).toEqual(['done'])
    expect(await everything()).toBe(before)
  })

  it('is one that no database can store, or that has a foreign key', async () => {
    const effect = repoSync(db.pool)
    const unstorable = ended({ group: 'a\0b' })
    expect(await outcomes([unstorable, ended()].map(it => send(effect, it)))).toEqual(['unstorable', 'done'])
    const foreign = effect({ ...event(detectorResult, 'LATISS/other', ended()) })
    expect(await outcomes([foreign])).toEqual(['foreign-visit'])
  })
})

describe('trouble with the database', () => {
  it('refuses nobody: everybody is to call again, and nothing of a batch is there', async () => {
    const effect = repoSync(db.open({ lockTimeoutMs: 50 }))
    const units = [ended({ detector: 1 }), ended({ detector: 2 })]
    const other = await db.pool.connect()
    await other.query('begin; lock table repository.dataset')
    for (const call of units.map(it => send(effect, it))) await expect(call).rejects.toMatchObject({ code: '55P03' })
    await other.query('rollback')
    other.release()
    expect(await everything()).toBe('')
    expect(await outcomes(units.map(it => send(effect, it)))).toEqual(['done', 'done'])
  })

  it('between the commit and its answer is no loss and no duplicate: what comes again finds itself, and is told', async () => {
    await expect(send(repoSync(losingAnswers(db.pool)), ended())).rejects.toThrow(InDoubt)
    const before = await everything()
    const ids = (await datasetsOf(db.pool)).map(({ id }) => id)
    expect(ids).toHaveLength(2)
    const told = await ingested(send(repoSync(db.pool), ended()))
    expect([...told.datasets].sort()).toEqual(ids.sort())
    expect(await everything()).toBe(before)
  })
})

/** The pool, over a network that breaks after each commit was done and before its answer came. */
const losingAnswers = (pool: Pool): Pool =>
  Object.assign(Object.create(pool) as Pool, {
    connect: async () => {
      const client = await pool.connect()
      const query = async (...of: [string, unknown[]?]) => {
        const answer = await client.query(...of)
        if (of[0] === 'commit') throw new Error('Connection terminated unexpectedly')
        return answer
      }
      return { query, on: () => {}, off: () => {}, release: () => client.release() }
    },
  })
