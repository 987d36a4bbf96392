import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FitsError, type HduContent, doublesOf, imageOf, numberOf, readFits, stringOf, writeFits } from './fits.ts'

const value = fc.oneof(
  fc.boolean(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(x => (x === 0 ? 0 : x)),
  fc.integer(),
  fc.stringMatching(/^[ -~]{0,30}$/).map(text => text.trimEnd()),
)
const key = fc.stringMatching(/^K[A-Z0-9_-]{0,7}$/)
const plane = fc
  .tuple(
    fc.integer({ min: 0, max: 7 }),
    fc.integer({ min: 0, max: 7 }),
    fc.constantFrom(Uint8Array, Int16Array, Uint16Array, Int32Array, Float32Array, Float64Array),
    fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  )
  .map(([width, height, Pixels, seed]) => {
    const data = new Pixels(width * height)
    for (let i = 0; i < data.length; i++) data[i] = ((seed * (i + 1)) % 70_001) - 700
    return { width, height, data }
  })
const hdu: fc.Arbitrary<HduContent> = fc.record(
  { header: fc.dictionary(key, value, { noNullPrototype: true }), image: plane },
  { requiredKeys: ['header'] },
)

describe('FITS', () => {
  it('reads back what it wrote: every card in order, every pixel of every type', () => {
    fc.assert(
      fc.property(fc.array(hdu, { minLength: 1, maxLength: 4 }), hdus => {
        const bytes = writeFits(hdus)
        expect(bytes.length % 2880).toBe(0)
        const read = readFits(bytes)
        expect(read).toHaveLength(hdus.length)
        for (const [i, { header, image }] of hdus.entries()) {
          const own = [...read[i]!.header].filter(([name]) => name.startsWith('K'))
          expect(own).toEqual(Object.entries(header))
          if (image) expect([...doublesOf(read[i]!).data]).toEqual([...image.data])
        }
      }),
    )
  })

  it('says how many bytes are missing in which HDU', () => {
    const image = { width: 40, height: 50, data: new Float32Array(2000) }
    const bytes = writeFits([{ header: {} }, { header: { EXTNAME: 'VARIANCE' }, image }])
    expect(() => readFits(bytes.subarray(0, 5760 + 100))).toThrow('FITS ends after 100 of 8000 data bytes in HDU 2')
    expect(() => readFits(bytes.subarray(0, 3000))).toThrow('inside the header of HDU 2')
    expect(() => readFits(new Uint8Array(0))).toThrow(FitsError)
  })

  it('believes no size in a header before it has seen the bytes', () => {
    const [head] = [
      new TextDecoder().decode(writeFits([{ header: {}, image: { width: 1, height: 1, data: new Uint8Array(1) } }])),
    ]
    const hostile = head.replace(/NAXIS1 {2}= {20}1/, 'NAXIS1  =           9007199254740')
    expect(() => readFits(new TextEncoder().encode(hostile))).toThrow(FitsError)
  })

  it('names the keyword that is missing or of the wrong kind', () => {
    const { header } = readFits(writeFits([{ header: { GAIN: 'high' } }]))[0]!
    expect(() => numberOf(header, 'GAIN', ' in Segment01')).toThrow("GAIN is 'high' in Segment01; a number is needed")
    expect(() => stringOf(header, 'FILTER')).toThrow('FILTER is missing; a string is needed')
  })

  it('gives a FitsError or a valid parse on any damage, never another error', () => {
    const image = { width: 30, height: 20, data: Uint16Array.from({ length: 600 }, (_, i) => i) }
    const good = writeFits([{ header: { A: 1 } }, { header: { B: 'x' }, image }, { header: { C: 2.5 }, image }])
    const flip = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(fc.nat(good.length), fc.array(flip, { maxLength: 8 }), (length, flips) => {
        const bytes = good.slice(0, length)
        for (const [at, bits] of flips) if (at < length) bytes[at]! ^= bits
        try {
          for (const one of readFits(bytes)) if (one.data.length > 0) imageOf(one)
        } catch (error) {
          expect(error).toBeInstanceOf(FitsError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
