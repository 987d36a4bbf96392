import avro, { type Type } from 'avsc'
import { isUtf8 } from 'node:buffer'

/** The bytes of one message while they are walked over. */
interface Walk {
  readonly bytes: Buffer
  at: number
  /** The field being read, for the error. */
  field: string
  depth: number
  /** How many items without bytes of their own (null, empty records) may still come. */
  emptyItems: number
}
type Step = (walk: Walk) => void

/** Bytes that are no value of their schema; the sentence says where and why. */
export class UndecodableError extends Error {
  override name = 'UndecodableError'
}

const { types } = avro
const MAX_DEPTH = 64
const MAX_EMPTY_ITEMS = 10_000

const fail = (walk: Walk, why: string): never => {
  throw new UndecodableError(
    `${walk.field === '' ? 'The value' : `Field ${walk.field}`} cannot be read at byte ${walk.at} of ${walk.bytes.length}: ${why}.`,
  )
}

/** Steps over a varint of at most `most` bytes and gives its zigzag value, exact below 2^53 (all that counts and lengths may be). */
function varint(walk: Walk, most: number): number {
  let zigzag = 0
  for (let i = 0, scale = 1; i < most; i++, scale *= 128) {
    const byte = walk.bytes[walk.at + i]
    if (byte === undefined) return fail(walk, 'the bytes end inside a number')
    zigzag += (byte & 0x7f) * scale
    if (byte < 0x80) {
      // The last byte has room for the topmost bits of the integer only: 4 of an int's 32, 1 of a long's 64.
      if (i === most - 1 && byte > (most === 5 ? 0x0f : 0x01))
        return fail(walk, `the number exceeds ${most === 5 ? 32 : 64} bits`)
      walk.at += i + 1
      return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    }
  }
  return fail(walk, `the number is longer than ${most} bytes`)
}

function skip(walk: Walk, length: number): void {
  if (length < 0) fail(walk, `a length of ${length}`)
  if (length > walk.bytes.length - walk.at)
    fail(walk, `${length} bytes are announced, ${walk.bytes.length - walk.at} are left`)
  walk.at += length
}

const leaves: Record<string, Step> = {
  null: () => {},
  boolean: walk => {
    if (walk.bytes[walk.at]! > 1) fail(walk, `a boolean is 0 or 1, not ${walk.bytes[walk.at]}`)
    skip(walk, 1)
  },
  int: walk => void varint(walk, 5),
  'abstract:long': walk => void varint(walk, 10),
  float: walk => skip(walk, 4),
  double: walk => skip(walk, 8),
  bytes: walk => skip(walk, varint(walk, 10)),
  string: walk => {
    const length = varint(walk, 10)
    const start = walk.at
    skip(walk, length)
    if (!isUtf8(walk.bytes.subarray(start, walk.at))) fail(walk, 'the text is not UTF-8')
  },
}

/**
 * A walk over the bytes of a type that builds nothing: every count, length, index and number is held against what is really there.
 * avsc believes what it reads (a count of 2^53 would make it push until the memory is gone), so it only ever sees bytes that have passed here.
 * Nothing is allocated; the time is linear in the bytes.
 */
export function walkOf(type: Type): (bytes: Buffer) => void {
  const step = stepOf(type, new Map())
  return bytes => {
    const walk = { bytes, at: 0, field: '', depth: 0, emptyItems: MAX_EMPTY_ITEMS }
    step(walk)
    walk.field = ''
    if (walk.at < bytes.length) fail(walk, `${bytes.length - walk.at} bytes are left over`)
  }
}

function stepOf(type: Type, known: Map<Type, Step>): Step {
  const made = known.get(type)
  if (made !== undefined) return made
  known.set(type, walk => step(walk)) // for a type that contains itself
  const step = build(type, part => stepOf(part, known))
  known.set(type, step)
  return step
}

function build(type: Type, stepOf: (part: Type) => Step): Step {
  if (type instanceof types.RecordType) return walkRecord(type, stepOf)
  if (type instanceof types.UnwrappedUnionType || type instanceof types.WrappedUnionType)
    return walkUnion(type.types.map(stepOf))
  if (type instanceof types.EnumType) return walkEnum(type.symbols.length)
  if (type instanceof types.FixedType) return walk => skip(walk, type.size)
  if (type instanceof types.ArrayType) return walkBlocks(stepOf(type.itemsType))
  if (type instanceof types.MapType) {
    const value = stepOf(type.valuesType as Type)
    return walkBlocks(walk => {
      leaves.string!(walk)
      value(walk)
    })
  }
  const step = leaves[type.typeName]
  if (step === undefined) throw new Error(`No walk for the Avro type ${type.typeName}: add it to check-bytes.ts.`)
  return step
}

function walkRecord(type: InstanceType<typeof types.RecordType>, stepOf: (part: Type) => Step): Step {
  const fields = type.fields.map(field => [`${type.name}.${field.name}`, stepOf(field.type)] as const)
  return walk => {
    if (++walk.depth > MAX_DEPTH) fail(walk, `records lie more than ${MAX_DEPTH} deep in one another`)
    for (const [field, step] of fields) {
      walk.field = field
      step(walk)
    }
    walk.depth--
  }
}

function walkUnion(branches: readonly Step[]): Step {
  return walk => {
    const index = varint(walk, 10)
    const branch = branches[index]
    if (branch === undefined) return fail(walk, `branch ${index} of a union of ${branches.length}`)
    branch(walk)
  }
}

function walkEnum(symbols: number): Step {
  return walk => {
    const index = varint(walk, 5)
    if (index < 0 || index >= symbols) fail(walk, `symbol ${index} of an enumeration of ${symbols}`)
  }
}

/** Arrays and maps: blocks of a count and so many items, until a count of 0. A negative count is followed by the block's size in bytes. */
function walkBlocks(item: Step): Step {
  return walk => {
    const field = walk.field
    for (let count = varint(walk, 10); count !== 0; count = varint(walk, 10)) {
      const size = count < 0 ? varint(walk, 10) : undefined
      const start = walk.at
      for (let left = Math.abs(count); left > 0; left--) {
        const before = walk.at
        item(walk)
        if (walk.at === before && --walk.emptyItems < 0) fail(walk, `more than ${MAX_EMPTY_ITEMS} empty items`)
      }
      walk.field = field
      if (size !== undefined && walk.at - start !== size)
        fail(walk, `a block of ${walk.at - start} bytes says it has ${size}`)
    }
  }
}
