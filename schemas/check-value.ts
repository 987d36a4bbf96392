import avro, { type Type } from 'avsc'
import { instantLong } from './avro-types.ts'

/** Where a value is not what its schema says: the path inside the record, what was found there, what is allowed. */
export interface Misfit {
  readonly path: string
  readonly found: string
  readonly allowed: string
}
export type Check = (value: unknown) => Misfit | undefined

const { types } = avro
const LONG = 2n ** 63n

/** A value as an error may show it: short, with its type, the inside of large things left out. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'string')
    return `the string ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return `the ${typeof value} ${String(value)}`
  if (Buffer.isBuffer(value)) return `${value.length} bytes`
  return Array.isArray(value)
    ? `an array of ${value.length}`
    : typeof value === 'object'
      ? 'an object'
      : `a ${typeof value}`
}

/** Where `holds` is false, `allowed` is the sentence. */
const leaf =
  (allowed: string, holds: (value: unknown) => boolean): Check =>
  value =>
    holds(value) ? undefined : { path: '', found: show(value), allowed }

const below = (step: string, misfit: Misfit): Misfit => ({
  ...misfit,
  path: misfit.path === '' || misfit.path.startsWith('[') ? step + misfit.path : `${step}.${misfit.path}`,
})

const isNumber = (value: unknown): value is number => typeof value === 'number'
const fitsFloat = (value: number) => !Number.isFinite(value) || Number.isFinite(Math.fround(value))

const leaves: Record<string, Check> = {
  null: leaf('null', value => value === null),
  boolean: leaf('true or false', value => typeof value === 'boolean'),
  int: leaf('a whole number from -2^31 to 2^31-1', value => isNumber(value) && (value | 0) === value),
  'abstract:long': leaf(
    'a bigint from -2^63 to 2^63-1',
    value => typeof value === 'bigint' && value >= -LONG && value < LONG,
  ),
  float: leaf('a number within the range of a 32-bit float', value => isNumber(value) && fitsFloat(value)),
  double: leaf('a number', isNumber),
  bytes: leaf('a Buffer', value => Buffer.isBuffer(value)),
  string: leaf('a string', value => typeof value === 'string'),
}
const finiteLeaves: Record<string, Check> = {
  ...leaves,
  float: leaf('a finite 32-bit float, or null where nullable (finiteOrNull)', value =>
    isNumber(value) ? Number.isFinite(Math.fround(value)) : false,
  ),
  double: leaf('a finite number, or null where nullable (finiteOrNull)', Number.isFinite),
}
const instant = leaf('milliseconds UTC as a whole number', Number.isSafeInteger)

/**
 * A check of values against a type, as strict as their TypeScript: every field present, none unknown, each in its range. avsc alone would
 * write the default for a forgotten field and leave an unknown one out without a word. With `finite`, NaN and infinities are refused too.
 */
export function checkOf(type: Type, finite: boolean, known = new Map<Type, Check>()): Check {
  const made = known.get(type)
  if (made !== undefined) return made
  known.set(type, value => check(value)) // for a type that contains itself
  const check = build(type, part => checkOf(part, finite, known), finite)
  known.set(type, check)
  return check
}

function build(type: Type, checkOf: (part: Type) => Check, finite: boolean): Check {
  if (type === instantLong) return instant
  if (type instanceof types.RecordType) return checkRecord(type, checkOf)
  if (type instanceof types.UnwrappedUnionType) return checkUnion(type.types.map(checkOf))
  if (type instanceof types.EnumType)
    return leaf(`one of ${type.symbols.join(', ')}`, value => type.symbols.includes(value as string))
  if (type instanceof types.ArrayType) return checkArray(checkOf(type.itemsType))
  if (type instanceof types.MapType) return checkMap(checkOf(type.valuesType as Type))
  const check = (finite ? finiteLeaves : leaves)[type.typeName]
  if (check === undefined) throw new Error(`No check for the Avro type ${type.typeName}: add it to check-value.ts.`)
  return check
}

function checkRecord(type: InstanceType<typeof types.RecordType>, checkOf: (part: Type) => Check): Check {
  const fields = type.fields.map(field => [field.name, checkOf(field.type)] as const)
  const names = new Set(fields.map(([name]) => name))
  const allowed = `a ${type.name} record`
  return value => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return { path: '', found: show(value), allowed }
    const record = value as Record<string, unknown>
    for (const [name, check] of fields) {
      const misfit = check(record[name])
      if (misfit !== undefined) return below(name, misfit)
    }
    const unknown = Object.keys(record).find(name => !names.has(name))
    if (unknown === undefined) return undefined
    return { path: unknown, found: show(record[unknown]), allowed: `no such field: ${[...names].join(', ')}` }
  }
}

function checkUnion(branches: readonly Check[]): Check {
  return value => {
    const misfits: Misfit[] = []
    for (const branch of branches) {
      const misfit = branch(value)
      if (misfit === undefined) return undefined
      misfits.push(misfit)
    }
    const deepest = misfits.find(misfit => misfit.path !== '')
    return deepest ?? { path: '', found: show(value), allowed: misfits.map(misfit => misfit.allowed).join(' or ') }
  }
}

function checkArray(item: Check): Check {
  return value => {
    if (!Array.isArray(value)) return { path: '', found: show(value), allowed: 'an array' }
    for (let i = 0; i < value.length; i++) {
      const misfit = item(value[i])
      if (misfit !== undefined) return below(`[${i}]`, misfit)
    }
    return undefined
  }
}

function checkMap(item: Check): Check {
  return value => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return { path: '', found: show(value), allowed: 'an object' }
    for (const [key, entry] of Object.entries(value)) {
      const misfit = item(entry)
      if (misfit !== undefined) return below(`[${JSON.stringify(key)}]`, misfit)
    }
    return undefined
  }
}
