import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packedDesignation, ssObjectId } from './ss-object-id.ts'

describe('the id of a solar-system object', () => {
  it.each([
    ['K08A00B', 21163641423278146n],
    ['K03Y26F', 0x4b303359323646n],
    ['PK13R02J', 0x504b31335230324an],
  ])('%s is %s', (packed, id) => {
    expect(ssObjectId(packed)).toBe(id)
    expect(packedDesignation(id)).toBe(packed)
  })

  const character = fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code))
  const designation = fc.string({ unit: character, minLength: 7, maxLength: 8 })

  it('fits 63 bits, and is its designation again', () => {
    fc.assert(
      fc.property(designation, packed => {
        const id = ssObjectId(packed)
        expect(id > 0n && id < 1n << 63n).toBe(true)
        expect(packedDesignation(id)).toBe(packed)
      }),
    )
  })

  it('keeps the order of designations of one length', () => {
    const two = fc.tuple(designation, designation).filter(([a, b]) => a.length === b.length)
    fc.assert(
      fc.property(two, ([a, b]) => {
        expect(ssObjectId(a) < ssObjectId(b)).toBe(a < b)
      }),
    )
  })

  it('of any 63 bits is refused, or gives those bits again', () => {
    const bytes = fc.array(fc.oneof(fc.integer({ min: 0x21, max: 0x7e }), fc.integer({ min: 0, max: 127 })), {
      minLength: 0,
      maxLength: 8,
    })
    const made = bytes.map(all => all.reduce((id, byte) => (id << 8n) + BigInt(byte), 0n))
    fc.assert(
      fc.property(fc.oneof(fc.bigInt(0n, (1n << 63n) - 1n), made), id => {
        const packed = orUndefined(() => packedDesignation(id))
        if (packed !== undefined) expect(ssObjectId(packed)).toBe(id)
      }),
    )
  })

  it.each(['', 'K08A00', 'K08A00BCD', 'K08 00B', 'K08A00Ä', '2008 AB'.slice(0, 7)])('refuses "%s"', packed => {
    expect(() => ssObjectId(packed)).toThrow(/7 or 8 printable ASCII characters/)
  })

  it.each([0n, -1n, 1n << 63n, 0x4b303841303042n << 16n])('refuses %s', id => {
    expect(() => packedDesignation(id)).toThrow(RangeError)
  })
})

/** Undefined where it is refused, and not where it is broken. */
function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
