import { type Pool, type Querier, transact } from './pool.ts'

/** The divided tables, in the order in which a commit touches them: whoever locks them all takes this order. */
export const divided = ['DiaSource', 'DiaForcedSource', 'dia_source_provenance'] as const

/** Months that are always there: this one and the next two. */
const AHEAD = [0, 1, 2]
/** Who waits for a partition's lock holds up all who come after, a night among them. Whoever does not get it soon tries again later. */
const LOCK_MS = 1_000

/**
 * Makes the months in which nights will be observed soon, where they are missing; to be called at every start and now and then. Rows need
 * no month to be stored, so trouble is told and nothing else.
 */
export async function keepMonthsAhead(pool: Pool, onTrouble: (error: Error) => void): Promise<void> {
  for (const ahead of AHEAD)
    await transact(pool, async client => {
      await client.query(`set local lock_timeout = ${LOCK_MS}`)
      await client.query('select apdb_add_month((now() + make_interval(months => $1))::date)', [ahead])
    }).catch(onTrouble)
}

/** One table of a month. */
export interface Part {
  readonly table: string
  /** By the planner's last look (ANALYZE); null before the first. */
  readonly rows: number | null
  readonly bytes: number
}

export interface Month {
  /** YYYY-MM */
  readonly month: string
  /** `detached`: its tables are there and no query of the APDB sees them. `partly`: somebody did half of it by hand. */
  readonly state: 'attached' | 'detached' | 'partly'
  readonly parts: readonly Part[]
}

/** Months that are there, attached or not, in their order. */
export async function listMonths(db: Querier): Promise<Month[]> {
  const { rows } = await db.query<{ month: string; attached: number; parts: Part[] }>(
    `select to_char(to_date(right(relname, 6), 'YYYYMM'), 'YYYY-MM') as month,
       count(inhrelid)::int as attached,
       json_agg(json_build_object('table', relname, 'rows', nullif(reltuples, -1), 'bytes', pg_total_relation_size(c.oid))
         order by array_position($1, left(relname, -7))) as parts
     from pg_class c left join pg_inherits on inhrelid = c.oid
     where relkind = 'r' and relnamespace = 'public'::regnamespace
       and left(relname, -7) = any($1) and right(relname, 7) ~ '^_\\d{6}$'
     group by 1 order by 1`,
    [divided],
  )
  return rows.map(({ month, attached, parts }) => ({
    month,
    state: attached === 0 ? 'detached' : attached === divided.length ? 'attached' : 'partly',
    parts,
  }))
}

/** Rows in a default partition, of a month that is not attached; month null: of ids that belong to none. */
export interface Waiting {
  readonly table: (typeof divided)[number]
  readonly month: string | null
  readonly rows: number
}

export async function listWaiting(db: Querier): Promise<Waiting[]> {
  const { rows } = await db.query<Waiting>(
    `select parent as "table", to_char(month, 'YYYY-MM') as month, rows::float8 as rows from apdb_waiting
     order by month, array_position($1, parent)`,
    [divided],
  )
  return rows
}

/** Not the pool's bounds: moving a month of rows takes as long as it takes. Only the wait for the lock stays short. */
const BOUNDS = `set local transaction_timeout = 0; set local statement_timeout = 0; set local lock_timeout = ${LOCK_MS}`

/**
 * Makes a month, or attaches it again, and moves the rows that wait for it out of the default partitions, which nobody can read or write
 * meanwhile. Does nothing where it is attached. All or nothing. Gives back how many rows moved.
 */
export async function addMonth(pool: Pool, month: string): Promise<number> {
  return transact(pool, async client => {
    await client.query(BOUNDS)
    const { rows } = await client.query<{ moved: number }>('select apdb_add_month($1::date, true)::float8 as moved', [
      `${month}-01`,
    ])
    return rows[0]!.moved
  })
}

/** Takes a month out of the APDB; its tables stay, under their names, with all their rows. All or nothing. */
export async function detachMonth(pool: Pool, month: string): Promise<void> {
  await transact(pool, async client => {
    await client.query(BOUNDS)
    for (const table of divided)
      await client.query(`alter table "${table}" detach partition "${table}_${month.replace('-', '')}"`)
  })
}

/** Units whose window closes between these instants and whose end has not come, or is not told yet. */
export async function unfinishedUnits(db: Querier, from: Date, to: Date): Promise<number> {
  const { rows } = await db.query<{ units: number }>(
    `select count(*)::int as units from unit u
     left join outbox o on o.unit = u.key and o.attempt = u.attempt
     where u.deadline >= $1 and u.deadline < $2 and (o.state is null or o.state = 'pending')`,
    [from, to],
  )
  return rows[0]!.units
}

/** Parts of operators' orders about alerts that are not carried out yet, each with its visit and that one's last commit (MJD TAI). */
export async function openOrders(
  db: Querier,
): Promise<{ readonly order: string; readonly visit: bigint; readonly committed: number }[]> {
  const { rows } = await db.query<{ order: string; visit: bigint; committed: number }>(
    `select it.order_id as "order", o.visit, max(o.committed_at_mjd_tai) as committed
     from alert_order_unit it join outbox o using (unit, attempt)
     where it.state in ('ordered', 'pending') group by 1, 2 order by 1, 2`,
  )
  return rows
}
