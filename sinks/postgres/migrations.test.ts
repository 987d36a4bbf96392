import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type AvroSchema, isObject, wholeSchema } from '../../schemas/schemas.ts'
import { type ApdbTable, apdbTables, ownColumns } from './columns.ts'

const sql = ['0001_apdb', '0006_solar_system']
  .map(file => readFileSync(new URL(`migrations/${file}.sql`, import.meta.url), 'utf8'))
  .join('\n')

/** Columns of a table as the migration writes them: name, type, nullable. */
function columnsInSql(table: string): { name: string; type: string; nullable: boolean }[] {
  const body = new RegExp(`create table "${table}" \\(\\n([\\s\\S]*?)\\n\\);`).exec(sql)?.[1]
  if (body === undefined) throw new Error(`no migration makes a table "${table}"`)
  return body
    .split(',\n')
    .map(line => /^ {2}"(\w+)" (.*?)( not null)?$/.exec(line))
    .filter(match => match !== null)
    .map(([, name, type, notNull]) => ({ name: name!, type: type!, nullable: notNull === undefined }))
}

const sqlTypes: Readonly<Record<string, string>> = {
  long: 'bigint',
  int: 'integer',
  float: 'real',
  double: 'double precision',
  boolean: 'boolean',
  string: 'text',
  'timestamp-micros': 'timestamp',
}
/** Narrower in Rubin's database than in the alert. */
const narrower: Readonly<Record<string, string>> = { detector: 'smallint', band: 'character(1)' }

/** Columns that the alert record asks for. */
const columnsInContract = (table: ApdbTable) =>
  wholeSchema(apdbTables[table]).fields!.map(({ name, type }) => {
    const branches: readonly AvroSchema[] = Array.isArray(type) ? (type as readonly AvroSchema[]) : [type]
    const plain = branches.find(branch => branch !== 'null')!
    const key = isObject(plain) ? plain.logicalType! : (plain as string)
    return { name, type: narrower[name] ?? sqlTypes[key], nullable: branches.includes('null') }
  })

describe('tables of the APDB', () => {
  it.each(Object.keys(apdbTables) as ApdbTable[])('%s has the columns of its alert record, then its own', table => {
    const own = ownColumns[table] ?? []
    const columns = columnsInSql(table)
    const shared = columns.slice(0, columns.length - own.length)
    expect(shared).toEqual(columnsInContract(table))
    expect(columns.slice(shared.length).map(column => column.name)).toEqual(own)
  })
})
