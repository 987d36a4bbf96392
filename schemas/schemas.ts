import { type Contracts, contractSources } from './avro/generated.ts'

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
      readonly type: AvroSchema
      readonly name?: string
      readonly namespace?: string
      readonly doc?: string
      readonly fields?: readonly AvroField[]
      readonly symbols?: readonly string[]
      readonly items?: AvroSchema
      readonly values?: AvroSchema
      readonly size?: number
      readonly logicalType?: string
    }
export type NamedSchema = Exclude<AvroSchema, string | readonly AvroSchema[]>

/** File name of an `.avsc` without its extension; its TypeScript type is `Contracts[name]`. */
export type ContractName = keyof Contracts

/** Whether a schema is neither a name nor a union. */
export const isObject = (schema: AvroSchema): schema is NamedSchema =>
  typeof schema === 'object' && !Array.isArray(schema)

/** Full name of a named schema: `namespace.name`; a name with a dot is full already. */
export const fullName = (schema: NamedSchema, enclosing = ''): string => {
  if (schema.name!.includes('.')) return schema.name!
  const namespace = schema.namespace ?? enclosing
  return namespace === '' ? schema.name! : `${namespace}.${schema.name!}`
}

const sources = contractSources as Readonly<Record<ContractName, NamedSchema>>

/** Every contract's name, in alphabetical order. */
export const contractNames = Object.keys(sources) as readonly ContractName[]

/** Calls `visit` for each record, enum and fixed that a schema defines, outermost first. */
function eachDefinition(schema: AvroSchema, visit: (named: NamedSchema) => void): void {
  if (typeof schema === 'string') return
  if (!isObject(schema)) return schema.forEach(branch => eachDefinition(branch, visit))
  if (schema.name !== undefined) visit(schema)
  for (const part of [schema.items, schema.values, ...(schema.fields ?? []).map(field => field.type)])
    if (part !== undefined) eachDefinition(part, visit)
}

const definitions = new Map<string, NamedSchema>()
for (const source of Object.values(sources))
  eachDefinition(source, named => void definitions.set(fullName(named), named))

/**
 * One contract as a schema that stands alone: the `.avsc` name other types by full name, here each is written out where it is first
 * used, and named from then on. This is the form that Avro readers and registries take.
 */
export function wholeSchema(name: ContractName): NamedSchema {
  const written = new Set<string>()
  const write = (schema: AvroSchema): AvroSchema => {
    if (typeof schema === 'string') {
      const definition = definitions.get(schema)
      return definition === undefined ? schema : write(definition)
    }
    if (!isObject(schema)) return schema.map(write)
    if (schema.name !== undefined) {
      if (written.has(fullName(schema))) return fullName(schema)
      written.add(fullName(schema))
    }
    return {
      ...schema,
      ...(schema.fields && { fields: schema.fields.map(field => ({ ...field, type: write(field.type) })) }),
      ...(schema.items !== undefined && { items: write(schema.items) }),
      ...(schema.values !== undefined && { values: write(schema.values) }),
    }
  }
  return write(sources[name]) as NamedSchema
}
