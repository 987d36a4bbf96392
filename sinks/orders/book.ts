import type { Instant } from '../../topology/model/time.ts'
import { toJson } from '../postgres/json.ts'
import { type Client, type Pool, transact } from '../postgres/pool.ts'
import type { OrderKind } from './candidates.ts'

/** Operators' orders about alerts that are out. Whoever gives one writes it here; publish carries it out. */
export interface Order {
  readonly id: string
  readonly kind: OrderKind
  readonly by: string
  readonly reason: string
}
export interface OrderUnit {
  readonly unit: string
  readonly attempt: bigint
  readonly sources: readonly bigint[]
}
export interface GivenOrder extends Order {
  readonly orderedAt: Instant
  readonly notedAt: Instant | null
  /** Units by where they stand. */
  readonly units: Readonly<Record<'ordered' | 'pending' | 'sent' | 'refused', number>>
  readonly alerts: number
  /** Why units were refused, each with its key. */
  readonly refusals: readonly string[]
}

const counted = ['ordered', 'pending', 'sent', 'refused']
  .map(state => `'${state}', count(*) filter (where it.state = '${state}')`)
  .join(', ')

/** Every order, or this one, the newest first. */
export async function readOrders(pool: Pool, id?: string): Promise<GivenOrder[]> {
  const { rows } = await pool.query<GivenOrder>(
    `select o.id, o.kind, o.ordered_by as by, o.reason, o.ordered_at as "orderedAt", o.noted_at as "notedAt",
       json_build_object(${counted}) as units, coalesce(sum(cardinality(it.sources)), 0)::int as alerts,
       array_remove(array_agg(it.unit || ': ' || it.detail order by it.unit), null) as refusals
     from alert_order o left join alert_order_unit it on it.order_id = o.id
     where $1::text is null or o.id = $1 group by o.id order by o.ordered_at desc, o.id`,
    [id ?? null],
  )
  return rows
}

/**
 * Writes an order with all of its units, or, where an order of this id was given already, nothing: then what was given first holds. In one
 * transaction, so that whoever dies in it has ordered all or nothing.
 */
export const giveOrder = (pool: Pool, order: Order, units: readonly OrderUnit[]): Promise<void> =>
  transact(pool, async client => {
    const { rowCount } = await client.query(
      'insert into alert_order (id, kind, ordered_by, reason) values ($1, $2, $3, $4) on conflict do nothing',
      [order.id, order.kind, order.by, order.reason],
    )
    if (rowCount === 0) return
    await client.query(
      `insert into alert_order_unit (order_id, unit, attempt, shard, sources, state)
       select $1, it.unit, it.attempt, shard_of(it.unit), it.sources, $3
       from json_to_recordset($2::text::json) as it (unit text, attempt bigint, sources bigint[])`,
      [order.id, toJson(units), order.kind === 'retract' ? 'ordered' : 'pending'],
    )
  })

/**
 * Withdraws the sources of an order's units, by `withdraw`, each unit's in a transaction that also lets publish tell of them. What was done
 * already stays.
 */
export async function withdrawOrdered(
  pool: Pool,
  id: string,
  withdraw: (client: Client, sources: readonly bigint[]) => Promise<void>,
): Promise<void> {
  const { rows } = await pool.query<OrderUnit>(
    `select unit, attempt, sources from alert_order_unit where order_id = $1 and state = 'ordered' order by unit, attempt`,
    [id],
  )
  for (const { unit, attempt, sources } of rows)
    await transact(pool, async client => {
      await withdraw(client, sources)
      await client.query(
        `update alert_order_unit set state = 'pending' where order_id = $1 and unit = $2 and attempt = $3 and state = 'ordered'`,
        [id, unit, attempt],
      )
    })
}

/** That the audit has its record. */
export async function markNoted(pool: Pool, id: string): Promise<void> {
  await pool.query('update alert_order set noted_at = clock_timestamp() where id = $1 and noted_at is null', [id])
}
