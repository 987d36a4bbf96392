import type { Pool } from '../postgres/pool.ts'

/** Tables of the APDB that a rebuild writes, with their keys. */
const keys = {
  DiaObject: ['diaObjectId', 'validityStartMjdTai'],
  DiaSource: ['diaSourceId'],
  DiaForcedSource: ['diaObjectId', 'visit', 'detector'],
  SSSource: ['diaSourceId'],
  mpc_orbits: ['fingerprint'],
  dia_source_provenance: ['dia_source_id'],
} as const satisfies Readonly<Record<string, readonly string[]>>
export type Compared = keyof typeof keys
export const comparedTables = Object.keys(keys) as Compared[]

export interface TableDiff {
  readonly table: Compared
  readonly equal: number
  readonly onlyLeft: number
  readonly onlyRight: number
  readonly different: number
  /** Of the first rows that are not equal, in the order of their keys: the key and what is about it. */
  readonly examples: readonly string[]
}

/** What a key is made of. */
type Cell = bigint | number | string

const EXAMPLES = 10
const PAGE = 2000

interface Row {
  /** Columns of the key, whose order is the rows'. */
  readonly key: readonly Cell[]
  /** All columns, as the database writes them in JSON. */
  readonly row: string
}

/**
 * Compares a table of two databases row by row and column by column, in the order of its key; both are read a page at a time, so the size
 * of the table does not matter. Floats are compared as what the database writes them out as, which tells every two of them apart.
 */
export async function diffTable(left: Pool, right: Pool, table: Compared): Promise<TableDiff> {
  const count = { equal: 0, onlyLeft: 0, onlyRight: 0, different: 0 }
  const examples: string[] = []
  const note = (kind: 'onlyLeft' | 'onlyRight' | 'different', row: Row, what: string) => {
    count[kind]++
    if (examples.length < EXAMPLES)
      examples.push(`${keys[table].map((name, i) => `${name} ${row.key[i]}`).join(', ')}: ${what}`)
  }
  const [a, b] = [rowsOf(left, table), rowsOf(right, table)]
  let [l, r] = [await next(a), await next(b)]
  while (l !== undefined || r !== undefined) {
    const order = l === undefined ? 1 : r === undefined ? -1 : compareKeys(l.key, r.key)
    if (order < 0) note('onlyLeft', l!, 'only in the first database')
    else if (order > 0) note('onlyRight', r!, 'only in the second database')
    else if (l!.row === r!.row) count.equal++
    else note('different', l!, columnsThatDiffer(l!.row, r!.row))
    if (order <= 0) l = await next(a)
    if (order >= 0) r = await next(b)
  }
  return { table, ...count, examples }
}

const next = async (rows: AsyncIterator<Row, unknown>): Promise<Row | undefined> => {
  const { done, value } = await rows.next()
  return done === true ? undefined : value
}

async function* rowsOf(pool: Pool, table: Compared): AsyncIterator<Row> {
  const names = keys[table].map(name => `"${name}"`).join(', ')
  let after: readonly Cell[] = []
  for (;;) {
    const parameters = after.map((_, i) => `$${i + 1}`).join(', ')
    const { rows } = await pool.query<Record<string, Cell> & { row: string }>(
      `select ${names}, to_jsonb(t)::text as row from "${table}" t
       ${after.length > 0 ? `where (${names}) > (${parameters})` : ''} order by ${names} limit ${PAGE}`,
      [...after],
    )
    for (const row of rows) yield { key: keys[table].map(name => row[name]!), row: row.row }
    if (rows.length < PAGE) return
    after = keys[table].map(name => rows.at(-1)![name]!)
  }
}

function compareKeys(a: Row['key'], b: Row['key']): number {
  for (const [i, value] of a.entries()) if (value !== b[i]) return value < b[i]! ? -1 : 1
  return 0
}

/** `ra 30.1 and 30.2, nDiaSources 3 and 2`. Only the columns that differ, so ids may be the rounded numbers that JSON makes of them. */
function columnsThatDiffer(left: string, right: string): string {
  const [a, b] = [left, right].map(text => JSON.parse(text) as Record<string, unknown>)
  const names = [...new Set([...Object.keys(a!), ...Object.keys(b!)])]
  const differing = names.filter(name => JSON.stringify(a![name]) !== JSON.stringify(b![name]))
  return (
    differing.map(name => `${name} ${String(a![name])} and ${String(b![name])}`).join(', ') || 'large numbers differ'
  )
}
