import avro, { type Type } from 'avsc'
import { type AvroSchema, isObject } from './schemas.ts'

/**
 * Zigzag first (0, -1, 1, -2 … become 0, 1, 2, 3 …), then seven bits to a byte, lowest first, the top bit saying "more follows":
 * 300 → 600 → 0b100_1011000 → d8 04.
 */
function writeLong(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  const bytes: number[] = []
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

function readLong(bytes: Buffer): bigint {
  let zigzag = 0n
  for (let i = bytes.length - 1; i >= 0; i--) zigzag = (zigzag << 7n) | BigInt(bytes[i]! & 0x7f)
  return (zigzag >> 1n) ^ -(zigzag & 1n)
}

/**
 * LSST ids exceed 2^53, where a JavaScript number rounds, so every Avro `long` is a `bigint`. Its bytes are written and read above:
 * avsc's own path goes through doubles and falsifies some values (avsc issue 455).
 */
const bigintLong = avro.types.LongType.__with(
  {
    toBuffer: writeLong,
    fromBuffer: readLong,
    fromJSON: (value: number | string) => BigInt(value),
    toJSON: (value: bigint) => value.toString(),
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
  },
  true,
)

/** A `timestamp-millis` is an Instant: milliseconds UTC as a `number`, exact for 285,000 years either way. */
export const instantLong = avro.types.LongType.__with(
  {
    toBuffer: (value: number) => writeLong(BigInt(value)),
    fromBuffer: (bytes: Buffer) => Number(readLong(bytes)),
    fromJSON: Number,
    toJSON: (value: number) => value,
    isValid: Number.isSafeInteger,
    compare: (a: number, b: number) => a - b,
  },
  true,
)

/** What avsc reads from; not in its typings. */
interface Tap {
  readLong(): number
  skipLong(): void
  readString(): string
}
interface Readable {
  _read(tap: Tap): unknown
}

/**
 * A map whose keys are whatever the writer chose, `__proto__` among them: avsc would assign it and so change the object instead of filling
 * it. Headers of a refused record come from anybody and must not keep it from being parked.
 */
class MapOfAnyKey extends avro.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const values = this.valuesType as Readable
    const entries: [string, unknown][] = []
    for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
      if (count < 0) tap.skipLong() // the block's size
      for (let left = Math.abs(count); left > 0; left--) entries.push([tap.readString(), values._read(tap)])
    }
    return Object.fromEntries(entries)
  }
}

/**
 * The avsc type of a whole schema: `long` as `bigint`, `timestamp-millis` as `number`, `timestamp-micros` and every other logical type as
 * what lies below it. `unions: 'bare'` for our own schemas: a nullable value is `null` or the value. `'wrapped'` for a schema that is
 * only read through, whose unions may be ones that bare values could not tell apart. Throws where the schema is none.
 */
export function typeOf(schema: AvroSchema, unions: 'bare' | 'wrapped' = 'bare'): Type {
  const typeHook = (part: AvroSchema, options: object) => {
    if (part === 'long') return bigintLong
    if (isObject(part) && part.type === 'map') return new MapOfAnyKey(part as never, options)
    if (!isObject(part) || part.type !== 'long') return undefined
    return part.logicalType === 'timestamp-millis' ? instantLong : bigintLong
  }
  const wrapUnions = unions === 'bare' ? 'never' : 'always'
  return avro.Type.forSchema(schema as avro.Schema, { typeHook, wrapUnions, omitRecordMethods: true } as never)
}
