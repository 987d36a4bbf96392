import { readSchemas } from './read-schemas.ts'
import type { AvroField, AvroSchema, NamedSchema } from './schemas.ts'

const primitives: Record<string, string> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'bigint', // LSST ids exceed 2^53
  float: 'number',
  double: 'number',
  bytes: 'Buffer',
  string: 'string',
}
const capital = (name: string) =>
  name[0]!.toUpperCase() + name.slice(1).replace(/_(\w)/g, (_, c: string) => c.toUpperCase())
const typeName = (name: string) => capital(name.split('.').at(-1)!)

/**
 * The TypeScript of every `.avsc`: one exported type per record and enum, whether it stands alone or inside another, and the schemas
 * themselves as `contractSources`. `long` is `bigint`, except a `timestamp-millis`, which is an Instant (milliseconds, UTC) and fits a number.
 */
export function renderTypes(): string {
  const blocks: string[] = []
  const render = (schema: AvroSchema): string => {
    if (typeof schema === 'string') return primitives[schema] ?? typeName(schema)
    if (Array.isArray(schema)) return (schema as AvroSchema[]).map(render).join(' | ')
    const s = schema as NamedSchema
    if (s.type === 'record' || s.type === 'enum') {
      define(s)
      return typeName(s.name!)
    }
    if (s.type === 'array') return `readonly ${wrap(render(s.items!))}[]`
    if (s.type === 'map') return `Readonly<Record<string, ${render(s.values!)}>>`
    if (s.logicalType === 'timestamp-millis') return 'number'
    return render(s.type)
  }
  const wrap = (text: string) => (text.includes('|') ? `(${text})` : text)
  const field = (f: AvroField) => `${f.doc ? `  /** ${f.doc} */\n` : ''}  readonly ${f.name}: ${render(f.type)}`
  const defined = new Set<string>()
  const define = (s: NamedSchema) => {
    if (defined.has(typeName(s.name!)))
      throw new Error(`Two schemas would both be the TypeScript type ${typeName(s.name!)}.`)
    defined.add(typeName(s.name!))
    const doc = s.doc ? `/** ${s.doc} */\n` : ''
    const body =
      s.type === 'enum'
        ? `export type ${typeName(s.name!)} = ${s.symbols!.map(x => `'${x}'`).join(' | ')}`
        : `export interface ${typeName(s.name!)} {\n${s.fields!.map(field).join('\n')}\n}`
    blocks.push(doc + body)
  }
  const schemas = readSchemas()
  for (const schema of schemas.values()) define(schema)
  const names = [...schemas].map(([file, s]) => `  '${file}': ${typeName(s.name!)}`)
  blocks.push(`/** Contract by file name. */\nexport interface Contracts {\n${names.join('\n')}\n}`)
  const sources = [...schemas].map(([file, s]) => `  '${file}': ${JSON.stringify(s)},`)
  blocks.push(
    `/** The schemas as they lie in the files. */\nexport const contractSources: Readonly<Record<keyof Contracts, unknown>> = {\n${sources.join('\n')}\n}`,
  )
  return `// Generated from the .avsc beside it by \`npm run generate\`. Do not edit.\n\n${blocks.join('\n\n')}\n`
}
