import { readdirSync, readFileSync } from 'node:fs'

/** A field of a record in Avro's JSON notation. */
export interface AvroField {
  readonly name: string
  readonly type: AvroSchema
  readonly doc?: string
  readonly default?: unknown
}
export type AvroSchema =
  | string
  | readonly AvroSchema[]
  | {
      readonly type: string
      readonly name?: string
      readonly namespace?: string
      readonly doc?: string
      readonly fields?: readonly AvroField[]
      readonly symbols?: readonly string[]
      readonly items?: AvroSchema
      readonly values?: AvroSchema
      readonly logicalType?: string
    }
export type NamedSchema = Exclude<AvroSchema, string | readonly AvroSchema[]>

const folder = new URL('./avro/', import.meta.url)

/** Every `.avsc` of the project by file name without extension: one named type each, naming others by full name. */
export function readSchemas(): Map<string, NamedSchema> {
  const files = readdirSync(folder).filter(file => file.endsWith('.avsc'))
  return new Map(
    files
      .sort()
      .map(file => [file.slice(0, -5), JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as NamedSchema]),
  )
}

/** Full name of a named schema: `namespace.name`. */
export const fullName = (schema: NamedSchema): string => `${schema.namespace}.${schema.name}`
