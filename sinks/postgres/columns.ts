import { type ContractName, wholeSchema } from '../../schemas/schemas.ts'

/** Tables of the APDB whose first columns are the fields of an alert record, in the same order. */
export const apdbTables = {
  DiaObject: 'lsst.v11_1.diaObject',
  DiaSource: 'lsst.v11_1.diaSource',
  DiaForcedSource: 'lsst.v11_1.diaForcedSource',
} as const satisfies Readonly<Record<string, ContractName>>
export type ApdbTable = keyof typeof apdbTables

/** Field names of the table's record: what a row must have to be packed into an alert. */
export const fieldsOf = (table: ApdbTable): readonly string[] =>
  wholeSchema(apdbTables[table]).fields!.map(field => field.name)

/** The same as a list of quoted columns for SELECT, each with the table's alias if one is given. */
export const columnsOf = (table: ApdbTable, alias?: string): string =>
  fieldsOf(table)
    .map(field => (alias === undefined ? `"${field}"` : `${alias}."${field}"`))
    .join(', ')
