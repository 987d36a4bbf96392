import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Contracts, RawArrival } from './avro/generated.ts'
import { typeOf } from './avro-types.ts'
import { avroType, codecWith, finiteOrNull, frame, schemaIdOf, UndecodableError, UnknownSchemaError } from './codec.ts'
import { type AvroField, contractNames, type NamedSchema, wholeSchema } from './schemas.ts'
import { arbitraryOf } from './testing/arbitrary.ts'

const raw: RawArrival = {
  instrument: 'LATISS',
  group: '2026-11-22T01:02:03.000',
  detector: 0,
  snap: 0,
  exposure: 2026112200001n,
  bucket: 'rubin-summit',
  key: 'LATISS/20261122/AT_O_20261122_000001/AT_O_20261122_000001_R00_S00.fits',
  size: null,
  eTag: null,
}
const ids = new Map([
  ['raw-arrival', 7],
  ['parked', 8],
] as const)

describe('values', () => {
  it.each(contractNames)('%s: every value comes back from its bytes', name => {
    const { encode, decode } = avroType(name)
    fc.assert(
      fc.property(arbitraryOf(wholeSchema(name)), value => {
        expect(decode(encode(value as Contracts[typeof name]))).toEqual(value)
      }),
      { numRuns: 30 },
    )
  })

  it('comes back whatever its size', () => {
    const parked = {
      ...(fc.sample(arbitraryOf(wholeSchema('parked')), { numRuns: 1, seed: 7 })[0] as Contracts['parked']),
    }
    const { encode, decode } = avroType('parked')
    const small = encode({ ...parked, recordValue: Buffer.from('a') })
    for (const size of [0, 1023, 1024, 65_535, 65_536, 3_000_000, 5]) {
      const recordValue = Buffer.alloc(size, 7)
      const { recordValue: back, ...rest } = decode(encode({ ...parked, recordValue }))
      expect(back!.equals(recordValue)).toBe(true)
      expect(rest).toEqual({ ...parked, recordValue: undefined })
    }
    expect(decode(small).recordValue).toEqual(Buffer.from('a')) // later values are written elsewhere
  })

  it('carries a long of any size exactly', () => {
    const type = typeOf('long')
    const edges = [7, 8, 14, 28, 31, 32, 35, 49, 52, 53, 56, 62, 63].flatMap(bits => [
      2n ** BigInt(bits) - 1n,
      -(2n ** BigInt(bits)),
    ])
    const long = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.constantFrom(...edges),
      fc.maxSafeInteger().map(BigInt),
    )
    fc.assert(
      fc.property(long, value => {
        expect(type.fromBuffer(type.toBuffer(value))).toBe(value)
      }),
      { numRuns: 20_000 },
    )
  })

  it('writes a long as the specification does', () => {
    const hex = (value: bigint) => typeOf('long').toBuffer(value).toString('hex')
    expect([0n, -1n, 1n, -2n, 64n, 300n, 170055002004914266n].map(hex)).toEqual([
      '00',
      '01',
      '02',
      '03',
      '8001',
      'd804',
      'b481c0acf28794dc04',
    ])
  })

  it.each([
    [{ ...raw, exposure: 5 }, 'prompt.RawArrival: field exposure is the number 5; allowed: a bigint'],
    [{ ...raw, exposure: 2n ** 63n }, 'field exposure is the bigint 9223372036854775808'],
    [{ ...raw, detector: 1.5 }, 'field detector is the number 1.5; allowed: a whole number from -2^31 to 2^31-1'],
    [{ ...raw, size: 12 }, 'field size is the number 12; allowed: null or a bigint'],
    [{ ...raw, size: undefined }, 'field size is nothing; allowed: null or a bigint'],
    [{ ...raw, group: null }, 'field group is null; allowed: a string'],
    [{ ...raw, etag: 'x' }, 'field etag is the string "x"; allowed: no such field: instrument, group,'],
    [null, 'the value is null; allowed: a prompt.RawArrival record'],
  ])('refuses %o', (value, sentence) => {
    expect(() => avroType('raw-arrival').encode(value as never)).toThrow(sentence)
  })

  it('names the whole path', () => {
    const found = [
      { at: 0, raw },
      { at: 1, raw: { ...raw, snap: '0' } },
    ]
    expect(() => avroType('raw-listed').encode({ attempt: 0, found } as never)).toThrow(
      'prompt.RawListed: field found[1].raw.snap is the string "0"',
    )
  })

  it('lets no NaN into an alert, and says what to write', () => {
    const forced = {
      ...Object.fromEntries(
        (wholeSchema('lsst.v11_1.diaForcedSource').fields ?? []).map((f: AvroField) => [
          f.name,
          f.type === 'long' ? 1n : Array.isArray(f.type) ? null : 1,
        ]),
      ),
      psfFlux: Number.NaN,
    }
    const { encode } = avroType('lsst.v11_1.diaForcedSource')
    expect(() => encode(forced as never)).toThrow(
      'field psfFlux is the number NaN; allowed: null or a finite 32-bit float',
    )
    expect(() => encode({ ...forced, psfFlux: 1e39 } as never)).toThrow('finite 32-bit float')
    expect(() => encode({ ...forced, psfFlux: finiteOrNull(Number.NaN) } as never)).not.toThrow()
  })
})

describe('hostile bytes', () => {
  const refused = (bytes: Buffer, name: keyof Contracts) => {
    // Of the processor, not of the clock: on a busy machine a moment's wait is nobody's fault.
    const before = process.cpuUsage()
    try {
      avroType(name).decode(bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(UndecodableError)
    }
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(100)
  }

  it.each(['raw-listed', 'parked', 'pipeline-result', 'lsst.v11_1.alert', 'next-visit'] as const)(
    '%s: mutated, cut or lengthened bytes decode or are refused, quickly',
    name => {
      const bytes = arbitraryOf(wholeSchema(name)).map(value => avroType(name).encode(value as never))
      const edits = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xfe, 0xff), fc.nat(9)), {
        minLength: 1,
        maxLength: 5,
      })
      fc.assert(
        fc.property(bytes, edits, fc.nat(), (original, changes, cut) => {
          const changed = Buffer.from(original)
          for (const [at, byte, run] of changes) {
            const start = at % (changed.length + 1)
            changed.fill(byte, start, Math.min(start + run, changed.length))
          }
          refused(changed, name)
          refused(changed.subarray(0, cut % (changed.length + 1)), name)
          refused(Buffer.concat([changed, Buffer.from([0])]), name)
        }),
        { numRuns: 300 },
      )
    },
  )

  it('every cut of a good value is refused', () => {
    const bytes = avroType('raw-arrival').encode(raw)
    for (let length = 0; length < bytes.length; length++)
      expect(() => avroType('raw-arrival').decode(bytes.subarray(0, length))).toThrow(UndecodableError)
    expect(() => avroType('raw-arrival').decode(Buffer.concat([bytes, bytes]))).toThrow(
      `${bytes.length} bytes are left over`,
    )
  })

  const long = (value: bigint) => typeOf('long').toBuffer(value)
  it.each([
    ['a huge count', Buffer.concat([long(0n), long(2n ** 62n)]), 'the bytes end inside a number'],
    [
      'the lowest count',
      Buffer.concat([long(0n), long(-(2n ** 63n)), long(1n)]),
      'Field prompt.RawArrival.instrument cannot be read',
    ],
    ['a wrong block size', Buffer.concat([long(0n), long(-1n), long(3n), long(0n)]), 'cannot be read'],
    ['a number without end', Buffer.alloc(4000, 0xff), 'the number is longer than 10 bytes'],
  ])('%s', (_, bytes, sentence) => {
    expect(() => avroType('raw-listed').decode(bytes)).toThrow(sentence)
  })

  it('a count of things without bytes fills no memory', () => {
    const codec = codecWith(new Map([['raw-listed', 1]]))
    codec.learn(2, {
      type: 'record',
      name: 'RawListed',
      fields: [
        { name: 'nothing', type: { type: 'array', items: 'null' } },
        ...(wholeSchema('raw-listed').fields ?? []),
      ],
    })
    const bytes = frame(2, Buffer.concat([long(2n ** 40n), long(0n), long(0n), long(0n)]))
    expect(() => codec.decode('raw-listed', bytes)).toThrow('more than 10000 empty items')
  })

  it('a map may have any key, also as another writer wrote it', () => {
    const [parked] = fc.sample(arbitraryOf(wholeSchema('parked')), { numRuns: 1, seed: 7 }) as [Contracts['parked']]
    const headers = Object.fromEntries(['a', '__proto__', 'constructor', ''].map(key => [key, Buffer.from(key)]))
    const codec = codecWith(new Map([['parked', 8]]))
    codec.learn(80, {
      ...wholeSchema('parked'),
      fields: [...wholeSchema('parked').fields!, { name: 'more', type: 'null' }],
    })
    const bytes = codec.encode('parked', { ...parked, headers })
    for (const id of [8, 80]) {
      bytes.writeInt32BE(id, 1)
      const read = codec.decode('parked', bytes).headers
      expect(Object.entries(read)).toEqual(Object.entries(headers))
      expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
    }
  })

  it('text that is not UTF-8 is refused', () => {
    const bytes = avroType('raw-arrival').encode({ ...raw, key: 'xx' })
    bytes.write('ff', bytes.indexOf('xx'), 'hex')
    expect(() => avroType('raw-arrival').decode(bytes)).toThrow('Field prompt.RawArrival.key cannot be read')
  })
})

describe('framing and other writers', () => {
  const codec = codecWith(ids)
  it('frames with a zero byte and the id, big-endian', () => {
    const bytes = codec.encode('raw-arrival', raw)
    expect(bytes.subarray(0, 5).toString('hex')).toBe('0000000007')
    expect(schemaIdOf(bytes)).toBe(7)
    expect(codec.decode('raw-arrival', bytes)).toEqual(raw)
  })

  it.each([
    [Buffer.alloc(0), '0 bytes are too short'],
    [Buffer.from('{"a":1}'), 'The first byte is 123, not 0'],
    [Buffer.from([0, 0, 0, 0, 7]), 'cannot be read at byte 0 of 0'],
  ])('refuses %s', (bytes, sentence) => {
    expect(codec.knows(bytes)).toBe(true)
    expect(() => codec.decode('raw-arrival', bytes)).toThrow(sentence)
  })

  it('says so when a contract has no id', () => {
    expect(() => codec.encode('audit', { action: '', by: '', reason: '', detail: '' })).toThrow(
      'The contract audit has no registry id',
    )
  })

  const fields = wholeSchema('raw-arrival').fields!
  const older = {
    type: 'record',
    name: 'RawArrival',
    namespace: 'prompt',
    fields: [...fields.slice(0, 7).toReversed(), { name: 'gone', type: ['int', 'string', 'long'] }],
  } as NamedSchema
  const olderBytes = frame(70, typeOf(older, 'wrapped').toBuffer({ ...raw, gone: { long: 5n } }))

  it('asks for a schema it does not know, and reads with it once it has it', async () => {
    const asked: number[] = []
    const own = codecWith(ids, { byId: async id => (asked.push(id), id === 70 ? older : undefined) })
    expect(own.knows(olderBytes)).toBe(false)
    expect(() => own.decode('raw-arrival', olderBytes)).toThrow(new UnknownSchemaError(70))
    await own.prefetch([70, 70, 7])
    await own.prefetch([70])
    expect(asked).toEqual([70])
    expect(own.decode('raw-arrival', olderBytes)).toEqual(raw)
  })

  it('bytes that name a schema which does not exist are undecodable, not asked for again', async () => {
    const own = codecWith(ids, { byId: async () => undefined })
    await own.prefetch([99])
    expect(() => own.decode('raw-arrival', frame(99, Buffer.alloc(3)))).toThrow(UndecodableError)
    expect(() => own.decode('raw-arrival', frame(99, Buffer.alloc(3)))).toThrow(
      'the registry has no schema with this id',
    )
  })

  it('bytes of another contract are undecodable, by a sentence', () => {
    const parked = frame(8, Buffer.alloc(20))
    expect(() => codec.decode('raw-arrival', parked)).toThrow(
      'Written with schema 8: it cannot be read as prompt.RawArrival',
    )
    const own = codecWith(ids)
    own.learn(71, { type: 'recrod' })
    expect(() => own.decode('raw-arrival', frame(71, Buffer.alloc(3)))).toThrow(UndecodableError)
  })
})

it('gives plain objects, which a state can hold and a clone equals', () => {
  const codec = codecWith(new Map([['raw-listed', 1]]))
  const raw = {
    instrument: 'LATISS',
    group: 'g',
    detector: 0,
    snap: 0,
    exposure: 1n,
    bucket: 'b',
    key: 'k',
    size: null,
    eTag: null,
  }
  const decoded = codec.decode('raw-listed', codec.encode('raw-listed', { attempt: 0, found: [{ at: 1, raw }] }))
  expect(Object.getPrototypeOf(decoded.found[0]!.raw)).toBe(Object.prototype)
  expect(structuredClone(decoded)).toStrictEqual(decoded)
})
