import type { Querier } from '../postgres/pool.ts'
import type { Instant } from '../../topology/model/time.ts'

export interface RegisteredDataset {
  readonly id: string
  readonly type: string
  readonly run: string
  readonly unit: string
  readonly attempt: number
  readonly bucket: string
  readonly key: string
  readonly size: bigint
  readonly sha256: string
  readonly registeredAt: Instant
}

/** A run of a chain; the first is the newest. */
export interface ChainMember {
  readonly position: number
  readonly run: string
  readonly datasets: number
  readonly bytes: bigint
  readonly since: Instant
}

/** Runs of the chain, in its order; none where there is no such chain. */
export async function membersOf(db: Querier, chain: string): Promise<ChainMember[]> {
  const { rows } = await db.query<ChainMember>(
    `select m.position::integer, m.run, count(d.id)::integer as datasets, coalesce(sum(d.size), 0)::bigint as bytes, m.since
     from repository.chain_member m left join repository.dataset d on d.run = m.run
     where m.chain = $1 group by m.position, m.run, m.since order by m.position`,
    [chain],
  )
  return rows
}

/** Datasets of a run or of a group, by unit and type; of everything where neither is given. */
export async function datasetsOf(
  db: Querier,
  only: { readonly run?: string; readonly group?: string } = {},
): Promise<RegisteredDataset[]> {
  const { rows } = await db.query<RegisteredDataset & { attempt: bigint }>(
    `select id, type, run, unit, attempt, bucket, key, size, sha256, registered_at as "registeredAt" from repository.dataset
     where ($1::text is null or run = $1) and ($2::text is null or group_id = $2) order by unit, type, run`,
    [only.run ?? null, only.group ?? null],
  )
  return rows.map(row => ({ ...row, attempt: Number(row.attempt) }))
}

/** Every chain; first that into which a run came last. */
export async function chains(db: Querier): Promise<string[]> {
  const { rows } = await db.query<{ chain: string }>(
    'select chain from repository.run group by chain order by max(since) desc, chain desc',
  )
  return rows.map(({ chain }) => chain)
}
