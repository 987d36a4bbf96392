import fc, { type Arbitrary } from 'fast-check'
import { type AvroSchema, fullName, isObject } from '../schemas.ts'

const leaves: Record<string, Arbitrary<unknown>> = {
  null: fc.constant(null),
  boolean: fc.boolean(),
  int: fc.integer(),
  long: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.integer().map(BigInt)),
  float: fc.float({ noNaN: true, noDefaultInfinity: true }),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }),
  bytes: fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
  string: fc.string({ unit: 'binary', maxLength: 80 }),
}

/** Random values of a whole schema: every branch of every union, every symbol, ids over the whole 64 bits, any Unicode text. */
export function arbitraryOf(schema: AvroSchema): Arbitrary<unknown> {
  const named = new Map<string, Arbitrary<unknown>>()
  const of = (part: AvroSchema): Arbitrary<unknown> => {
    if (typeof part === 'string') return leaves[part] ?? named.get(part)!
    if (!isObject(part)) return fc.oneof(...part.map(of))
    if (part.logicalType === 'timestamp-millis') return fc.maxSafeInteger()
    if (part.type === 'array') return fc.array(of(part.items!), { maxLength: 3 })
    if (part.type === 'map')
      return fc.dictionary(fc.oneof(fc.string({ unit: 'binary' }), fc.constant('__proto__')), of(part.values!), {
        maxKeys: 3,
        noNullPrototype: true,
      })
    if (part.type !== 'record' && part.type !== 'enum') return of(part.type)
    const arbitrary =
      part.type === 'enum'
        ? fc.constantFrom(...part.symbols!)
        : fc.record(Object.fromEntries(part.fields!.map(field => [field.name, of(field.type)])), {
            noNullPrototype: true,
          })
    named.set(fullName(part), arbitrary)
    return arbitrary
  }
  return of(schema)
}
