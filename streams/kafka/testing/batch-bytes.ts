import { gzipSync } from 'node:zlib'
import { codecs, crc32c } from '../internals.ts'

/** A batch as a test wants it on the wire; what is left out is a plain batch of one producer that is nobody. */
export interface BatchSpec {
  readonly base: bigint
  readonly records: readonly RecordSpec[]
  /** Offsets that compaction left without records count too. */
  readonly lastDelta?: number
  readonly producerId?: bigint
  readonly transactional?: boolean
  readonly control?: boolean
  readonly appendTime?: boolean
  readonly codec?: 'none' | 'gzip' | 'snappy'
  readonly firstTimestamp?: bigint
  readonly maxTimestamp?: bigint
}
export interface RecordSpec {
  readonly delta: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly (readonly [string, Buffer | null])[]
  readonly timestampDelta?: number
}

const CODEC = { none: 0, gzip: 1, snappy: 2 }

/** Written from the description of the format (KIP-98), apart from the reader that it tests. */
export async function batchBytes(spec: BatchSpec): Promise<Buffer> {
  const plain = Buffer.concat(spec.records.map(recordBytes))
  const codec = spec.codec ?? 'none'
  const body = codec === 'none' ? plain : codec === 'gzip' ? gzipSync(plain) : await snappy(plain)
  const head = Buffer.alloc(61)
  head.writeBigInt64BE(spec.base, 0)
  head.writeInt32BE(49 + body.length, 8)
  head.writeInt8(2, 16)
  const flags = (spec.appendTime ? 8 : 0) | (spec.transactional ? 16 : 0) | (spec.control ? 32 : 0)
  head.writeInt16BE(CODEC[codec] | flags, 21)
  head.writeInt32BE(spec.lastDelta ?? spec.records.at(-1)!.delta, 23)
  head.writeBigInt64BE(spec.firstTimestamp ?? 1_000n, 27)
  head.writeBigInt64BE(spec.maxTimestamp ?? 2_000n, 35)
  head.writeBigInt64BE(spec.producerId ?? -1n, 43)
  head.writeInt16BE(0, 51)
  head.writeInt32BE(0, 53)
  head.writeInt32BE(spec.records.length, 57)
  return sealed(Buffer.concat([head, body]))
}

/** Puts the right checksum in, also after a test has damaged the rest. */
export function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

/** The marker that ends a transaction: version 0, type 0 for abort and 1 for commit. */
export const marker = (base: bigint, producerId: bigint, type: 'abort' | 'commit'): Promise<Buffer> => {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1])
  const records = [{ delta: 0, key, value: Buffer.alloc(6) }]
  return batchBytes({ base, producerId, transactional: true, control: true, records })
}

/** Zigzag varint of a number of at most 2^53. */
export function varint(value: number): Buffer {
  let raw = value < 0 ? BigInt(-value) * 2n - 1n : BigInt(value) * 2n
  const bytes: number[] = []
  for (; raw >= 0x80n; raw >>= 7n) bytes.push(Number(raw & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(raw)])
}

const sized = (bytes: Buffer | null): Buffer => (bytes ? Buffer.concat([varint(bytes.length), bytes]) : varint(-1))

function recordBytes({ delta, key, value, headers = [], timestampDelta = 0 }: RecordSpec): Buffer {
  const body = Buffer.concat([
    Buffer.alloc(1),
    varint(timestampDelta),
    varint(delta),
    sized(key),
    sized(value),
    varint(headers.length),
    ...headers.flatMap(([name, bytes]) => [sized(Buffer.from(name)), sized(bytes)]),
  ])
  return sized(body)
}

async function snappy(bytes: Buffer): Promise<Buffer> {
  const codec = codecs[2]!() as unknown as { compress(encoder: { buffer: Buffer }): Promise<Uint8Array> }
  return Buffer.from(await codec.compress({ buffer: bytes }))
}
