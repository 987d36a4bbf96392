import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DiaObject, DiaSource, MpcOrbits, PipelineResult, SsSource } from '../../schemas/avro/generated.ts'
import { unitKey } from '../../topology/identifiers.ts'
import { ssObjectId } from '../../topology/ss-object-id.ts'
import { ephemerisOf } from '../../topology/testing/ephemerides.ts'
import { pipelineResult as report, source } from '../../topology/testing/sources.ts'
import { pipelineResult as stream } from '../../topology/streams.ts'
import { dispatch } from '../ledger/dispatch.ts'
import { defaultRules, openLeases } from '../ledger/leases.ts'
import { unitsSummary } from '../ledger/summary.ts'
import type { Pool } from '../postgres/pool.ts'
import { announcement, decision, event, jobEvent, raw } from '../testing/builders.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { associate, type Landing } from './associate.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase()
})
afterAll(() => db.drop())
beforeEach(() =>
  db.pool.query(
    'truncate unit, "DiaObject", "DiaSource", "DiaForcedSource", "SSSource", "mpc_orbits", dia_source_provenance cascade',
  ),
)

const VISIT = 2026112100042n
const unit = `LATISS/${announcement.group}/0`

const product = (key: string) => ({ datasetType: 'post_isr_image', bucket: 'central', key, size: 1n, sha256: 'd' })

/** Makes a unit ready and leases it; its epoch. */
async function lease(detector = 0, visit = VISIT, group = announcement.group): Promise<number> {
  const job = decision(detector, {
    announcement: { ...announcement, group },
    raws: [{ at: Date.now(), raw: { ...raw(detector, visit), group } }],
  })
  await dispatch(db.pool)(jobEvent(job))
  const leased = await openLeases(db.pool, { ...defaultRules, backOffSeconds: 0 }).lease({ id: 'w' })
  return leased!.epoch
}

async function land(result: PipelineResult, pool: Pool = db.pool): Promise<Landing | undefined> {
  let landing: Landing | undefined
  const key = unitKey(result.instrument, result.group, result.detector)
  await associate(pool, (_, what) => (landing = what))(event(stream, key, result))
  return landing
}

/** Everything that a report can change, as one text. */
async function everything(): Promise<string> {
  const apdb = ['"DiaObject"', '"DiaSource"', '"DiaForcedSource"', '"SSSource"', '"mpc_orbits"']
  const tables = ['unit', 'outbox', ...apdb, 'dia_source_provenance']
  const dumps = await Promise.all(
    tables.map(table => db.pool.query<{ t: string }>(`select t::text from ${table} t order by 1`)),
  )
  return dumps.flatMap(({ rows }) => rows.map(row => row.t)).join('\n')
}
const objects = async () =>
  (
    await db.pool.query<DiaObject & { validityEndMjdTai: number | null }>(
      'select * from "DiaObject" order by "diaObjectId", "validityStartMjdTai"',
    )
  ).rows
const sources = async () => (await db.pool.query<DiaSource>('select * from "DiaSource" order by 1')).rows
const outbox = async () => (await db.pool.query<{ terminal: string }>('select * from outbox')).rows
const only = async () => (await unitsSummary(db.pool))[0]!

describe('a success', () => {
  it('is committed as rows, unit and outbox together', async () => {
    await lease()
    expect(await land(report([source(1, 30, -20), source(2, 30.01, -20, { glint_trail: true })]))).toBe('committed')
    expect(await sources()).toMatchObject([
      { ra: 30, dec: -20, visit: VISIT, band: 'r', trailLength: Math.fround(0.1) },
    ])
    const [object] = await objects()
    expect(object).toMatchObject({ nDiaSources: 1, validityEndMjdTai: null, r_psfFluxMean: 1000 })
    const { rows } = await db.pool.query<Record<string, unknown>>('select * from unit')
    expect(rows).toMatchObject([
      {
        work: 'committed',
        dia_sources: 1,
        dia_objects: 1,
        visit: VISIT,
        committed_at_mjd_tai: object!.validityStartMjdTai,
      },
    ])
    expect(rows[0]!.dropped).toMatchObject([{ reason: 'glint_trail' }])
    expect(await outbox()).toMatchObject([{ terminal: 'published', state: 'pending', dia_sources: 1 }])
    expect(await only()).toMatchObject({ work: 'committed', terminal: null })
  })

  it('may say a word about what it left out, which stays with the unit', async () => {
    await lease()
    const detail = 'exposure 2: its sky angle is -45°'
    await land(report([], { detail }))
    expect(await only()).toMatchObject({ work: 'committed', reason: null, detail })
  })

  it('without any detection is recorded all the same', async () => {
    await lease()
    expect(await land(report([]))).toBe('committed')
    expect(await only()).toMatchObject({ work: 'committed', diaSources: 0 })
    expect(await outbox()).toHaveLength(1)
  })

  it('reported again changes nothing, nor does any later failure or lease', async () => {
    const epoch = await lease()
    const result = report([source(1, 30, -20)], { epoch })
    await land(result)
    const before = await everything()
    expect(await land(result)).toBe('ended-already')
    expect(await land({ ...result, epoch: epoch + 1 })).toBe('ended-already')
    expect(await land({ ...result, outcome: 'failed', reason: 'late' })).toBe('ended-already')
    expect(await openLeases(db.pool).lease({ id: 'w' })).toBeUndefined()
    expect(await openLeases(db.pool).reported(unit, epoch)).toBe(false)
    expect(await everything()).toBe(before)
  })

  it('commits under whatever lease of the current attempt, the first one wins', async () => {
    const first = await lease()
    await openLeases(db.pool, { ...defaultRules, backOffSeconds: 0 }).release(unit, first, { reason: 'x', detail: 'y' })
    const second = (await openLeases(db.pool).lease({ id: 'w2' }))!.epoch
    expect(await land(report([source(1, 30, -20)], { epoch: first }))).toBe('committed')
    expect(await openLeases(db.pool).heartbeat(unit, second)).toBe(false)
  })

  it('of an attempt that was replaced is ignored', async () => {
    await lease()
    await dispatch(db.pool)(jobEvent(decision(0, { attempt: 1_795_000_000_000 })))
    expect(await land(report([source(1, 30, -20)]))).toBe('superseded-attempt')
    expect(await land(report([source(1, 30, -20)], { attempt: 1_795_000_000_000 }))).toBe('committed')
  })

  it('closes the version of an object that it replaces', async () => {
    await lease()
    await land(report([source(1, 30, -20)]))
    const visit = VISIT + 1n
    await lease(0, visit, 'next')
    await land(report([source(1, 30, -20, { visit, midpointMjdTai: 61365.2 })], { visit, group: 'next', epoch: 1 }))
    const [old, now] = await objects()
    expect(old!.validityEndMjdTai).toBe(now!.validityStartMjdTai)
    expect(now).toMatchObject({ validityEndMjdTai: null, nDiaSources: 2, diaObjectId: old!.diaObjectId })
    expect(now!.validityStartMjdTai).toBeGreaterThan(old!.validityStartMjdTai)
  })

  it('leaves out history older than 360 days', async () => {
    await lease()
    await land(report([source(1, 30, -20, { midpointMjdTai: 61000 })], { midpointMjdTai: 61000 }))
    const visit = VISIT + 1n
    await lease(0, visit, 'next')
    const late = { visit, midpointMjdTai: 61360.5 }
    await land(report([source(1, 30, -20, late)], { ...late, group: 'next' }))
    expect((await objects()).at(-1)).toMatchObject({ nDiaSources: 1, firstDiaSourceMjdTai: 61000 })
  })
})

describe('a known body of the solar system', () => {
  const at = (number: number, dec: number, more: object = {}) =>
    ephemerisOf({ number, epochMjdTai: 61365.1, ra: 30, dec, rateRa: 0.2, rateDec: -0.1, ...more })
  const ssSources = async () => (await db.pool.query<SsSource>('select * from "SSSource" order by 1')).rows
  const orbits = async () =>
    (await db.pool.query<MpcOrbits>('select * from "mpc_orbits" order by designation, fingerprint')).rows

  it('is written with its orbit, and makes no object; one that is missed, nothing', async () => {
    await lease()
    const [rock, star] = [source(1, 30, -20), source(2, 30, -20.01)]
    const ephemerides = [at(0, -20 + 0.2 / 3600), at(1, -20.02)]
    expect(await land(report([rock, star], { ephemerides, observationReason: '', targetName: 'lowdust' }))).toBe(
      'committed',
    )
    expect(await sources()).toMatchObject([
      { diaObjectId: null, ssObjectId: ssObjectId('K26N00A') },
      { diaObjectId: star.diaSourceId, ssObjectId: null },
    ])
    expect((await objects()).map(object => object.diaObjectId)).toEqual([star.diaSourceId])
    expect(await ssSources()).toMatchObject([
      { diaSourceId: rock.diaSourceId, designation: '2026 NA', ephOffset: Math.fround(0.2), diaDistanceRank: 1 },
    ])
    expect(await orbits()).toMatchObject([
      {
        id: 0,
        designation: '2026 NA',
        created_at: 0n,
        updated_at: 0n,
        fitting_datetime: 0n,
        orbit_type_int: -1,
        a: 2.5,
      },
    ])
    expect(await outbox()).toMatchObject([{ dia_sources: 2, dia_objects: 1, observation_reason: null, target_name: 'lowdust' }]) // prettier-ignore
  })

  it('seen again has its orbit once, and a better orbit beside the first', async () => {
    const later = at(0, -20)
    const better = { ...later, orbit: { ...later.orbit, a: 2.5000001 } }
    for (const [i, ephemeris] of [later, { ...later, orbit: { ...later.orbit, id: 9 } }, better].entries()) {
      const visit = VISIT + BigInt(i)
      const group = `visit ${i}`
      await lease(0, visit, group)
      await land(report([source(1, 30, -20, { visit })], { visit, group, ephemerides: [ephemeris] }))
    }
    expect((await orbits()).map(({ a }) => a).sort()).toEqual([2.5, 2.5000001])
    expect(await ssSources()).toHaveLength(3)
    expect(await objects()).toEqual([])
  })

  it('loses no orbit and meets no deadlock when 8 units see the same 20 bodies at once, each on a sky of its own', async () => {
    const numbers = Array.from({ length: 20 }, (_, i) => i)
    const results: PipelineResult[] = []
    for (let detector = 0; detector < 8; detector++) {
      await lease(detector)
      const ra = 30 + 10 * detector
      const found = numbers.map(i => source(i + 1, ra, -20 + i / 1000, { detector }))
      const ephemerides = numbers.map(i => at(i, -20 + i / 1000, { ra }))
      if (detector % 2 === 1) ephemerides.reverse()
      results.push(report(found, { detector, ephemerides, boundary: [] }))
    }
    const pool = db.open({ max: 8 })
    expect(new Set(await Promise.all(results.map(result => land(result, pool))))).toEqual(new Set(['committed']))
    expect((await ssSources()).length).toBe(160)
    expect((await orbits()).length).toBe(20)
  })
})

describe('a failure', () => {
  it('ends the unit, with its reason', async () => {
    const epoch = await lease()
    const failed = report([], { outcome: 'failed', reason: 'raw-unreadable', detail: 'the FITS ends early', epoch })
    expect(await land(failed)).toBe('failed')
    expect(await only()).toMatchObject({ terminal: 'failed', reason: 'raw-unreadable', detail: 'the FITS ends early' })
    expect(await land(failed)).toBe('ended-already')
    expect(await land(report([source(1, 30, -20)]))).toBe('ended-already')
  })

  it('of an older lease counts for nothing', async () => {
    const first = await lease()
    const leases = openLeases(db.pool, { ...defaultRules, backOffSeconds: 0 })
    await leases.release(unit, first, { reason: 'x', detail: 'y' })
    await leases.lease({ id: 'w' })
    expect(await land(report([], { outcome: 'failed', reason: 'old', epoch: first }))).toBe('superseded-epoch')
    expect(await only()).toMatchObject({ work: 'leased', terminal: null })
  })
})

describe('a report that cannot be right', () => {
  it.each([
    ['of a visit that is not the unit’s', report([], { visit: VISIT + 5n }), 'foreign-visit'],
    ['with a source of another detector', report([source(1, 30, -20, { detector: 3 })]), 'malformed-result'],
    ['with a value that the APDB refuses', report([source(1, 30, -20, { x: NaN })]), 'unstorable'],
    ['with a name that no database can store', report([], { products: [product('a\0b')] }), 'unstorable'],
    ['with a region that cannot be', report([source(1, 30, -20), source(2, 200, 0)]), 'impossible-region'],
  ])('%s is parked, and the unit fails with the same reason', async (_, result, code) => {
    const epoch = await lease()
    await expect(land({ ...result, epoch })).rejects.toMatchObject({ name: 'Rejection', code })
    expect(await only()).toMatchObject({ terminal: 'failed', reason: code })
    expect(await sources()).toEqual([])
    expect(await outbox()).toHaveLength(1)
  })

  it('under the key of another unit is parked', async () => {
    await lease()
    await expect(associate(db.pool)(event(stream, 'LATISS/other/0', report([])))).rejects.toMatchObject({
      code: 'foreign-unit',
    })
    expect(await only()).toMatchObject({ terminal: 'failed', reason: 'foreign-unit' })
  })

  it('of a unit that nobody announced is parked', async () => {
    await expect(land(report([]))).rejects.toMatchObject({ code: 'unknown-unit' })
  })
})

it('loses no update and meets no deadlock when 8 units with the same objects commit at once, each of them twice', async () => {
  const stars = Array.from({ length: 12 }, (_, i) => [30 + i * 0.01, -20 + i * 0.005] as const)
  const results: PipelineResult[] = []
  for (let i = 0; i < 8; i++) {
    const visit = VISIT + BigInt(i)
    const group = `visit ${i}`
    const epoch = await lease(0, visit, group)
    const found = stars.map(([ra, dec], n) =>
      source(n + 1, ra + (i * 0.01) / 3600, dec, { visit, midpointMjdTai: 61365 + i / 100 }),
    )
    // Every other unit brings them in the opposite order.
    if (i % 2 === 1) found.reverse()
    results.push(report(found, { visit, group, epoch, midpointMjdTai: 61365 + i / 100 }))
  }
  const pool = db.open({ max: 16 })
  const landings = await Promise.all([...results, ...results].map(result => land(result, pool)))
  expect(landings.filter(landing => landing === 'committed')).toHaveLength(8)

  const open = (await objects()).filter(object => object.validityEndMjdTai === null)
  expect(open).toHaveLength(12)
  for (const object of open) expect(object).toMatchObject({ nDiaSources: 8, r_psfFluxNdata: 8 })
  // Each object's versions follow each other without gap or overlap.
  for (const { diaObjectId } of open) {
    const versions = (await objects()).filter(object => object.diaObjectId === diaObjectId)
    expect(versions).toHaveLength(8)
    versions.slice(1).forEach((v, i) => expect(v.validityStartMjdTai).toBe(versions[i]!.validityEndMjdTai))
  }
  expect(await sources()).toHaveLength(96)
  expect(await outbox()).toHaveLength(8)
})

describe('a commit whose answer is lost', () => {
  /** Ends associate's backend while it is inside COMMIT: a deferred trigger on the outbox holds it there, before or after the point of no return. */
  async function killDuringCommit(): Promise<void> {
    for (let i = 0; i < 200; i++) {
      const { rowCount } = await db.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'doomed' and datname = current_database() and wait_event = 'PgSleep'`,
      )
      if (rowCount! > 0) return
      await pause(10)
    }
    throw new Error('associate never came to its commit')
  }

  it('is looked up: it had not happened, so it is done, once', async () => {
    const epoch = await lease()
    // Sleeps in the first commit only, so that the second can pass. A sequence is not rolled back.
    await db.pool.query(`create sequence commits`)
    await db.pool.query(`create function stall() returns trigger language plpgsql as
      'begin if nextval(''commits'') = 1 then perform pg_sleep(5); end if; return null; end'`)
    await db.pool.query(`create constraint trigger stall after insert on outbox deferrable initially deferred
      for each row execute function stall()`)
    const landing = land(report([source(1, 30, -20)], { epoch }), db.open({ name: 'doomed', max: 2 }))
    await killDuringCommit()
    expect(await landing).toBe('committed')
    await db.pool.query('drop trigger stall on outbox')
    expect(await sources()).toHaveLength(1)
    expect(await outbox()).toHaveLength(1)
  })

  it('is looked up: it had happened, so nothing is done', async () => {
    const epoch = await lease()
    const pool = db.open({ name: 'cut', max: 2 })
    // The server commits; the connection dies before the answer is read.
    let cut = false
    pool.on('connect', client => {
      const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>
      client.query = (async (...args: unknown[]) => {
        const answer = await query(...args)
        if (args[0] !== 'commit' || cut) return answer
        cut = true
        await client.end()
        throw new Error('Connection terminated unexpectedly')
      }) as typeof client.query
    })
    expect(await land(report([source(1, 30, -20)], { epoch }), pool)).toBe('ended-already')
    expect(cut).toBe(true)
    expect(await sources()).toHaveLength(1)
    expect(await outbox()).toHaveLength(1)
  })
})
