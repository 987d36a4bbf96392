import type { Announcement, Product, TerminalState } from '../../schemas/avro/generated.ts'
import type { Instant } from '../../topology/model/time.ts'
import type { Querier } from '../postgres/pool.ts'
import { STATE, type UnitState } from './summary.ts'

/** All that ledger and outbox know of one unit, for people. */
export interface UnitRecord {
  readonly instrument: string
  readonly detector: number
  readonly state: UnitState
  readonly attempt: number
  readonly completeness: 'complete' | 'partial' | null
  readonly withdrawn: boolean
  readonly reason: string | null
  readonly detail: string | null
  readonly epoch: number
  readonly tries: number
  readonly worker: string | null
  readonly pipeline: string | null
  readonly announcement: Announcement
  readonly pipelines: readonly string[]
  readonly exposures: readonly bigint[]
  readonly products: readonly Product[]
  readonly diaSources: number
  readonly diaObjects: number
  readonly deadline: Instant
  readonly announcedAt: Instant | null
  readonly lastRawAt: Instant | null
  readonly readyAt: Instant | null
  readonly leasedAt: Instant | null
  readonly reportedAt: Instant | null
  readonly terminalAt: Instant | null
  readonly publishedAt: Instant | null
  /** The latest replay that was turned away because the unit is committed. */
  readonly protectedFrom: number | null
  /** How its attempts ended, the current one included. */
  readonly endings: readonly { readonly attempt: number; readonly terminal: TerminalState; readonly told: boolean }[]
}

/** Every unit of the visits of this group, by instrument and detector; none where nothing was ever announced for it. */
export async function unitsOfGroup(db: Querier, group: string): Promise<UnitRecord[]> {
  const { rows } = await db.query<
    Omit<UnitRecord, 'attempt' | 'protectedFrom'> & { attempt: bigint; protectedFrom: bigint | null }
  >(
    `select u.instrument, u.detector, ${STATE} as state, u.attempt, u.completeness, u.withdrawn, u.reason, u.detail, u.epoch,
       u.tries, u.worker, u.pipeline, u.announcement, u.pipelines, u.exposures, u.products, u.dia_sources as "diaSources",
       u.dia_objects as "diaObjects", u.deadline, u.announced_at as "announcedAt", u.last_raw_at as "lastRawAt",
       u.ready_at as "readyAt", u.leased_at as "leasedAt", u.reported_at as "reportedAt", u.terminal_at as "terminalAt",
       u.published_at as "publishedAt", u.protected_from as "protectedFrom",
       (select coalesce(json_agg(json_build_object('attempt', e.attempt, 'terminal', e.terminal, 'told', e.state = 'sent')
          order by e.attempt), '[]') from outbox e where e.unit = u.key) as endings
     from unit u left join outbox o on o.unit = u.key and o.attempt = u.attempt
     where u.group_id = $1
     order by u.instrument, u.detector`,
    [group],
  )
  return rows.map(row => ({
    ...row,
    attempt: Number(row.attempt),
    protectedFrom: row.protectedFrom === null ? null : Number(row.protectedFrom),
  }))
}

/** Groups that would stand beside this one: names are stamps of time, so these are the visits before and after. */
export async function groupsNear(db: Querier, group: string): Promise<string[]> {
  const { rows } = await db.query<{ group: string }>(
    `(select distinct group_id as "group" from unit where group_id < $1 order by 1 desc limit 3)
     union all (select distinct group_id from unit where group_id > $1 order by 1 limit 3) order by 1`,
    [group],
  )
  return rows.map(row => row.group)
}
