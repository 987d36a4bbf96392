import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogRecord } from '../log-client.ts'
import { decode, type Fetched } from './batches.ts'
import { decodeFetch } from './fetch.ts'
import { crc32c } from './internals.ts'
import { captured } from './testing/captured.ts'
import { batchBytes, marker, sealed, varint, type BatchSpec } from './testing/batch-bytes.ts'

const ZERO_KEY = Buffer.alloc(4)
const fetched = (bytes: Buffer, aborted: Fetched['aborted'] = []): Fetched => ({
  topic: 't',
  partition: 3,
  errorCode: 0,
  highWatermark: 99n,
  aborted,
  bytes,
})
const text = (record: LogRecord) => record.value?.toString()
const one = (value: string, delta = 0, key: Buffer | null = null) => ({ delta, key, value: Buffer.from(value) })

describe('a batch', () => {
  it('gives keys, values, headers, nulls and both kinds of time', async () => {
    const headers = [['h', Buffer.from('x')], ['__proto__', Buffer.from('y')], ['none', null]] as const // prettier-ignore
    const records = [
      { delta: 0, key: Buffer.from('k'), value: null, headers, timestampDelta: -7 },
      { delta: 2, key: null, value: Buffer.from('v'), timestampDelta: 4_294_967_296 },
    ]
    const made = await batchBytes({ base: 10n, records, firstTimestamp: 1_700_000_000_000n })
    const { records: read, next } = await decode(fetched(made), 0n, 'committed')
    expect(next).toBe(13n)
    expect(read.map(r => [r.offset, r.timestamp, r.key?.toString(), text(r)])).toEqual([
      [10n, 1_699_999_999_993, 'k', undefined],
      [12n, 1_704_294_967_296, undefined, 'v'],
    ])
    expect(Object.entries(read[0]!.headers).map(([name, bytes]) => [name, bytes.toString()])).toEqual([
      ['h', 'x'],
      ['__proto__', 'y'],
      ['none', ''],
    ])
    const appended = await batchBytes({ base: 0n, records, appendTime: true, maxTimestamp: 5_000n })
    expect((await decode(fetched(appended), 0n, 'committed')).records.map(r => [r.timestamp, r.appendTime])).toEqual([
      [5_000, true],
      [5_000, true],
    ])
  })

  it.each(['gzip', 'snappy'] as const)('is read when %s packed it', async codec => {
    const records = Array.from({ length: 50 }, (_, i) => one(`value ${i} ${'x'.repeat(200)}`, i))
    const packed = await batchBytes({ base: 5n, records, codec })
    expect(packed.length).toBeLessThan(5_000)
    const { records: read, next } = await decode(fetched(packed), 7n, 'committed')
    expect([read.length, read[0]!.offset, next]).toEqual([48, 7n, 55n])
  })

  it('that compaction emptied moves the position and nothing else', async () => {
    const empty = await batchBytes({ base: 100n, records: [], lastDelta: 4, producerId: 9n, transactional: true })
    expect(await decode(fetched(empty), 100n, 'committed')).toEqual({ records: [], next: 105n })
  })

  it('that the limit of the fetch cut off is left for the next one', async () => {
    const whole = await batchBytes({ base: 0n, records: [one('a')] })
    const cut = (await batchBytes({ base: 1n, records: [one('b')] })).subarray(0, -1)
    expect((await decode(fetched(Buffer.concat([whole, cut])), 0n, 'committed')).next).toBe(1n)
    expect(await decode(fetched(cut), 1n, 'committed')).toEqual({ records: [], next: 1n })
  })
})

describe('aborted transactions', () => {
  it('are dropped in the order of their first offsets, whatever order the broker lists them in', async () => {
    const tx = (base: bigint, producerId: bigint, value: string) =>
      batchBytes({ base, producerId, transactional: true, records: [one(value, 0, ZERO_KEY)] })
    const log = Buffer.concat([
      await tx(10n, 7n, 'aborted 7'),
      await batchBytes({ base: 11n, records: [one('plain')] }),
      await tx(12n, 8n, 'aborted 8'),
      await tx(13n, 9n, 'committed 9'),
      await tx(14n, 7n, 'aborted 7 again'),
      await marker(15n, 8n, 'abort'),
      await tx(16n, 8n, 'committed 8'),
      await marker(17n, 7n, 'abort'),
      await marker(18n, 8n, 'commit'),
      await marker(19n, 9n, 'commit'),
    ])
    const aborted = [{ producerId: 8n, firstOffset: 12n }, { producerId: 7n, firstOffset: 10n }] // prettier-ignore
    const read = async (from: bigint, isolation: 'committed' | 'uncommitted') => {
      const { records, next } = await decode(fetched(log, isolation === 'committed' ? aborted : []), from, isolation)
      expect(next).toBe(20n)
      return records.map(text)
    }
    expect(await read(10n, 'committed')).toEqual(['plain', 'committed 9', 'committed 8'])
    expect(await read(14n, 'committed')).toEqual(['committed 8'])
    expect(await read(10n, 'uncommitted')).toHaveLength(6)
  })

  it('never show, and nothing else is missing, in any log read from any offset', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 40 }), fc.nat(), async (steps, seed) => {
        const log = await write(steps)
        const from = BigInt(seed % (Number(log.end) + 1))
        const bytes = Buffer.concat(log.batches.filter(b => b.last >= from).map(b => b.bytes))
        const overlapping = log.aborted.filter(a => a.last >= from)
        const { records, next } = await decode(fetched(bytes, overlapping), from, 'committed')
        expect(records.map(r => r.offset)).toEqual(log.committed.filter(offset => offset >= from))
        expect(next).toBe(log.end)
        const all = await decode(fetched(bytes), from, 'uncommitted')
        expect(all.records.map(r => r.offset)).toEqual(log.all.filter(offset => offset >= from))
      }),
      { numRuns: 300 },
    )
  })
})

describe('an answer captured from a broker', () => {
  it('is read from any offset to its end, over markers, gaps and emptied batches', async () => {
    const [answer] = decodeFetch(captured).partitions
    expect(answer).toMatchObject({ topic: 'captured', partition: 0, errorCode: 0, highWatermark: 18n })
    expect(
      answer!.aborted.map(({ firstOffset }) => firstOffset),
      'in order of completion',
    ).toEqual([8n, 7n, 13n])
    const there: [bigint, string][] = [[5n, 'v1'], [6n, 'v2'], [12n, 'v3']] // prettier-ignore
    for (let from = 0n; from < 14n; from++) {
      const { records, next } = await decode(answer!, from, 'committed')
      expect(records.map(r => [r.offset, text(r)])).toEqual(there.filter(([offset]) => offset >= from))
      expect(next).toBe(14n)
    }
  })

  it('ends in an error when it is cut off anywhere', () => {
    for (let length = 0; length < captured.length; length++)
      expect(() => decodeFetch(captured.subarray(0, length))).toThrow(RangeError)
  })
})

describe('bytes that are not what they claim', () => {
  it('end in an error that says where, and never in a loop', async () => {
    const good = Buffer.concat([
      await batchBytes({ base: 0n, records: [one('a'), one('b', 1)] }),
      await batchBytes({ base: 2n, records: [one('c')], codec: 'gzip' }),
    ])
    const edit = fc.record({ at: fc.nat({ max: good.length - 1 }), byte: fc.nat({ max: 255 }), sealed: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 6 }), async edits => {
        const bad = Buffer.from(good)
        for (const { at, byte } of edits) bad[at] = byte
        if (edits[0]!.sealed && bad.readInt32BE(8) > 49 && bad.readInt32BE(8) + 12 <= bad.length)
          sealed(bad.subarray(0, bad.readInt32BE(8) + 12))
        const outcome = await decode(fetched(bad), 0n, 'committed').catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome.message).toMatch(/^t\/3: corrupt batch at or after offset \d+: ./)
        else expect(outcome).toHaveProperty('next')
      }),
      { numRuns: 2_000 },
    )
  })

  it.each<[string, (batch: Buffer) => void, string]>([
    ['another format', b => b.writeInt8(1, 16), 'message format 1'],
    ['a flipped bit', b => b.writeInt8(b[70]! ^ 1, 70), 'checksum'],
    ['a length of nothing', b => b.writeInt32BE(0, 8), 'a length of 0'],
    ['a negative length', b => b.writeInt32BE(-(2 ** 31), 8), 'a length of -2147483648'],
    ['two thousand million records', b => void sealed((b.writeInt32BE(2 ** 31 - 1, 57), b)), 'the bytes end too early'],
    ['a codec nobody knows', b => void sealed((b.writeInt16BE(7, 21), b)), 'compression 7'],
    ['a codec that is not installed', b => void sealed((b.writeInt16BE(4, 21), b)), 'ZSTD'],
  ])('such as %s are named', async (_what, damage, message) => {
    const bad = await batchBytes({ base: 0n, records: [one('some value')] })
    damage(bad)
    await expect(decode(fetched(bad), 0n, 'committed')).rejects.toThrow(message)
  })
})

it('has the checksum of the standard (RFC 3720, B.4)', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(varint(-1)).toEqual(Buffer.from([1]))
})

type Step =
  | { readonly kind: 'write'; readonly producer: number; readonly count: number; readonly emptied: boolean }
  | { readonly kind: 'end'; readonly producer: number; readonly how: 'abort' | 'commit' }
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    // Producer 0 is outside transactions.
    producer: fc.nat({ max: 3 }),
    count: fc.integer({ min: 1, max: 4 }),
    emptied: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('end' as const),
    producer: fc.integer({ min: 1, max: 3 }),
    how: fc.constantFrom('abort' as const, 'commit' as const),
  }),
)

/** A log as a broker would write it, with the book of what a reader must see. All transactions are ended at the end. */
async function write(steps: readonly Step[]) {
  const batches: { bytes: Buffer; last: bigint }[] = []
  const open = new Map<number, bigint[]>()
  const firsts = new Map<number, bigint>()
  const aborted: { producerId: bigint; firstOffset: bigint; last: bigint }[] = []
  const committed: bigint[] = []
  const all: bigint[] = []
  let end = 0n
  const append = async (spec: BatchSpec, deltas: number) => {
    batches.push({ bytes: await batchBytes(spec), last: end + BigInt(deltas - 1) })
    end += BigInt(deltas)
  }
  const closing = [1, 2, 3].map(producer => ({ kind: 'end' as const, producer, how: 'abort' as const }))
  for (const step of [...steps, ...closing]) {
    const producerId = BigInt(step.producer)
    if (step.kind === 'write') {
      const present = step.emptied ? [] : Array.from({ length: step.count }, (_, delta) => delta)
      const offsets = present.map(delta => end + BigInt(delta))
      all.push(...offsets)
      const transactional = step.producer > 0
      if (transactional) {
        open.set(step.producer, [...(open.get(step.producer) ?? []), ...offsets])
        if (!firsts.has(step.producer)) firsts.set(step.producer, end)
      } else committed.push(...offsets)
      const records = present.map(delta => one(`${end}`, delta, ZERO_KEY))
      await append({ base: end, producerId, transactional, records, lastDelta: step.count - 1 }, step.count)
    } else if (open.has(step.producer)) {
      if (step.how === 'commit') committed.push(...open.get(step.producer)!)
      else aborted.push({ producerId, firstOffset: firsts.get(step.producer)!, last: end })
      open.delete(step.producer)
      firsts.delete(step.producer)
      batches.push({ bytes: await marker(end, producerId, step.how), last: end })
      end += 1n
    }
  }
  committed.sort((a, b) => (a < b ? -1 : 1))
  return { batches, aborted, committed, all, end }
}
