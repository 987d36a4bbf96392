import type { Instant } from '../../topology/model/time.ts'
import type { Pool } from '../postgres/pool.ts'
import { ledgerKey, type OutboxRow } from './outbox.ts'

type Ended = Pick<OutboxRow, 'unit' | 'attempt' | 'terminal_at'>

/** Ends of a shard's units that have no mark, by their ledger keys, and when the oldest of them came; undefined where there is none. */
export async function waitingOf(
  pool: Pool,
  shard: number,
): Promise<{ readonly since: Instant; readonly rows: ReadonlyMap<string, Ended> } | undefined> {
  const { rows } = await pool.query<Ended>(
    `select unit, attempt, terminal_at from outbox where shard = $1 and state = 'pending' order by terminal_at`,
    [shard],
  )
  if (rows[0] === undefined) return undefined
  return { since: rows[0].terminal_at, rows: new Map(rows.map(row => [ledgerKey(row), row])) }
}
