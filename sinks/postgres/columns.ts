import { type ContractName, wholeSchema } from '../../schemas/schemas.ts'
import { toJson } from './json.ts'
import type { Querier } from './pool.ts'

/** Tables of the APDB whose first columns are the fields of an alert record, in the same order. */
export const apdbTables = {
  DiaObject: 'lsst.v11_1.diaObject',
  DiaSource: 'lsst.v11_1.diaSource',
  DiaForcedSource: 'lsst.v11_1.diaForcedSource',
  SSSource: 'lsst.v11_1.ssSource',
  mpc_orbits: 'lsst.v11_1.mpc_orbits',
} as const satisfies Readonly<Record<string, ContractName>>
export type ApdbTable = keyof typeof apdbTables

const fieldsOf = (table: ApdbTable) => wholeSchema(apdbTables[table]).fields!

/** The columns that a row needs to be packed into an alert, quoted, for SELECT; each with the table's alias if one is given. */
export const columnsOf = (table: ApdbTable, alias?: string): string =>
  fieldsOf(table)
    .map(({ name }) => (alias === undefined ? `"${name}"` : `${alias}."${name}"`))
    .join(', ')

/** Columns of 32 bits: a number is rounded to what they hold, so that the row, and the alert packed from it, say the same. */
const float32Columns = (table: ApdbTable): readonly string[] =>
  fieldsOf(table)
    .filter(({ type }) => type === 'float' || (Array.isArray(type) && type.includes('float')))
    .map(({ name }) => name)

/**
 * Inserts rows in one statement. A row has the fields of its alert record and may have further columns of the table; non-finite numbers
 * become null. Fails on a key that exists, as every INSERT does.
 */
export async function insertRows(client: Querier, table: ApdbTable, rows: readonly object[]): Promise<void> {
  if (rows.length === 0) return
  const narrow = float32Columns(table)
  const rounded = rows.map(row => {
    const copy = { ...row } as Record<string, unknown>
    for (const name of narrow) if (typeof copy[name] === 'number') copy[name] = Math.fround(copy[name])
    return copy
  })
  await client.query(`insert into "${table}" select * from json_populate_recordset(null::"${table}", $1::text::json)`, [
    toJson(rounded),
  ])
}
