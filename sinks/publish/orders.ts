import type { Instant } from '../../topology/model/time.ts'
import type { Pool } from '../postgres/pool.ts'
import { ledgerKey, type Mark, markOf, type OutboxRow } from './outbox.ts'

/** What an operator has ordered of a unit whose alerts are out, waiting to be carried out. */
export interface OrderedRow extends OutboxRow {
  readonly order_id: string
  readonly kind: 'resend' | 'retract'
  readonly ordered_by: string
  readonly reason: string
  readonly ordered_at: Instant
  readonly sources: readonly bigint[]
}

/** Key of its entry in alerts-ledger: `instrument/group/detector@attempt#order`. */
export const orderKey = (row: Pick<OrderedRow, 'unit' | 'attempt' | 'order_id'>): string =>
  `${ledgerKey(row)}#${row.order_id}`

const KEY = /^(.*)@(\d+)#([0-9a-f]+)$/s
/** Whether a key of alerts-ledger is that of an order, and not of how a unit ended. */
export const isOfOrder = (key: string): boolean => KEY.test(key)

/** Pending parts of orders of a shard, the oldest order first. */
export async function readOrdered(pool: Pool, shard: number, limit: number): Promise<OrderedRow[]> {
  const { rows } = await pool.query<OrderedRow>(
    `select outbox.*, it.order_id, it.sources, o.kind, o.ordered_by, o.reason, o.ordered_at
     from alert_order_unit it join alert_order o on o.id = it.order_id join outbox using (unit, attempt)
     where it.shard = $1 and it.state = 'pending' order by o.ordered_at, o.id, it.unit, it.attempt limit $2`,
    [shard, limit],
  )
  return rows
}

/** When these sources were withdrawn, MJD TAI. */
export async function withdrawalsOf(pool: Pool, sources: readonly bigint[]): Promise<ReadonlyMap<bigint, number>> {
  const { rows } = await pool.query<{ id: bigint; at: number }>(
    `select "diaSourceId" as id, "timeWithdrawnMjdTai" as at from "DiaSource"
     where "diaSourceId" = any($1) and "timeWithdrawnMjdTai" is not null`,
    [sources],
  )
  return new Map(rows.map(({ id, at }) => [id, at]))
}

/** The mark behind the transaction on Kafka, or, with `refusal`, that there is none and why. May be set any number of times. */
export async function markOrdered(pool: Pool, row: OrderedRow, refusal: string | null): Promise<void> {
  await pool.query(
    `update alert_order_unit set state = case when $4::text is null then 'sent' else 'refused' end, detail = $4,
       sent_at = case when $4::text is null then clock_timestamp() end
     where order_id = $1 and unit = $2 and attempt = $3 and state = 'pending'`,
    [row.order_id, row.unit, row.attempt, refusal],
  )
}

/** How these ledger keys of orders are marked; a key that is missing in the answer has no row. */
export async function orderMarksAmong(
  pool: Pool,
  keys: readonly string[],
  keptMs: number,
): Promise<ReadonlyMap<string, Mark>> {
  if (keys.length === 0) return new Map()
  const parts = keys.map(key => KEY.exec(key)!)
  const { rows } = await pool.query<Pick<OrderedRow, 'unit' | 'attempt' | 'order_id'> & { mark: Mark }>(
    `select unit, attempt, order_id, ${markOf('$4::int')} from alert_order_unit
     join unnest($1::text[], $2::bigint[], $3::text[]) as asked (unit, attempt, order_id) using (unit, attempt, order_id)`,
    [...[1, 2, 3].map(part => parts.map(match => match[part])), keptMs],
  )
  return new Map(rows.map(row => [orderKey(row), row.mark]))
}
