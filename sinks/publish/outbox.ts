import type { AlertsLedger, DetectorResult, Inputs, Product, TerminalState } from '../../schemas/avro/generated.ts'
import type { Instant } from '../../topology/model/time.ts'
import type { Pool } from '../postgres/pool.ts'

/** How one attempt at one unit ended, waiting to be told. */
export interface OutboxRow {
  readonly unit: string
  readonly attempt: bigint
  readonly terminal: TerminalState
  readonly instrument: string
  readonly group_id: string
  readonly detector: number
  readonly completeness: Inputs | null
  readonly reason: string | null
  readonly detail: string | null
  readonly visit: bigint | null
  readonly exposures: readonly bigint[]
  readonly pipeline: string | null
  readonly products: readonly Product[]
  readonly dia_sources: number
  readonly dia_objects: number
  readonly deadline: Instant
  readonly announced_at: Instant | null
  readonly last_raw_at: Instant | null
  readonly ready_at: Instant | null
  readonly leased_at: Instant | null
  readonly reported_at: Instant | null
  readonly terminal_at: Instant
  readonly committed_at_mjd_tai: number | null
  /** The lease whose report was committed. */
  readonly committed_epoch: number | null
  /** Of the alerts that were sent, hex; null before, and where that was before digests were kept. */
  readonly alerts_digest: string | null
  readonly observation_reason: string | null
  readonly target_name: string | null
}

/** Key of the row in alerts-ledger: `instrument/group/detector@attempt`. */
export const ledgerKey = ({ unit, attempt }: Pick<OutboxRow, 'unit' | 'attempt'>): string => `${unit}@${attempt}`

/**
 * Pending rows of a shard, oldest end first, and the database's time read before them: every row that ended long enough before `now` is in
 * the answer, or ended later than its last row. Found by their state alone; a cursor over ids or times would miss rows whose
 * transactions were overtaken.
 */
export async function readPending(pool: Pool, shard: number, limit: number) {
  const { rows: clock } = await pool.query<{ now: Instant }>('select clock_timestamp() as now')
  const { rows } = await pool.query<OutboxRow>(
    `select * from outbox where shard = $1 and state = 'pending' order by terminal_at, unit, attempt limit $2`,
    [shard, limit],
  )
  return { now: clock[0]!.now, rows }
}

/** How many ends of units are not told yet, of all shards, and for how long the oldest of them; 0 where there is none. */
export async function outboxBacklog(pool: Pool): Promise<{ readonly pending: number; readonly oldestSeconds: number }> {
  const { rows } = await pool.query<{ pending: number; oldest: number }>(
    `select count(*)::int as pending,
       coalesce(extract(epoch from clock_timestamp() - min(terminal_at)), 0)::float8 as oldest
     from outbox where state = 'pending'`,
  )
  return { pending: rows[0]!.pending, oldestSeconds: rows[0]!.oldest }
}

/** What was sent, as alerts-ledger has it; only how many alerts where its entry is lost. */
export type Sent =
  | Pick<AlertsLedger, 'alerts' | 'bytes' | 'digest'>
  | { readonly alerts: number; readonly bytes: null; readonly digest: null }

/** The mark behind the transaction on Kafka, with what it sent. May be set any number of times. */
export async function markSent(
  pool: Pool,
  { unit, attempt }: Pick<OutboxRow, 'unit' | 'attempt'>,
  sent: Sent,
): Promise<void> {
  await pool.query(
    `with sent as (
       update outbox set state = 'sent', sent_at = clock_timestamp(), alerts = $3, alert_bytes = $4, alerts_digest = $5
       where unit = $1 and attempt = $2 and state = 'pending' returning unit, attempt, sent_at)
     update unit set published_at = sent_at, work = case work when 'committed' then 'published' else work end
     from sent where unit.key = sent.unit and unit.attempt = sent.attempt`,
    [unit, attempt, sent.alerts, sent.bytes, sent.digest],
  )
}

/** Whether the row of a ledger entry is marked: not yet, less than some time ago, or before that. */
export type Mark = 'none' | 'fresh' | 'old'

/** SQL: the mark of a row with `state` and `sent_at`. @param keptMs SQL of the time after which it is old */
export const markOf = (keptMs: string): string =>
  `case when state <> 'sent' then 'none' when sent_at < clock_timestamp() - make_interval(secs => ${keptMs} / 1000.0) then 'old'
     else 'fresh' end as mark`

/** How the rows of these ledger keys are marked; a key that is missing in the answer has no row. */
export async function marksAmong(
  pool: Pool,
  keys: readonly string[],
  keptMs: number,
): Promise<ReadonlyMap<string, Mark>> {
  if (keys.length === 0) return new Map()
  const parts = keys.map(key => ({
    unit: key.slice(0, key.lastIndexOf('@')),
    attempt: key.slice(key.lastIndexOf('@') + 1),
  }))
  const { rows } = await pool.query<{ unit: string; attempt: bigint; mark: Mark }>(
    `select unit, attempt, ${markOf('$3::int')}
     from outbox join unnest($1::text[], $2::bigint[]) as asked (unit, attempt) using (unit, attempt)`,
    [parts.map(part => part.unit), parts.map(part => part.attempt), keptMs],
  )
  return new Map(rows.map(row => [ledgerKey(row), row.mark]))
}

/** The one record that tells how the attempt ended. */
export const toResult = (row: OutboxRow, alerts: number): DetectorResult => ({
  instrument: row.instrument,
  group: row.group_id,
  detector: row.detector,
  attempt: Number(row.attempt),
  state: row.terminal,
  inputs: row.completeness,
  reason: row.reason,
  detail: row.detail,
  visit: row.visit,
  exposures: row.exposures,
  pipeline: row.pipeline,
  diaSources: row.dia_sources,
  diaObjects: row.dia_objects,
  alerts,
  products: row.products.map(product => ({ ...product, size: BigInt(product.size) })),
  deadline: row.deadline,
  announcedAt: row.announced_at,
  lastRawAt: row.last_raw_at,
  readyAt: row.ready_at,
  leasedAt: row.leased_at,
  reportedAt: row.reported_at,
  terminalAt: row.terminal_at,
  epoch: row.committed_epoch,
  committedAtMjdTai: row.committed_at_mjd_tai,
})
