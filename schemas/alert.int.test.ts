import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Alert } from './avro/generated.ts'
import { typeOf } from './avro-types.ts'
import { canonicalForm } from './canonical.ts'
import { avroType, codecWith } from './codec.ts'
import { type AvroField, type NamedSchema, wholeSchema } from './schemas.ts'
import { arbitraryOf } from './testing/arbitrary.ts'
import { rubinPython } from './testing/python.ts'

/**
 * Against the observatory's own package and an independent encoder. What JSON cannot say crosses as a tagged object: longs, bytes, and
 * floats that JSON would print as an integer.
 */
const python = await rubinPython()
const missing = 'missing' in python ? python.missing : undefined
const ask = async (script: string, input = '') => ('run' in python ? python.run(script, input) : '')

const tagged = (_key: string, value: unknown) => {
  if (typeof value === 'bigint') return { $long: String(value) }
  if (Object.is(value, -0)) return { $float: '-0.0' }
  const buffer = value as { type?: unknown; data?: number[] } | null // what Buffer.toJSON made of a Buffer
  return buffer?.type === 'Buffer' ? { $bytes: Buffer.from(buffer.data!).toString('hex') } : value
}
const untagged = (_key: string, value: unknown) => {
  const tag = value as { $long?: string; $bytes?: string } | null
  if (typeof tag?.$long === 'string') return BigInt(tag.$long)
  return typeof tag?.$bytes === 'string' ? Buffer.from(tag.$bytes, 'hex') : value
}

const encodeAll = `
import sys, io, json, fastavro
def untag(o):
    if '$long' in o: return int(o['$long'])
    if '$float' in o: return float(o['$float'])
    if '$bytes' in o: return bytes.fromhex(o['$bytes'])
    return o
schema = fastavro.parse_schema(json.loads(sys.stdin.readline()))
for line in sys.stdin:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, json.loads(line, object_hook=untag), strict=True)
    print(out.getvalue().hex())
`

const package_ = `
import sys, io, json, pathlib, fastavro, fastavro.schema
[folder] = [p for root in sys.path for p in pathlib.Path(root).glob('lsst/alert/packet/schema/11/1')]
`
const readPackage = `${package_}
schema = fastavro.schema.load_schema(str(folder / 'lsst.v11_1.alert.avsc'))
print(json.dumps({
  'canonical': fastavro.schema.to_parsing_canonical_form(schema),
  'records': {p.name[:-5]: json.loads(p.read_text()) for p in folder.glob('*.avsc')},
}))
`
const readSample = `${package_}
with open(folder / 'sample_data' / 'fakeAlert.avro', 'rb') as file: [sample] = list(fastavro.reader(file))
def tag(o, schema):
    if isinstance(schema, list): return None if o is None else tag(o, schema[1])
    kind = schema['type'] if isinstance(schema, dict) else schema
    if kind == 'record': return {f['name']: tag(o[f['name']], f['type']) for f in schema['fields']}
    if kind == 'array': return [tag(x, schema['items']) for x in o]
    if kind == 'long': return {'$long': str(o)}
    if kind == 'bytes': return {'$bytes': o.hex()}
    return o if kind in ('null', 'boolean', 'int', 'float', 'double', 'string') else tag(o, names[kind])
names = {}
fastavro.parse_schema(fastavro.schema.load_schema(str(folder / 'lsst.v11_1.alert.avsc')), names)
print(json.dumps(tag(sample, names['lsst.v11_1.alert'])))
`

describe.skipIf(missing !== undefined)(
  `the alert beside Python${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    it('random alerts, every nullable field both ways, have the bytes that fastavro gives', async () => {
      const { schema, encode } = avroType('lsst.v11_1.alert')
      const alerts = fc.sample(arbitraryOf(schema) as fc.Arbitrary<Alert>, 300)
      const input = [schema, ...alerts].map(value => JSON.stringify(value, tagged)).join('\n')
      const bytes = (await ask(encodeAll, input)).trim().split('\n')
      expect(bytes).toHaveLength(300)
      alerts.forEach((alert, i) => expect(encode(alert).toString('hex')).toBe(bytes[i]))
      expect(alerts.some(alert => alert.diaObject === null) && alerts.some(alert => alert.diaObject !== null)).toBe(
        true,
      )
    })

    it('numbers that a 32-bit float does not hold are rounded as fastavro rounds them', async () => {
      const schema: NamedSchema = { type: 'record', name: 'x.F', fields: [{ name: 'f', type: 'float' }] }
      const values = fc.sample(fc.double({ min: -3e38, max: 3e38, noNaN: true }), 1000).map(f => ({ f }))
      const input = [schema, ...values].map(value => JSON.stringify(value, tagged)).join('\n')
      const bytes = (await ask(encodeAll, input)).trim().split('\n')
      expect(values.map(value => typeOf(schema).toBuffer(value).toString('hex'))).toEqual(bytes)
    })

    it('has the schema of the observatory’s package: canonical form, defaults, logical types and version of every record', async () => {
      const theirs = JSON.parse(await ask(readPackage)) as { canonical: string; records: Record<string, NamedSchema> }
      expect(canonicalForm(wholeSchema('lsst.v11_1.alert'))).toBe(theirs.canonical)
      const shape = (schema: NamedSchema & { 'confluent:version'?: number }) => ({
        version: schema['confluent:version'],
        fields: schema.fields!.map(({ name, type, ...rest }: AvroField) => [
          name,
          JSON.stringify(type).match(/^\["null",{[^{}]*"(timestamp-micros)"/)?.[1],
          'default' in rest ? [rest.default] : 'no default',
        ]),
      })
      for (const record of ['alert', 'diaSource', 'diaForcedSource', 'diaObject', 'ssSource', 'mpc_orbits'] as const) {
        const name = `lsst.v11_1.${record}` as const
        expect(shape(wholeSchema(name))).toEqual(shape(theirs.records[name]!))
      }
    })

    it('encodes the package’s sample to the same 719 bytes as everybody, and reads them back', async () => {
      const sample = JSON.parse(await ask(readSample), untagged) as Alert
      const codec = codecWith(new Map([['lsst.v11_1.alert', 1101]]))
      const bytes = codec.encode('lsst.v11_1.alert', sample)
      expect(bytes).toHaveLength(719)
      expect(bytes.subarray(0, 12).toString('hex')).toBe('000000044dd2e3a396090000')
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(
        'a248936ca7a336989e38fc38c81361fb7d82c1f5fa059fc1ceaa9268c39fc43f',
      )
      expect(codec.decode('lsst.v11_1.alert', bytes)).toEqual(sample)
      expect(sample.diaSource.diaSourceId).toBe(281323062375219200n)
    })
  },
)
