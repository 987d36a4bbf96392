import type { Announcement, Inputs, UsedRaw } from '../../schemas/avro/generated.ts'
import type { Instant } from '../../topology/model/time.ts'
import type { Pool } from '../postgres/pool.ts'
import { rawsFromJson } from './dispatch.ts'

/** What the ledger's workers and its sweeper must agree on. */
export interface LedgerRules {
  /** A lease without heartbeat lasts this long: at least four heartbeats. */
  readonly leaseSeconds: number
  /** How long a reported unit may wait for associate before it is done again. */
  readonly reportedSeconds: number
  /** A preload claim without renewal lasts this long. */
  readonly preloadSeconds: number
  /** Leases of one attempt before the unit fails: with the back-off, enough to outlast a store that is away for two minutes. */
  readonly maxTries: number
  /** A live unit is not started when its deadline is longer ago than this. */
  readonly stalenessSeconds: number
  /** The shortest wait before the second try; doubled for each one after, and up to half as long again by chance. */
  readonly backOffSeconds: number
}

export const defaultRules: LedgerRules = {
  leaseSeconds: 20,
  reportedSeconds: 60,
  preloadSeconds: 30,
  maxTries: 7,
  stalenessSeconds: 3600,
  backOffSeconds: 2,
}

/**
 * SQL: how long a unit waits after `tries` leases. The chance in it keeps 189 detectors that one trouble sent back from all returning in one
 * moment; it only lengthens, so that the tries outlast what they are meant to. Example, 2 s: 2 to 3 s after the first lease, 4 to 6 s after the second.
 * @param seconds SQL of the wait before the second try
 */
export const backOff = (seconds: string): string =>
  `make_interval(secs => ${seconds} * 2 ^ greatest(tries - 1, 0) * (1 + random() / 2))`

/** A worker, and the detectors ("instrument/detector") whose calibrations it holds in memory. */
export interface LeaseSeeker {
  readonly id: string
  readonly holds?: readonly string[]
}

/** A unit that a window still waits for; a worker may warm up for it. */
export interface AnnouncedUnit {
  readonly unit: string
  readonly detector: number
  readonly attempt: number
  readonly announcement: Announcement
  readonly pipelines: readonly string[]
  readonly deadline: Instant
}

/** The right to work on a unit. Everything written under it names its attempt and epoch. */
export interface Lease extends AnnouncedUnit {
  readonly epoch: number
  /** Which try of this attempt it is, from 1. */
  readonly tries: number
  readonly inputs: Inputs
  readonly raws: readonly UsedRaw[]
  /** When what caused the decision entered the system; the report inherits it. */
  readonly at: Instant
  readonly leasedAt: Instant
}

/** The ledger as workers see it. Every call is one statement, so that it goes through a transaction pooler; all times are the database's. */
export interface Leases {
  /**
   * The next ready unit: live ones before replays, then those whose calibrations the worker holds, then the newest deadline. Replays have nobody
   * waiting for them and go oldest first: whether a doubtful detection is stored depends on what earlier visits have found there.
   * Units gone stale are left to the sweeper. Raises the unit's epoch.
   */
  lease(worker: LeaseSeeker): Promise<Lease | undefined>
  /** An announced unit to preload, likewise chosen; advisory: it carries no epoch and keeps nobody from leasing the unit. */
  claimPreload(worker: LeaseSeeker): Promise<AnnouncedUnit | undefined>
  /** Renews a preload claim; false when it is over: the unit is ready, withdrawn, ended, or claimed by another. */
  holdPreload(unit: string, worker: string): Promise<boolean>
  /** Gives a preload claim up, so that another may prepare for the unit at once. False: it was not ours any more. */
  dropPreload(unit: string, worker: string): Promise<boolean>
  /** False: the lease is lost, stop working. */
  heartbeat(unit: string, epoch: number): Promise<boolean>
  /** Gives a unit back after an interruption or trouble outside, for a try after the back-off. False: it was not ours any more. */
  release(unit: string, epoch: number, why: { readonly reason: string; readonly detail: string }): Promise<boolean>
  /** Gives a unit back because its worker must end: anybody may take it at once, and the try does not count. False as above. */
  handBack(unit: string, epoch: number): Promise<boolean>
  /** The report is on the log. False: the lease is lost or associate was faster; nothing to do either way. */
  reported(unit: string, epoch: number): Promise<boolean>
}

interface UnitRow {
  readonly key: string
  readonly detector: number
  readonly attempt: bigint
  readonly announcement: Announcement
  readonly pipelines: readonly string[]
  readonly deadline: Instant
}
interface LeaseRow extends UnitRow {
  readonly epoch: number
  readonly tries: number
  readonly completeness: Inputs
  readonly raws: readonly UsedRaw[]
  readonly decided_at: Instant
  readonly leased_at: Instant
}

const toAnnounced = (row: UnitRow): AnnouncedUnit => ({
  unit: row.key,
  detector: row.detector,
  attempt: Number(row.attempt),
  announcement: row.announcement,
  pipelines: row.pipelines,
  deadline: row.deadline,
})

const toLease = (row: LeaseRow): Lease => ({
  ...toAnnounced(row),
  epoch: row.epoch,
  tries: row.tries,
  inputs: row.completeness,
  raws: rawsFromJson(row.raws),
  at: row.decided_at,
  leasedAt: row.leased_at,
})

const LEASE = `
  with picked as materialized (
    select key from unit
    where inputs = 'ready' and work = 'idle' and not_before <= now() and tries < $4
      and (attempt > 0 or deadline > now() - make_interval(secs => $5))
    order by attempt > 0, case when attempt > 0 then deadline end, instrument || '/' || detector = any($2) desc, deadline desc, key
    limit 1 for update skip locked)
  update unit set work = 'leased', epoch = epoch + 1, tries = tries + 1, worker = $1, leased_at = clock_timestamp(),
    reported_at = null, lease_until = clock_timestamp() + make_interval(secs => $3),
    preload_worker = null, preload_until = null
  from picked where unit.key = picked.key
  returning unit.*`

const PRELOAD = `
  with picked as materialized (
    select key from unit
    where inputs = 'announced' and not withdrawn and deadline > now()
      and (preload_until is null or preload_until < now())
    order by attempt > 0, instrument || '/' || detector = any($2) desc, deadline, key
    limit 1 for update skip locked)
  update unit set preload_worker = $1, preload_until = clock_timestamp() + make_interval(secs => $3)
  from picked where unit.key = picked.key
  returning unit.*`

/** Opens the ledger for workers. Errors are the database's: the caller backs off and tries again. */
export function openLeases(pool: Pool, rules: LedgerRules = defaultRules): Leases {
  const changesOne = async (sql: string, values: unknown[]) => (await pool.query(sql, values)).rowCount === 1
  return {
    lease: async ({ id, holds = [] }) => {
      const { rows } = await pool.query<LeaseRow>(LEASE, [
        id,
        holds,
        rules.leaseSeconds,
        rules.maxTries,
        rules.stalenessSeconds,
      ])
      return rows.map(toLease)[0]
    },
    claimPreload: async ({ id, holds = [] }) => {
      const { rows } = await pool.query<UnitRow>(PRELOAD, [id, holds, rules.preloadSeconds])
      return rows.map(toAnnounced)[0]
    },
    holdPreload: (unit, worker) =>
      changesOne(
        `update unit set preload_until = clock_timestamp() + make_interval(secs => $3)
         where key = $1 and preload_worker = $2 and inputs = 'announced' and not withdrawn`,
        [unit, worker, rules.preloadSeconds],
      ),
    dropPreload: (unit, worker) =>
      changesOne('update unit set preload_worker = null, preload_until = null where key = $1 and preload_worker = $2', [
        unit,
        worker,
      ]),
    heartbeat: (unit, epoch) =>
      changesOne(
        `update unit set lease_until = clock_timestamp() + make_interval(secs => $3)
         where key = $1 and epoch = $2 and work = 'leased'`,
        [unit, epoch, rules.leaseSeconds],
      ),
    release: (unit, epoch, { reason, detail }) =>
      changesOne(
        `update unit set work = 'idle', worker = null, lease_until = null, reason = $4, detail = $5,
           not_before = clock_timestamp() + ${backOff('$3')}
         where key = $1 and epoch = $2 and work = 'leased'`,
        [unit, epoch, rules.backOffSeconds, reason, detail],
      ),
    handBack: (unit, epoch) =>
      changesOne(
        `update unit set work = 'idle', worker = null, lease_until = null, tries = tries - 1, reason = 'interrupted',
           detail = format('handed back by %s, which had to end', worker)
         where key = $1 and epoch = $2 and work = 'leased'`,
        [unit, epoch],
      ),
    reported: (unit, epoch) =>
      changesOne(
        `update unit set work = 'reported', reported_at = coalesce(reported_at, clock_timestamp()),
           lease_until = clock_timestamp() + make_interval(secs => $3)
         where key = $1 and epoch = $2 and work = 'leased'`,
        [unit, epoch, rules.reportedSeconds],
      ),
  }
}
