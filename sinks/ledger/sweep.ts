import { endUnits } from '../postgres/ending.ts'
import { type Client, type Pool, transact } from '../postgres/pool.ts'
import { backOff, defaultRules, type LedgerRules } from './leases.ts'

/** What one sweep did, in units. */
export interface Swept {
  /** The sweeper itself had been away: everyone got a full lease, and nothing was taken from anybody. */
  readonly afterGap: boolean
  readonly freed: number
  readonly failed: number
  readonly expired: number
  readonly deferred: number
  /** It stopped at its limit: there is more, sweep again at once. */
  readonly unfinished: boolean
}

const idleSweep: Swept = { afterGap: false, freed: 0, failed: 0, expired: 0, deferred: 0, unfinished: false }

/**
 * Units that one sweep ends at most, for each reason: after a downtime a whole night lies there (17,200 units took one transaction 4.5 s
 * on two quiet cores, a thousand 0.3 s), and a sweep must neither meet the transactions' time-out nor keep the pulse waiting.
 */
const MOST_AT_ONCE = 1_000

/** Any number; taken by every sweeper of the database. */
const SWEEPER_LOCK = 0x5eeb

/**
 * Looks after units that nobody looks after; to be called about once a second, by any number of processes (they take turns).
 * Frees leases without heartbeat and reports that associate did not commit in time, fails what was tried too often, and ends live units
 * that have gone stale. All by the database's clock.
 *
 * Stale is a unit whose deadline is longer ago than `stalenessSeconds`. It *expired* when that moment passed while it lay ready in a live
 * system; it is *deferred* when it was stale already at the moment somebody could first have taken it. Example, staleness 10 min, deadline
 * 22:00, so stale at 22:10: ready since 21:59 and the sweeper always there: expired. Topology down until 23:00, ready then: deferred.
 * Database down from 22:05 to 23:00: the sweeper's pulse has a gap, live again since 23:00: deferred.
 */
export async function sweep(pool: Pool, rules: LedgerRules = defaultRules): Promise<Swept> {
  return transact(pool, async client => {
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [
      SWEEPER_LOCK,
    ])
    if (rows[0]?.mine !== true) return idleSweep
    if (await beatAfterGap(client, rules)) return { ...idleSweep, afterGap: true }
    const freed = await freeLost(client, rules)
    const failed = await failWorn(client, rules)
    const { expired, deferred } = await endStale(client, rules)
    const unfinished = failed === MOST_AT_ONCE || expired + deferred === MOST_AT_ONCE
    return { afterGap: false, freed, failed, expired, deferred, unfinished }
  })
}

/**
 * Beats. After a gap every holder gets a full lease: it could not reach us to renew, which says nothing about its work. Half a lease without
 * a sweep is a gap: a holder that renews four times a lease has more than that left when the database goes away, so none lapses unnoticed.
 */
async function beatAfterGap(client: Client, { leaseSeconds, reportedSeconds }: LedgerRules) {
  const { rows } = await client.query<{ gap: boolean }>(
    `with before as (select beat < clock_timestamp() - make_interval(secs => $1) as gap from ledger_pulse)
     update ledger_pulse set beat = clock_timestamp(),
       live_since = case when gap then clock_timestamp() else live_since end
     from before returning gap`,
    [leaseSeconds / 2],
  )
  if (rows[0]?.gap !== true) return false
  await client.query(
    `update unit set lease_until = greatest(lease_until,
       clock_timestamp() + make_interval(secs => case work when 'leased' then $1::int else $2 end))
     where work in ('leased', 'reported')`,
    [leaseSeconds, reportedSeconds],
  )
  return true
}

/** Rows that associate holds are skipped: they are about to be committed. */
async function freeLost(client: Client, { backOffSeconds }: LedgerRules): Promise<number> {
  const { rowCount } = await client.query(
    `with lost as materialized (
       select key from unit where work in ('leased', 'reported') and lease_until < clock_timestamp()
       order by key for update skip locked)
     update unit set work = 'idle', lease_until = null,
       reason = case work when 'leased' then 'lease-lost' else 'report-lost' end,
       detail = case work when 'leased' then format('no heartbeat from %s during its lease %s', worker, epoch)
         else format('the report of %s under lease %s was not committed in time', worker, epoch) end,
       not_before = clock_timestamp() + ${backOff('$1')}
     from lost where unit.key = lost.key`,
    [backOffSeconds],
  )
  return rowCount ?? 0
}

async function failWorn(client: Client, { maxTries }: LedgerRules): Promise<number> {
  const { rows } = await client.query<{ key: string }>(
    `with worn as materialized (
       select key from unit where inputs = 'ready' and work = 'idle' and tries >= $1 limit $2 for update skip locked)
     update unit set work = 'failed', reason = 'tries-exhausted',
       detail = format('given up after %s tries; the last: %s', tries, coalesce(detail, reason, 'no reason given'))
     from worn where unit.key = worn.key returning unit.key`,
    [maxTries, MOST_AT_ONCE],
  )
  await endUnits(
    client,
    rows.map(row => row.key),
    'failed',
  )
  return rows.length
}

/** The oldest first. Replays are exempt: an operator asked for them. */
async function endStale(client: Client, { stalenessSeconds }: LedgerRules) {
  const { rows } = await client.query<{ key: string; work: 'expired' | 'deferred' }>(
    `with stale as materialized (
       select key, deadline + make_interval(secs => $1) as since from unit
       where inputs = 'ready' and work = 'idle' and attempt = 0
         and deadline <= now() - make_interval(secs => $1)
       order by deadline limit $2 for update skip locked)
     update unit set
       work = case when greatest(ready_at, live_since) >= since then 'deferred' else 'expired' end,
       reason = case when greatest(ready_at, live_since) >= since then 'found-stale' else 'waited-too-long' end,
       detail = case when tries = 0 then format('not started within %s s after its deadline', $1::int)
         else format('given up %s s after its deadline, after %s tries; the last: %s', $1::int, tries,
           coalesce(detail, reason, 'no reason given')) end
     from stale, ledger_pulse where unit.key = stale.key returning unit.key, work`,
    [stalenessSeconds, MOST_AT_ONCE],
  )
  const keys = (work: string) => rows.filter(row => row.work === work).map(row => row.key)
  await endUnits(client, keys('expired'), 'expired')
  await endUnits(client, keys('deferred'), 'deferred')
  return { expired: keys('expired').length, deferred: keys('deferred').length }
}
