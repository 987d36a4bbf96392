import type { LogRecord, TopicPartition } from '../log-client.ts'
import { Bytes } from './bytes.ts'
import { codecs, crc32c } from './internals.ts'

/** What one fetch brought for one partition, before it is decoded. */
export interface Fetched extends TopicPartition {
  readonly errorCode: number
  readonly highWatermark: bigint
  /** Transactions that were aborted and overlap the bytes; the broker lists them in order of completion. */
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[]
  readonly bytes: Buffer
}

export interface Decoded {
  readonly records: LogRecord[]
  /** Where to read on; the same as `from` when not even one batch was whole. */
  readonly next: bigint
}

/** Bits of a batch's attributes (KIP-98; org.apache.kafka.common.record.DefaultRecordBatch). */
const CODEC = 0x07
const APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const ABORT = 0

/** Bytes of a batch before its first record, and those before the part that `length` counts. */
const HEADER = 61
const BEFORE_LENGTH_COUNTS = 12

interface Batch {
  readonly at: number
  readonly end: number
  readonly base: bigint
  readonly last: bigint
  readonly attributes: number
  readonly firstTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly producerId: bigint
  readonly count: number
}

/**
 * The records of one partition from `from` on, in the format of Kafka ≥ 0.11. Positions come from the batch headers and
 * not from the records, so that they pass over markers, over batches that compaction emptied and over gaps.
 *
 * Aborted records, worked through: producer 7 writes at 10 and 14, producer 8 at 12; 8 aborts first (marker at 15), then 7
 * (marker at 16). The broker lists {8 from 12}, {7 from 10}: sorted by first offset, each enters `live` when its first batch
 * is reached and leaves it at its marker, and a transactional batch whose producer is live is not delivered. `live` starts
 * empty in every response, also in the middle of a transaction: the list covers whatever overlaps the bytes. A marker is
 * known by the control bit alone; a record's key may look like a marker's.
 *
 * Keys, values and headers are views of the response: whoever keeps a few bytes of them keeps all of it alive.
 *
 * @throws Error naming partition and offset, when the bytes are not what they claim to be
 */
export async function decode(fetched: Fetched, from: bigint, isolation: 'committed' | 'uncommitted'): Promise<Decoded> {
  const records: LogRecord[] = []
  const starting = [...fetched.aborted].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  const live = new Set<bigint>()
  let next = from
  try {
    for (const batch of wholeBatches(fetched.bytes)) {
      if (batch.last < from) continue
      while (starting.length > 0 && starting[0]!.firstOffset <= batch.last) live.add(starting.shift()!.producerId)
      if (batch.attributes & CONTROL) {
        if (isAbortMarker(fetched.bytes, batch)) live.delete(batch.producerId)
      } else if (isolation === 'uncommitted' || !isAborted(batch, live)) {
        await readRecords(fetched, batch, from, records)
      }
      next = batch.last + 1n
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${fetched.topic}/${fetched.partition}: corrupt batch at or after offset ${next}: ${reason}`, {
      cause,
    })
  }
  return { records, next }
}

const isAborted = (batch: Batch, live: ReadonlySet<bigint>): boolean =>
  (batch.attributes & TRANSACTIONAL) !== 0 && live.has(batch.producerId)

/** A cut-off batch at the end (the limit of the fetch) is left for the next fetch. */
function* wholeBatches(bytes: Buffer): Generator<Batch> {
  for (let at = 0; at + HEADER <= bytes.length;) {
    const length = bytes.readInt32BE(at + 8)
    const end = at + BEFORE_LENGTH_COUNTS + length
    if (end < at + HEADER) throw new Error(`a length of ${length} is less than a header`)
    if (end > bytes.length) return
    yield batchAt(bytes, at, end)
    at = end
  }
}

function batchAt(bytes: Buffer, at: number, end: number): Batch {
  const magic = bytes.readInt8(at + 16)
  if (magic !== 2) throw new Error(`message format ${magic} where only 2 (Kafka 0.11 and later) is read`)
  const crc = bytes.readUInt32BE(at + 17)
  const found = crc32c(bytes.subarray(at + 21, end))
  if (crc !== found) throw new Error(`checksum ${found} where ${crc} was promised`)
  const base = bytes.readBigInt64BE(at)
  const lastDelta = bytes.readInt32BE(at + 23)
  const count = bytes.readInt32BE(at + 57)
  if (lastDelta < 0 || count < 0) throw new Error(`last offset +${lastDelta} and ${count} records cannot be`)
  return {
    at,
    end,
    base,
    last: base + BigInt(lastDelta),
    attributes: bytes.readInt16BE(at + 21),
    firstTimestamp: bytes.readBigInt64BE(at + 27),
    maxTimestamp: bytes.readBigInt64BE(at + 35),
    producerId: bytes.readBigInt64BE(at + 43),
    count,
  }
}

/** The key of a control record is version and type, 16 bits each; compaction may have taken the record itself. */
function isAbortMarker(bytes: Buffer, batch: Batch): boolean {
  if (batch.count === 0) return false
  const record = new Bytes(bytes.subarray(0, batch.end), batch.at + HEADER)
  record.varint()
  record.int8()
  record.varlong()
  record.varint()
  const key = record.varbytes()
  return key !== null && key.readInt16BE(2) === ABORT
}

async function readRecords(fetched: Fetched, batch: Batch, from: bigint, into: LogRecord[]): Promise<void> {
  if (batch.count === 0) return
  const { topic, partition } = fetched
  const appendTime = (batch.attributes & APPEND_TIME) !== 0
  const firstTimestamp = Number(batch.firstTimestamp)
  const appendedAt = Number(batch.maxTimestamp)
  const body = new Bytes(
    await uncompressed(batch.attributes & CODEC, fetched.bytes.subarray(batch.at + HEADER, batch.end)),
  )
  for (let i = 0; i < batch.count; i++) {
    const length = body.varint()
    const end = body.at + length
    if (length <= 0 || length > body.left) throw new Error(`a record of ${length} bytes with ${body.left} left`)
    body.int8()
    const timestamp = firstTimestamp + body.varlong()
    const offset = batch.base + BigInt(body.varint())
    if (offset >= from) {
      const key = body.varbytes()
      const value = body.varbytes()
      const headers = readHeaders(body)
      into.push({
        topic,
        partition,
        offset,
        timestamp: appendTime ? appendedAt : timestamp,
        appendTime,
        key,
        value,
        headers,
      })
    }
    if (body.at > end) throw new Error(`a record that ends ${body.at - end} bytes after its end`)
    body.at = end
  }
}

const NO_HEADERS: Readonly<Record<string, Buffer>> = Object.freeze({})

/** Of a repeated name the last value holds; a null value reads as empty. */
function readHeaders(body: Bytes): Readonly<Record<string, Buffer>> {
  const count = body.varint()
  if (count <= 0) return NO_HEADERS
  const entries: [string, Buffer][] = []
  for (let i = 0; i < count; i++)
    entries.push([(body.varbytes() ?? Buffer.alloc(0)).toString('utf8'), body.varbytes() ?? Buffer.alloc(0)])
  return Object.fromEntries(entries)
}

async function uncompressed(codec: number, bytes: Buffer): Promise<Buffer> {
  if (codec === 0) return bytes
  const make = codecs[codec]
  if (make === undefined) throw new Error(`compression ${codec} is not known`)
  const plain = await make().decompress(bytes)
  return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
}
