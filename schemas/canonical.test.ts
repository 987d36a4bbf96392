import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { typeOf } from './avro-types.ts'
import { canonicalForm, splitForm } from './canonical.ts'
import { type AvroSchema, contractNames, type NamedSchema, wholeSchema } from './schemas.ts'

const alert = wholeSchema('lsst.v11_1.alert')
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** CRC-64-AVRO (specification 1.12, "Schema Fingerprints"), its bytes lowest first as single-object encoding and fastavro have them. */
function fingerprint64(text: string): string {
  const empty = 0xc15d213aa4d7a795n // both the polynomial and the start value
  let crc = empty
  for (const byte of Buffer.from(text)) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? empty : 0n)
  }
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(crc)
  return bytes.toString('hex')
}

describe('the alert is the one the world reads', () => {
  it('has the canonical form of Rubin’s alert 11.1', () => {
    const form = canonicalForm(alert)
    expect(form.length).toBe(14_603)
    expect(fingerprint64(form)).toBe('a960816bc1c3d70c')
    expect(sha256(form)).toBe('9aa444ad610374fc167b7f7124a77f58b2d7d819a13b1b6d01cb1e265c783f27')
  })

  it('is that form again when read from its split form', () => {
    const form = splitForm(alert)
    expect(form).toMatch(
      /^{"type":"record","name":"alert","namespace":"lsst.v11_1","fields":\[{"name":"diaSourceId","type":"long"}/,
    )
    expect(canonicalForm(JSON.parse(form) as AvroSchema)).toBe(canonicalForm(alert))
    expect(form.match(/namespace/g)).toHaveLength(1)
  })

  // What the canonical form leaves out, in numbers: fields of each record, and how many of them have the default null.
  it.each([
    ['alert', 12, 10],
    ['diaSource', 102, 89],
    ['diaForcedSource', 14, 6],
    ['diaObject', 82, 71],
    ['ssSource', 39, 33],
    ['mpc_orbits', 53, 49],
  ] as const)('%s: a nullable field defaults to null, any other has no default', (record, count, nullable) => {
    const fields = wholeSchema(`lsst.v11_1.${record}`).fields!
    expect(fields).toHaveLength(count)
    expect(fields.filter(field => Array.isArray(field.type))).toHaveLength(nullable)
    for (const field of fields)
      if (Array.isArray(field.type))
        expect([field.name, field.type[0], field.default]).toEqual([field.name, 'null', null])
      else expect([field.name, 'default' in field]).toEqual([field.name, false])
  })

  it('carries the schema version in every record but the packet', () => {
    const records = contractNames.filter(name => name.startsWith('lsst.v11_1.') && name !== 'lsst.v11_1.alert')
    expect(records.map(name => (wholeSchema(name) as { 'confluent:version'?: number })['confluent:version'])).toEqual(
      Array(5).fill(1101),
    )
  })

  it('says of the times of an orbit that they are microseconds', () => {
    const times = wholeSchema('lsst.v11_1.mpc_orbits').fields!.filter(field =>
      JSON.stringify(field.type).includes('timestamp-micros'),
    )
    expect(times.map(field => field.name)).toEqual(['created_at', 'updated_at', 'fitting_datetime'])
  })
})

describe('canonical form', () => {
  it.each(contractNames)('%s: its split form has the same canonical form, and avsc agrees about it', name => {
    const whole = wholeSchema(name)
    expect(canonicalForm(JSON.parse(splitForm(whole)) as AvroSchema)).toBe(canonicalForm(whole))
    expect(JSON.parse(canonicalForm(whole))).toEqual(JSON.parse(JSON.stringify(typeOf(whole).schema())))
  })

  it('resolves names against the namespace around them', () => {
    const schema: NamedSchema = {
      type: 'record',
      name: 'A',
      namespace: 'x.y',
      fields: [
        { name: 'b', type: { type: 'enum', name: 'B', symbols: ['p'] } },
        { name: 'c', type: { type: 'array', items: { type: 'fixed', name: 'z.C', size: 4, doc: 'dropped' } } },
        {
          name: 'again',
          type: ['null', 'B', 'z.C', { type: 'map', values: { type: 'long', logicalType: 'timestamp-millis' } }],
          default: null,
        },
      ],
    }
    expect(canonicalForm(schema)).toBe(
      '{"name":"x.y.A","type":"record","fields":[{"name":"b","type":{"name":"x.y.B","type":"enum","symbols":["p"]}},' +
        '{"name":"c","type":{"type":"array","items":{"name":"z.C","type":"fixed","size":4}}},' +
        '{"name":"again","type":["null","x.y.B","z.C",{"type":"map","values":"long"}]}]}',
    )
    expect(canonicalForm(JSON.parse(splitForm(schema)) as AvroSchema)).toBe(canonicalForm(schema))
  })
})
