import { type ContractName, wholeSchema } from '../../schemas/schemas.ts'
import { copyRows } from './copy.ts'
import type { Client } from './pool.ts'

/** Tables of the APDB whose first columns are the fields of an alert record, in the same order. */
export const apdbTables = {
  DiaObject: 'lsst.v11_1.diaObject',
  DiaSource: 'lsst.v11_1.diaSource',
  DiaForcedSource: 'lsst.v11_1.diaForcedSource',
  SSSource: 'lsst.v11_1.ssSource',
  mpc_orbits: 'lsst.v11_1.mpc_orbits',
} as const satisfies Readonly<Record<string, ContractName>>
export type ApdbTable = keyof typeof apdbTables

/** Columns that only the database knows, behind those of the record. */
export const ownColumns: Readonly<Partial<Record<ApdbTable, readonly string[]>>> = {
  DiaObject: ['validityEndMjdTai', 'pixelId'],
  DiaSource: ['ssObjectReassocTimeMjdTai', 'pixelId'],
  SSSource: ['orbitFingerprint'],
  mpc_orbits: ['fingerprint'],
}

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
 * Inserts rows. A row has the fields of its alert record and may have the table's own columns; non-finite numbers become null. Fails on a
 * key that exists, as every INSERT does.
 */
export async function insertRows(client: Client, table: ApdbTable, rows: readonly object[]): Promise<void> {
  const narrow = float32Columns(table)
  const rounded = rows.map(row => {
    const copy = { ...row } as Record<string, unknown>
    for (const name of narrow) if (typeof copy[name] === 'number') copy[name] = Math.fround(copy[name])
    return copy
  })
  const columns = [...fieldsOf(table).map(({ name }) => name), ...(ownColumns[table] ?? [])]
  await copyRows(client, table, columns, rounded)
}
