import type { Instant } from '../../topology/model/time.ts'
import type { Querier } from '../postgres/pool.ts'
import { STATE, type UnitState } from './summary.ts'

/** What of a unit's row decides whether a decision applies to it. */
export interface UnitStanding {
  readonly unit: string
  readonly attempt: number
  /** Number of the decision that was applied last, within the attempt. */
  readonly decision: number
  readonly state: UnitState
  /** The attempt has ended. */
  readonly hasEnded: boolean
}

const COLUMNS = `u.key as unit, u.attempt, u.decision, ${STATE} as state, u.terminal_at is not null as "hasEnded"
  from unit u left join outbox o on o.unit = u.key and o.attempt = u.attempt`
type Row = UnitStanding & { readonly attempt: bigint | number }
const toStanding = (row: Row): UnitStanding => ({ ...row, attempt: Number(row.attempt) })

/** Postgres takes so many keys at once without pain. */
const CHUNK = 10_000

/** Where these units stand; those that the ledger does not know are left out. */
export async function standingsOf(db: Querier, units: readonly string[]): Promise<Map<string, UnitStanding>> {
  const found = new Map<string, UnitStanding>()
  for (let i = 0; i < units.length; i += CHUNK) {
    const { rows } = await db.query<Row>(`select ${COLUMNS} where u.key = any($1)`, [units.slice(i, i + CHUNK)])
    for (const row of rows) found.set(row.unit, toStanding(row))
  }
  return found
}

/** Units that were announced since, or whose windows close later, and that are not committed. */
export async function notCommittedSince(db: Querier, since: Instant): Promise<UnitStanding[]> {
  const { rows } = await db.query<Row>(
    `select ${COLUMNS} where u.deadline >= $1 and coalesce(u.announced_at, u.deadline) >= $1
       and u.work not in ('committed', 'published')`,
    [new Date(since)],
  )
  return rows.map(toStanding)
}

/** How the units of a replay stand. */
export interface ReplayCount {
  readonly replay: number
  /** `already committed`: it met them, and left them as they are. */
  readonly state: UnitState | 'already committed'
  readonly units: number
}

/**
 * Units by replay and state, the newest replay first. A unit counts for the last replay that decided about it, or, where it had been
 * committed before, for the last that met it.
 */
export async function replayCounts(db: Querier): Promise<ReplayCount[]> {
  const { rows } = await db.query<{ replay: bigint; state: ReplayCount['state']; units: number }>(
    `select replay, state, count(*)::int as units from (
       select u.attempt as replay, ${STATE} as state
       from unit u left join outbox o on o.unit = u.key and o.attempt = u.attempt where u.attempt > 0
       union all select protected_from, 'already committed' from unit where protected_from is not null) met
     group by replay, state order by replay desc, state`,
  )
  return rows.map(row => ({ ...row, replay: Number(row.replay) }))
}
