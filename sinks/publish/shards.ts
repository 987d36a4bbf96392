import type { Pool } from '../postgres/pool.ts'

/**
 * Makes sure that every shard of the outbox has a task: as many shards as alerts-ledger has partitions. The number is taken over while the
 * outbox is empty, and fixed from its first row on. Call before anything runs, as the tables' owner.
 *
 * @throws when it is fixed at another number: rows of the shards beyond would never be told
 */
export async function fixShards(pool: Pool, partitions: number): Promise<void> {
  await pool.query(`update outbox_shards set count = $1 where count <> $1 and not exists (select from outbox)`, [
    partitions,
  ])
  const { rows } = await pool.query<{ count: number }>('select count from outbox_shards')
  const count = rows[0]?.count
  if (count === partitions) return
  throw new Error(
    `the outbox has ${count} shards and alerts-ledger ${partitions} partitions; they must be equal. ` +
      `Give the topic ${count} partitions, or empty the outbox first`,
  )
}
