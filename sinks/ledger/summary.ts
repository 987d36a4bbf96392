import type { Inputs, TerminalState } from '../../schemas/avro/generated.ts'
import type { Instant } from '../../topology/model/time.ts'
import type { Querier } from '../postgres/pool.ts'

/** Where one unit stands, derived from its row and the outbox row of its current attempt. */
export interface UnitSummary {
  readonly unit: string
  readonly instrument: string
  readonly group: string
  readonly detector: number
  readonly attempt: number
  readonly inputs: 'announced' | 'ready' | 'missed' | 'cancelled' | 'ignored'
  readonly completeness: Inputs | null
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

/** Every unit of the ledger, by deadline and key; of one instrument or one group where they are given. */
export async function unitsSummary(
  db: Querier,
  only: { readonly instrument?: string; readonly group?: string } = {},
): Promise<UnitSummary[]> {
  const { rows } = await db.query<UnitSummary & { attempt: bigint }>(
    `select u.key as unit, u.instrument, u.group_id as "group", u.detector, u.attempt, u.inputs, u.completeness, u.work,
       case when o.terminal = 'published' and o.state = 'pending' then null else o.terminal end as terminal,
       u.reason, u.detail, u.epoch, u.tries, u.visit, u.dia_sources as "diaSources", u.dia_objects as "diaObjects",
       u.deadline, u.announced_at as "announcedAt", u.last_raw_at as "lastRawAt", u.ready_at as "readyAt",
       u.leased_at as "leasedAt", u.reported_at as "reportedAt", u.terminal_at as "terminalAt",
       u.published_at as "publishedAt"
     from unit u left join outbox o on o.unit = u.key and o.attempt = u.attempt
     where ($1::text is null or u.instrument = $1) and ($2::text is null or u.group_id = $2)
     order by u.deadline, u.key`,
    [only.instrument ?? null, only.group ?? null],
  )
  return rows.map(row => ({ ...row, attempt: Number(row.attempt) }))
}
