import { type AvroSchema, fullName, isObject, type NamedSchema } from './schemas.ts'

const primitives = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const split = (full: string) => {
  const dot = full.lastIndexOf('.')
  return { namespace: full.slice(0, Math.max(dot, 0)), name: full.slice(dot + 1) }
}

/** How names are printed: where a type is defined, and where it is named again. `around` is the namespace of the type around it. */
interface Names {
  readonly define: (type: string, full: string, around: string) => object
  readonly refer: (full: string, around: string) => string
}

/** What decides the bytes, and nothing else: no docs, defaults, aliases, logical types. Every name is resolved first. */
function reduce(schema: AvroSchema, around: string, names: Names): unknown {
  if (typeof schema === 'string') {
    if (primitives.has(schema)) return schema
    return names.refer(fullName({ type: 'record', name: schema }, around), around)
  }
  if (!isObject(schema)) return schema.map(branch => reduce(branch, around, names))
  if (schema.type === 'array') return { type: 'array', items: reduce(schema.items!, around, names) }
  if (schema.type === 'map') return { type: 'map', values: reduce(schema.values!, around, names) }
  if (schema.name === undefined) return reduce(schema.type, around, names)
  return reduceNamed(schema, around, names)
}

function reduceNamed(schema: NamedSchema, around: string, names: Names): unknown {
  const full = fullName(schema, around)
  const inside = split(full).namespace
  const fields = schema.fields?.map(field => ({ name: field.name, type: reduce(field.type, inside, names) }))
  return {
    ...names.define(schema.type as string, full, around),
    ...(fields && { fields }),
    ...(schema.symbols && { symbols: schema.symbols }),
    ...(schema.size !== undefined && { size: schema.size }),
  }
}

/**
 * Avro's Parsing Canonical Form (specification 1.12, "Transforming into Parsing Canonical Form"): two schemas with the same text read
 * and write the same bytes. It is also what Rubin uploads to its registry.
 */
export const canonicalForm = (schema: AvroSchema): string =>
  JSON.stringify(reduce(schema, '', { define: (type, full) => ({ name: full, type }), refer: full => full }))

/**
 * The canonical form with `name` and `namespace` apart, as Confluent's registry prints it again: a type in the namespace around it goes by its
 * short name. Readers of the alert stream look for the `namespace` key.
 */
export const splitForm = (schema: AvroSchema): string =>
  JSON.stringify(
    reduce(schema, '', {
      define: (type, full, around) => {
        const { name, namespace } = split(full)
        return namespace === around ? { type, name } : { type, name, namespace }
      },
      refer: (full, around) => (split(full).namespace === around ? split(full).name : full),
    }),
  )
