import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DetectorJob } from '../../schemas/avro/generated.ts'
import { announcement, decision, jobEvent } from '../testing/builders.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { dispatch } from './dispatch.ts'
import { defaultRules, type LedgerRules, openLeases } from './leases.ts'
import { unitsSummary } from './summary.ts'
import { sweep } from './sweep.ts'

let db: TestDatabase
const rules: LedgerRules = { ...defaultRules, stalenessSeconds: 600, backOffSeconds: 0 }
beforeAll(async () => {
  db = await createDatabase()
})
afterAll(() => db.drop())
beforeEach(async () => {
  await db.pool.query('truncate unit cascade')
  await db.pool.query(`update ledger_pulse set beat = now(), live_since = now() - interval '1 day'`)
})

const say = (...jobs: DetectorJob[]) =>
  jobs.reduce((done, job) => done.then(async () => void (await dispatch(db.pool)(jobEvent(job)))), Promise.resolve())
const outbox = async () =>
  (await db.pool.query<{ terminal: string; attempt: bigint }>('select terminal, attempt from outbox order by attempt'))
    .rows
const only = async () => {
  const units = await unitsSummary(db.pool)
  expect(units).toHaveLength(1)
  return units[0]!
}
const unit = `LATISS/${announcement.group}/0`
const past = (seconds: number) => Date.now() - seconds * 1000

describe('dispatch', () => {
  it('applies the highest (attempt, number), in whatever order and however often the decisions come', async () => {
    const decisions = [
      decision(0, { kind: 'announced', number: 1 }),
      decision(0, { kind: 'withdrawn', number: 2, reason: 'cancelled by the observatory' }),
      decision(0, { kind: 'ready', number: 3 }),
      decision(0, { kind: 'announced', number: 1, attempt: 1_795_000_000_000 }),
      decision(0, { kind: 'missed', number: 2, attempt: 1_795_000_000_000 }),
    ]
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...decisions, ...decisions], { minLength: 10 }), async order => {
        await db.pool.query('truncate unit cascade')
        await say(...order)
        expect(await only()).toMatchObject({ inputs: 'missed', attempt: 1_795_000_000_000, terminal: 'missed' })
        expect(await outbox()).toEqual([{ terminal: 'missed', attempt: 1_795_000_000_000n }])
      }),
      { numRuns: 10 },
    )
  })

  it('keeps the highest number of an attempt, also while nothing is final', async () => {
    const decisions = [
      decision(0, { kind: 'announced', number: 1, deadline: 1_795_000_000_001 }),
      decision(0, { kind: 'withdrawn', number: 2, deadline: 1_795_000_000_002 }),
      decision(0, { kind: 'ready', number: 3, deadline: 1_795_000_000_003 }),
      decision(0, { kind: 'announced', number: 1, attempt: 5, deadline: 1_795_000_000_004 }),
    ]
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...decisions, ...decisions], { minLength: 1 }), async order => {
        await db.pool.query('truncate unit cascade')
        await say(...order)
        const last = order.reduce((a, b) =>
          b.attempt > a.attempt || (b.attempt === a.attempt && b.number > a.number) ? b : a,
        )
        expect(await only()).toMatchObject({ attempt: last.attempt, deadline: last.deadline })
      }),
      { numRuns: 20 },
    )
  })

  it('writes a terminal decision and its outbox row together, with a code and the sentence', async () => {
    await say(decision(0, { kind: 'announced' }), decision(0, { kind: 'missed', reason: 'nothing came in 90 s' }))
    expect(await only()).toMatchObject({
      terminal: 'missed',
      reason: 'no-raws-in-time',
      detail: 'nothing came in 90 s',
    })
    const { terminalAt, announcedAt } = await only()
    expect(terminalAt).toBeGreaterThanOrEqual(announcedAt!)
  })

  it('knows when a unit was announced, whichever decision is written first or alone', async () => {
    const announcedAt = past(5)
    const decisions = [
      decision(0, { kind: 'announced', announcedAt }),
      decision(0, { kind: 'withdrawn', number: 2, announcedAt }),
      decision(0, { kind: 'ready', number: 3, announcedAt }),
    ]
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(decisions, { minLength: 1 }), async order => {
        await db.pool.query('truncate unit cascade')
        await say(...order)
        expect(await only()).toMatchObject({ announcedAt })
      }),
      { numRuns: 10 },
    )
  })

  it('takes the time of the record, where an older writer did not say when the unit was announced', async () => {
    const at = past(5)
    await dispatch(db.pool)({ ...jobEvent(decision(0, { kind: 'announced', announcedAt: null })), at })
    await say(decision(0, { announcedAt: null }))
    expect(await only()).toMatchObject({ announcedAt: at, inputs: 'ready' })
  })

  it('never touches a committed unit, and remembers the attempt that it turned away', async () => {
    await say(decision(0))
    await db.pool.query(`update unit set work = 'committed', committed_at_mjd_tai = 61000`)
    await say(decision(0, { attempt: 1_795_000_000_000 }), decision(0, { kind: 'missed', attempt: 1_795_000_000_001 }))
    await say(decision(0, { kind: 'announced', attempt: 1_795_000_000_000 }))
    const { rows } = await db.pool.query<Record<string, unknown>>('select work, attempt, protected_from from unit')
    expect(rows).toEqual([{ work: 'committed', attempt: 0n, protected_from: 1_795_000_000_001n }])
  })

  it('refuses a decision under another key, or one that says nothing', async () => {
    const foreign = { ...jobEvent(decision(0)), key: 'LATISS/other/0' }
    await expect(dispatch(db.pool)(foreign)).rejects.toMatchObject({ code: 'foreign-unit' })
    await expect(say(decision(0, { raws: [] }))).rejects.toMatchObject({ code: 'malformed-decision' })
  })

  it('refuses what no database can store, instead of trying for ever', async () => {
    for (const part of [{ survey: 'a\0b' }, { group: 'a\0b' }])
      await expect(say(decision(0, { announcement: { ...announcement, ...part } }))).rejects.toMatchObject({
        name: 'Rejection',
        code: 'unstorable',
      })
  })

  it('brings raws and announcement through unchanged', async () => {
    const job = decision(0)
    await say(job)
    const lease = await openLeases(db.pool).lease({ id: 'w' })
    expect(lease).toMatchObject({ raws: job.raws, announcement: job.announcement, deadline: job.deadline, epoch: 1 })
  })
})

describe('leases', () => {
  it('are given to one worker each, when 16 claim 60 units at once', async () => {
    await say(...Array.from({ length: 60 }, (_, detector) => decision(detector)))
    const pool = db.open({ max: 16 })
    const claim = async (id: string): Promise<string[]> => {
      const lease = await openLeases(pool).lease({ id })
      return lease === undefined ? [] : [lease.unit, ...(await claim(id))]
    }
    const claimed = (await Promise.all(Array.from({ length: 16 }, (_, i) => claim(`w${i}`)))).flat()
    expect(claimed).toHaveLength(60)
    expect(new Set(claimed).size).toBe(60)
  })

  it('prefer live units, then held calibrations, then the newest deadline', async () => {
    const soon = Date.now() + 10_000
    await say(
      decision(0, { deadline: soon }),
      decision(1, { deadline: soon + 1000 }),
      decision(2, { deadline: soon - 1000 }),
      decision(3, { deadline: soon + 9000, attempt: 1_795_000_000_000 }),
    )
    const leases = openLeases(db.pool)
    const next = async () => (await leases.lease({ id: 'w', holds: ['LATISS/2'] }))?.detector
    expect([await next(), await next(), await next(), await next(), await next()]).toEqual([2, 1, 0, 3, undefined])
  })

  it('take replays in the order of their visits, whatever the worker holds', async () => {
    const soon = Date.now() + 10_000
    const attempt = 1_795_000_000_000
    await say(
      decision(0, { deadline: soon + 1000, attempt }),
      decision(1, { deadline: soon + 3000, attempt }),
      decision(2, { deadline: soon + 2000, attempt }),
    )
    const leases = openLeases(db.pool)
    const next = async () => (await leases.lease({ id: 'w', holds: ['LATISS/1'] }))?.detector
    expect([await next(), await next(), await next()]).toEqual([0, 2, 1])
  })

  it('end with their epoch: an older holder can neither renew, release nor report', async () => {
    await say(decision(0))
    const leases = openLeases(db.pool, rules)
    const first = (await leases.lease({ id: 'a' }))!
    expect(await leases.heartbeat(unit, first.epoch)).toBe(true)
    expect(await leases.release(unit, first.epoch, { reason: 'interrupted', detail: 'stopped' })).toBe(true)
    const second = (await leases.lease({ id: 'b' }))!
    expect(second).toMatchObject({ epoch: first.epoch + 1, tries: 2 })
    expect(await leases.heartbeat(unit, first.epoch)).toBe(false)
    expect(await leases.release(unit, first.epoch, { reason: 'interrupted', detail: 'late' })).toBe(false)
    expect(await leases.reported(unit, first.epoch)).toBe(false)
    expect(await leases.reported(unit, second.epoch)).toBe(true)
    expect(await only()).toMatchObject({ work: 'reported', epoch: second.epoch })
  })

  it('wait out the back-off of a release', async () => {
    await say(decision(0))
    const leases = openLeases(db.pool, { ...rules, backOffSeconds: 60 })
    const { epoch } = (await leases.lease({ id: 'a' }))!
    await leases.release(unit, epoch, { reason: 'store', detail: 'the object store does not answer' })
    expect(await leases.lease({ id: 'a' })).toBeUndefined()
  })

  it.each(['released', 'lost'])('that were %s together do not come back together, and none too early', async how => {
    const many = { ...rules, backOffSeconds: 100 }
    const leases = openLeases(db.pool, many)
    await say(...Array.from({ length: 40 }, (_, detector) => decision(detector)))
    for (let i = 0; i < 40; i++) {
      const { unit: key, epoch } = (await leases.lease({ id: 'a' }))!
      if (how === 'released') await leases.release(key, epoch, { reason: 'store', detail: '503' })
    }
    if (how === 'lost') {
      await db.pool.query(`update unit set lease_until = now() - interval '1 s'`)
      await sweep(db.pool, many)
    }
    const { rows } = await db.pool.query<{ seconds: number }>(
      'select extract(epoch from not_before - clock_timestamp())::float8 as seconds from unit',
    )
    const waits = rows.map(({ seconds }) => seconds)
    // A hundred seconds to a hundred and fifty, less what this test has taken.
    expect(Math.min(...waits)).toBeGreaterThan(90)
    expect(Math.max(...waits)).toBeLessThanOrEqual(150)
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(10)
  })

  it('leave a preload claim standing only while the unit is announced', async () => {
    const leases = openLeases(db.pool, rules)
    await say(decision(0, { kind: 'announced' }))
    expect(await leases.claimPreload({ id: 'a' })).toMatchObject({ unit, attempt: 0 })
    expect(await leases.claimPreload({ id: 'b' })).toBeUndefined()
    expect(await leases.holdPreload(unit, 'b')).toBe(false)
    expect(await leases.holdPreload(unit, 'a')).toBe(true)
    expect(await leases.dropPreload(unit, 'b')).toBe(false)
    expect(await leases.dropPreload(unit, 'a')).toBe(true)
    expect(await leases.claimPreload({ id: 'a' })).toMatchObject({ unit })
    await say(decision(0, { kind: 'withdrawn', number: 2 }))
    expect(await leases.holdPreload(unit, 'a')).toBe(false)
    await say(decision(0, { number: 3 }))
    expect(await leases.lease({ id: 'b' })).toMatchObject({ unit })
  })
})

describe('the sweeper', () => {
  const lapse = () =>
    db.pool.query(`update unit set lease_until = now() - interval '1 s' where lease_until is not null`)

  it.each(['leased', 'reported'])(
    'frees a lapsed %s unit, with a back-off, and fails it after the last try',
    async work => {
      await say(decision(0))
      const leases = openLeases(db.pool, rules)
      for (let tries = 1; tries <= rules.maxTries; tries++) {
        const { epoch } = (await leases.lease({ id: 'a' }))!
        if (work === 'reported') await leases.reported(unit, epoch)
        await lapse()
        expect(await sweep(db.pool, rules)).toMatchObject({ freed: 1, failed: tries === rules.maxTries ? 1 : 0 })
        expect(await leases.heartbeat(unit, epoch)).toBe(false)
      }
      expect(await only()).toMatchObject({ work: 'failed', terminal: 'failed', reason: 'tries-exhausted' })
      expect((await sweep(db.pool, rules)).failed).toBe(0)
      expect(await outbox()).toHaveLength(1)
    },
  )

  it('gives everyone a full lease after a gap, before it takes anything away', async () => {
    await say(decision(0))
    const { epoch } = (await openLeases(db.pool, rules).lease({ id: 'a' }))!
    await lapse()
    await db.pool.query(`update ledger_pulse set beat = now() - interval '5 min'`)
    expect(await sweep(db.pool, rules)).toMatchObject({ afterGap: true, freed: 0 })
    expect(await sweep(db.pool, rules)).toMatchObject({ afterGap: false, freed: 0 })
    expect(await openLeases(db.pool, rules).heartbeat(unit, epoch)).toBe(true)
  })

  it('notices a database that was away for no longer than it takes leases to lapse', async () => {
    await say(decision(0))
    const { epoch } = (await openLeases(db.pool, rules).lease({ id: 'a' }))!
    const away = rules.leaseSeconds + 1
    await db.pool.query(`update unit set lease_until = lease_until - make_interval(secs => $1)`, [away])
    await db.pool.query(`update ledger_pulse set beat = now() - make_interval(secs => $1)`, [away])
    expect(await sweep(db.pool, rules)).toMatchObject({ afterGap: true, freed: 0 })
    expect(await openLeases(db.pool, rules).heartbeat(unit, epoch)).toBe(true)
  })

  it('gives trouble outside two minutes before it gives a unit up', () => {
    const { backOffSeconds, maxTries } = defaultRules
    const waits = Array.from({ length: maxTries - 1 }, (_, i) => backOffSeconds * 2 ** i)
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(120)
  })

  it('says expired of what waited too long in a live system, deferred of what was found old', async () => {
    await say(
      decision(0, { deadline: past(700) }),
      decision(1, { deadline: past(700) }),
      decision(2, { deadline: past(10) }),
    )
    await db.pool.query(`update unit set ready_at = now() - interval '800 s' where detector = 0`)
    const leases = openLeases(db.pool, rules)
    expect((await leases.lease({ id: 'w' }))?.detector).toBe(2)
    expect(await leases.lease({ id: 'w' })).toBeUndefined()
    expect(await sweep(db.pool, rules)).toMatchObject({ expired: 1, deferred: 1 })
    const units = await unitsSummary(db.pool)
    expect(units.map(({ detector, terminal }) => [detector, terminal]).sort()).toEqual([
      [0, 'expired'],
      [1, 'deferred'],
      [2, null],
    ])
  })

  it('defers what went stale while the database was away', async () => {
    await say(decision(0, { deadline: past(700) }))
    await db.pool.query(`update unit set ready_at = now() - interval '800 s'`)
    await db.pool.query(`update ledger_pulse set beat = now() - interval '750 s'`)
    expect(await sweep(db.pool, rules)).toMatchObject({ afterGap: true })
    expect(await sweep(db.pool, rules)).toMatchObject({ deferred: 1, expired: 0 })
  })

  it('says of what went stale after tries how the last one ended', async () => {
    await say(decision(0))
    const leases = openLeases(db.pool, { ...rules, backOffSeconds: 1000 })
    const { epoch } = (await leases.lease({ id: 'w' }))!
    await leases.release(unit, epoch, { reason: 'interrupted', detail: 'Error: 503 at bias.fits' })
    await db.pool.query(`update unit set deadline = now() - interval '700 s', ready_at = now() - interval '800 s'`)
    expect(await sweep(db.pool, rules)).toMatchObject({ expired: 1 })
    expect((await only()).detail).toMatch(
      /^given up \d+ s after its deadline, after 1 tries; the last: Error: 503 at bias.fits$/,
    )
  })

  it('spares replays, however old', async () => {
    await say(decision(0, { deadline: past(90_000), attempt: 1_795_000_000_000 }))
    expect(await sweep(db.pool, rules)).toMatchObject({ deferred: 0, expired: 0 })
    expect(await openLeases(db.pool, rules).lease({ id: 'w' })).toMatchObject({ unit })
  })

  it('takes turns with other sweepers', async () => {
    await say(...Array.from({ length: 20 }, (_, detector) => decision(detector, { deadline: past(700) })))
    const swept = await Promise.all(Array.from({ length: 6 }, () => sweep(db.pool, rules)))
    expect(swept.reduce((sum, { deferred }) => sum + deferred, 0)).toBe(20)
    expect(await outbox()).toHaveLength(20)
  })
})
