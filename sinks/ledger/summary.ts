import type { Inputs, TerminalState } from '../../schemas/avro/generated.ts'
import type { Instant } from '../../topology/model/time.ts'
import type { Querier } from '../postgres/pool.ts'

/** What an operator calls the state of a unit: how its attempt ended or, while it has not, how far it has come. */
export const unitStates = [
  'announced',
  'ready',
  'leased',
  'reported',
  'committed',
  'published',
  'missed',
  'cancelled',
  'ignored',
  'failed',
  'expired',
  'deferred',
] as const
export type UnitState = (typeof unitStates)[number]

/** Derives it: an expression over a unit `u` and the outbox row `o` of its current attempt. */
export const STATE = `case when o.terminal is null or (o.terminal = 'published' and o.state = 'pending')
    then case when u.work = 'idle' then u.inputs else u.work end
  else o.terminal end`

/** Where one unit stands, derived from its row and the outbox row of its current attempt. */
export interface UnitSummary {
  readonly unit: string
  readonly instrument: string
  readonly group: string
  readonly detector: number
  readonly attempt: number
  readonly inputs: 'announced' | 'ready' | 'missed' | 'cancelled' | 'ignored'
  readonly completeness: Inputs | null
  readonly state: UnitState
  readonly work: 'idle' | 'leased' | 'reported' | 'committed' | 'published' | 'failed' | 'expired' | 'deferred'
  /** How the attempt ended; null while it has not. `published` is said once the alerts are out, not before. */
  readonly terminal: TerminalState | null
  readonly reason: string | null
  readonly detail: string | null
  readonly epoch: number
  readonly tries: number
  readonly visit: bigint | null
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
}

export interface UnitsWanted {
  readonly instrument?: string
  readonly group?: string
  readonly state?: UnitState
  /** Whose window closes from the first of these instants on and before the second. */
  readonly deadlines?: readonly [Instant, Instant]
  /** Beside those of these deadlines all that have not ended, of whatever night. */
  readonly orOpen?: boolean
}

/** SQL: keys of units that have not ended; each part has its partial index, so that no former night is read. */
const OPEN = `select key from unit where inputs = 'ready' and work = 'idle'
  union all select key from unit where inputs = 'announced' and not withdrawn
  union all select key from unit where inputs = 'announced' and withdrawn
  union all select key from unit where work in ('leased', 'reported')
  union all select unit from outbox where state = 'pending' and terminal = 'published'`

/** Those of a unit that has not ended. */
const openStates: readonly UnitState[] = ['announced', 'ready', 'leased', 'reported', 'committed']

/** How many units have not ended, by state. */
export async function openUnits(db: Querier): Promise<{ readonly state: UnitState; readonly units: number }[]> {
  const { rows } = await db.query<{ state: UnitState; units: number }>(
    `select ${STATE} as state, count(*)::int as units
     from unit u left join outbox o on o.unit = u.key and o.attempt = u.attempt where u.key in (${OPEN}) group by 1`,
  )
  return openStates.map(state => ({ state, units: rows.find(row => row.state === state)?.units ?? 0 }))
}

const DEADLINES = '($4::timestamptz is null or u.deadline >= $4 and u.deadline < $5)'

/** The units of the ledger, by deadline and key: all, or those that are wanted. */
export async function unitsSummary(db: Querier, wanted: UnitsWanted = {}): Promise<UnitSummary[]> {
  const [from, to] = wanted.deadlines ?? [null, null]
  const { rows } = await db.query<UnitSummary & { attempt: bigint }>(
    `select u.key as unit, u.instrument, u.group_id as "group", u.detector, u.attempt, u.inputs, u.completeness, u.work, ${STATE} as state,
       case when o.terminal = 'published' and o.state = 'pending' then null else o.terminal end as terminal,
       u.reason, u.detail, u.epoch, u.tries, u.visit, u.dia_sources as "diaSources", u.dia_objects as "diaObjects",
       u.deadline, u.announced_at as "announcedAt", u.last_raw_at as "lastRawAt", u.ready_at as "readyAt",
       u.leased_at as "leasedAt", u.reported_at as "reportedAt", u.terminal_at as "terminalAt",
       u.published_at as "publishedAt"
     from unit u left join outbox o on o.unit = u.key and o.attempt = u.attempt
     where ($1::text is null or u.instrument = $1) and ($2::text is null or u.group_id = $2)
       and ($3::text is null or ${STATE} = $3)
       and (coalesce($3, '') <> 'deferred' or u.work = 'deferred') and (coalesce($3, '') <> 'failed' or u.work = 'failed')
       and ${wanted.orOpen ? `u.key in (select key from unit where deadline >= $4 and deadline < $5 union all ${OPEN})` : DEADLINES}
     order by u.deadline, u.key`,
    [
      wanted.instrument ?? null,
      wanted.group ?? null,
      wanted.state ?? null,
      from === null ? null : new Date(from),
      to === null ? null : new Date(to),
    ],
  )
  return rows.map(row => ({ ...row, attempt: Number(row.attempt) }))
}
