import type { Resolver, Type } from 'avsc'
import type { Contracts } from './avro/generated.ts'
import { typeOf } from './avro-types.ts'
import { UndecodableError, walkOf } from './check-bytes.ts'
import { type Check, checkOf } from './check-value.ts'
import { type AvroSchema, type ContractName, contractNames, wholeSchema } from './schemas.ts'

export { UndecodableError } from './check-bytes.ts'

/** A value that is not what its contract says: a fault of the caller. Names the contract, the path, what was found, what is allowed. */
export class MisfitError extends TypeError {
  override name = 'MisfitError'
}

/** The bytes were written with a schema not seen yet: fetch it (`prefetch`) and decode again. */
export class UnknownSchemaError extends Error {
  override name = 'UnknownSchemaError'
  readonly id: number
  constructor(id: number) {
    super(`The schema with id ${id} is not known here yet; it must be fetched from the registry first.`)
    this.id = id
  }
}

/** How bytes of one writer's schema become a value of ours. */
interface Reading {
  readonly walk: (bytes: Buffer) => void
  readonly resolver: Resolver | undefined
}

/** One contract's bare Avro binary, without the five bytes of framing. */
export interface AvroType<T> {
  /** The contract as a schema that stands alone. */
  readonly schema: AvroSchema
  readonly type: Type
  /** Throws MisfitError. */
  readonly encode: (value: T) => Buffer
  /** Of bytes of this schema, or of another writer's. Throws UndecodableError. `bytes` fields are copies: nothing of the input is held. */
  readonly decode: (bytes: Buffer, written?: Reading) => T
}

const made = new Map<ContractName, AvroType<unknown>>()

/** The Avro type of a contract, built at first use and kept. */
export function avroType<N extends ContractName>(name: N): AvroType<Contracts[N]> {
  const known = made.get(name) ?? build(name)
  made.set(name, known)
  return known as AvroType<Contracts[N]>
}

/** What goes out to the public must not carry NaN: readers turn it into JSON that is none. Our own streams may. */
const isAlert = (name: ContractName) => name.startsWith('lsst.v')

function build(name: ContractName): AvroType<unknown> {
  const schema = wholeSchema(name)
  const type = typeOf(schema)
  const check: Check = checkOf(type, isAlert(name))
  const own: Reading = { walk: walkOf(type), resolver: undefined }
  return {
    schema,
    type,
    encode: value => {
      const misfit = check(value)
      if (misfit === undefined) return write(type, value)
      const where = misfit.path === '' ? 'the value' : `field ${misfit.path}`
      throw new MisfitError(`${type.name}: ${where} is ${misfit.found}; allowed: ${misfit.allowed}.`)
    },
    decode: (bytes, { walk, resolver } = own) => {
      walk(bytes)
      return plain(type.fromBuffer(bytes, resolver))
    },
  }
}

/**
 * avsc makes every record an instance of a class of its own. What decodes must be as plain as what was encoded: it is kept as
 * state, compared and cloned, and a class of one process means nothing to the next.
 */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
  if (Array.isArray(value)) return value.map(plain)
  const object: Record<string, unknown> =
    Object.getPrototypeOf(value) === null ? (Object.create(null) as Record<string, unknown>) : {}
  for (const [name, each] of Object.entries(value)) {
    if (name === '__proto__') Object.defineProperty(object, name, { value: plain(each), enumerable: true })
    else object[name] = plain(each)
  }
  return object
}

let scratch = Buffer.allocUnsafe(1 << 16)

/** As avsc's toBuffer, which would write everything above 1 KiB twice: first to see how long it gets. An alert has 100 KiB. */
function write(type: Type, value: unknown): Buffer {
  let end = type.encode(value, scratch)
  if (end < 0) {
    scratch = Buffer.allocUnsafe(2 * (scratch.length - end))
    end = type.encode(value, scratch)
  }
  return Buffer.from(scratch.subarray(0, end))
}

/** A measured number for a nullable field: NaN and the infinities mean "not measured" and become null. */
export const finiteOrNull = (value: number | null | undefined): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null

/** Confluent wire format: a zero byte, the schema id as a big-endian int, the Avro binary. */
export function frame(id: number, body: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(5 + body.length)
  framed.writeUInt8(0, 0)
  framed.writeInt32BE(id, 1)
  body.copy(framed, 5)
  return framed
}

/** The schema id of framed bytes. Throws UndecodableError where the framing is not there. */
export function schemaIdOf(bytes: Buffer): number {
  if (bytes.length < 5)
    throw new UndecodableError(`${bytes.length} bytes are too short for a zero byte and a schema id of four bytes.`)
  if (bytes[0] !== 0)
    throw new UndecodableError(
      `The first byte is ${bytes[0]}, not 0: this was not written in the registry's wire format.`,
    )
  return bytes.readInt32BE(1)
}

/** Where the schemas of other writers come from. */
export interface WriterSchemas {
  /** The schema with this id; undefined where the registry has none. Rejects where the registry cannot be asked. */
  byId(id: number): Promise<AvroSchema | undefined>
}

/**
 * Contracts to and from the bytes of a Kafka record. Encoding and decoding are synchronous, since they happen inside a commit; only
 * learning a schema that is not ours is not.
 */
export interface Codec {
  /** Framed bytes under the contract's id. Throws MisfitError; Error where the contract was given no id. */
  encode<N extends ContractName>(name: N, value: Contracts[N]): Buffer
  /** Throws UndecodableError (park it), UnknownSchemaError (prefetch its id, then again). */
  decode<N extends ContractName>(name: N, bytes: Buffer): Contracts[N]
  /** Whether `decode` can do without a prefetch: false only where it would throw UnknownSchemaError. */
  knows(bytes: Buffer): boolean
  /** Fetches the schemas with these ids, those known left out. Rejects where the registry cannot be asked. */
  prefetch(ids: Iterable<number>): Promise<void>
  /** Takes note of another writer's schema; undefined: there is none with this id, and what claims it is undecodable. */
  learn(id: number, schema: AvroSchema | undefined): void
}

/** More writers than versions of our contracts can ever be; garbage ids must not fill the memory. */
const MAX_WRITERS = 1000

/**
 * A codec for contracts with the given registry ids. `writers` answers `prefetch`; without it only what `learn` brought is known.
 * A schema that is not ours is resolved to ours by Avro's rules: fields matched by name, missing ones from their default.
 */
export function codecWith(ids: ReadonlyMap<ContractName, number>, writers?: WriterSchemas): Codec {
  const own = new Map([...ids].map(([name, id]) => [id, name]))
  const learnt = new Map<number, AvroSchema | undefined>()
  /** By writer and contract; a string says why there is no reading. */
  const readings = new Map<string, Reading | string>()

  const readingOf = (name: ContractName, id: number): Reading | string => {
    const key = `${id} ${name}`
    const reading = readings.get(key) ?? resolve(name, own.has(id) ? wholeSchema(own.get(id)!) : learnt.get(id))
    readings.set(key, reading)
    return reading
  }
  const learn = (id: number, schema: AvroSchema | undefined) => {
    if (learnt.size >= MAX_WRITERS) {
      learnt.clear()
      readings.clear()
    }
    for (const name of contractNames) readings.delete(`${id} ${name}`)
    learnt.set(id, schema)
  }
  const isKnown = (id: number) => own.has(id) || learnt.has(id)
  return {
    learn,
    encode: (name, value) => {
      const id = ids.get(name)
      if (id === undefined)
        throw new Error(`The contract ${name} has no registry id: it was not registered at start-up.`)
      return frame(id, avroType(name).encode(value))
    },
    decode: (name, bytes) => {
      const id = schemaIdOf(bytes)
      if (!isKnown(id)) throw new UnknownSchemaError(id)
      const body = bytes.subarray(5)
      if (ids.get(name) === id) return avroType(name).decode(body)
      const reading = readingOf(name, id)
      if (typeof reading === 'string') throw new UndecodableError(`Written with schema ${id}: ${reading}`)
      return avroType(name).decode(body, reading)
    },
    knows: bytes => bytes.length < 5 || bytes[0] !== 0 || isKnown(bytes.readInt32BE(1)),
    prefetch: async wanted => {
      if (writers === undefined) throw new Error('This codec was given no registry to fetch schemas from.')
      for (const id of new Set(wanted)) if (!isKnown(id)) learn(id, await writers.byId(id))
    },
  }
}

/** Avro matches records by their unqualified name, so that version 11.0 of an alert can be read as 11.1 (avsc's typings lack the option,
 * and it keeps notes in the object, so each resolver needs its own). */
const nameAlone = () => ({ ignoreNamespaces: true }) as object

function resolve(name: ContractName, schema: AvroSchema | undefined): Reading | string {
  if (schema === undefined) return 'the registry has no schema with this id.'
  try {
    const writer = typeOf(schema, 'wrapped')
    const resolver = avroType(name).type.createResolver(writer, nameAlone())
    return { walk: walkOf(writer), resolver }
  } catch (error) {
    return `it cannot be read as ${avroType(name).type.name}: ${(error as Error).message}`
  }
}
