import { randomUUID } from 'node:crypto'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import type { RawArrival } from '../../schemas/avro/generated.ts'
import { canonicalForm } from '../../schemas/canonical.ts'
import { codecWith, schemaIdOf, UndecodableError, UnknownSchemaError } from '../../schemas/codec.ts'
import { type AvroSchema, contractNames, wholeSchema } from '../../schemas/schemas.ts'
import { prepareRegistry, writerSchemas } from './registry.ts'

const { url } = inject('services').registry
const get = async (path: string) => {
  const response = await fetch(url + path)
  return { status: response.status, body: await response.json() }
}
const post = async (path: string, body: object) => {
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
  const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  return (await response.json()) as { id: number }
}
/** The registry is shared with other tests, so topics of this one have names of their own. */
const run = randomUUID().slice(0, 8)
const topic = (name: string) => `test-${run}-${name}`

const raw: RawArrival = {
  instrument: 'LATISS',
  group: '2026-11-22T01:02:03.000',
  detector: 0,
  snap: 0,
  exposure: 2026112200001n,
  bucket: 'rubin-summit',
  key: 'LATISS/20261122/AT_O_20261122_000001/AT_O_20261122_000001_R00_S00.fits',
  size: 2n ** 53n + 1n,
  eTag: null,
}

describe('a registry', () => {
  const topics = contractNames.map(contract => ({ topic: topic(contract), contract }))
  let ids: Awaited<ReturnType<typeof prepareRegistry>>
  beforeAll(async () => {
    // Six processes start at once.
    const all = await Promise.all(Array.from({ length: 6 }, () => prepareRegistry(url, topics)))
    for (const other of all) expect(other).toEqual(all[0])
    ids = all[0]!
  })

  it('has an id of its own for every contract, and 1101 for the alert', () => {
    expect([...ids.keys()].sort()).toEqual([...contractNames].sort())
    expect(new Set(ids.values()).size).toBe(contractNames.length)
    expect(ids.get('lsst.v11_1.alert')).toBe(1101)
  })

  it('gives the same ids again, and one version each', async () => {
    expect(await prepareRegistry(url, topics)).toEqual(ids)
    expect((await get(`/subjects/${topic('visit')}-value/versions`)).body).toEqual([1])
    expect((await get(`/config/${topic('visit')}-value`)).body).toEqual({ compatibilityLevel: 'BACKWARD_TRANSITIVE' })
  })

  it.each(['', '?subject=alert-packet', '?subject=lsst-alerts-v11-value', '?subject=lsst-alerts-v11.1-value'])(
    'answers what readers of alerts ask: /schemas/ids/1101%s',
    async subject => {
      const { status, body } = await get(`/schemas/ids/1101${subject}`)
      expect(status).toBe(200)
      const schema = JSON.parse((body as { schema: string }).schema) as AvroSchema
      expect(canonicalForm(schema)).toBe(canonicalForm(wholeSchema('lsst.v11_1.alert')))
    },
  )

  it('has the id as the version of alert-packet, and prints the namespace apart', async () => {
    expect((await get('/subjects')).body).toEqual(
      expect.arrayContaining(['alert-packet', 'lsst-alerts-v11-value', 'lsst-alerts-v11.1-value']),
    )
    expect((await get('/subjects/alert-packet/versions')).body).toEqual([1101])
    expect((await get('/subjects/alert-packet/versions/1101')).body).toMatchObject({ id: 1101, version: 1101 })
    expect((await get('/subjects/alert-packet/versions/latest/schema')).body).toMatchObject({
      name: 'alert',
      namespace: 'lsst.v11_1',
    })
  })

  it('serves another client: what we write it reads, what it writes we read', async () => {
    const client = new SchemaRegistry({ host: url })
    const codec = codecWith(ids, writerSchemas(url))
    const other = { ...raw, exposure: 5n, size: null }
    expect(await client.decode(codec.encode('raw-arrival', other))).toEqual({ ...other, exposure: 5 })
    const written = await client.encode(ids.get('raw-arrival')!, { ...other, exposure: 2026112200001, size: 77 })
    expect(codec.decode('raw-arrival', written)).toEqual({ ...raw, size: 77n })
  })

  it('lets an older process read what a newer one writes', async () => {
    const older = wholeSchema('raw-arrival')
    const newer = { ...older, fields: [...older.fields!, { name: 'camera', type: 'string', default: 'unknown' }] }
    const subject = `${topic('raw-arrival')}-value`
    const { id } = await post(`/subjects/${subject}/versions`, { schema: JSON.stringify(newer) })
    const bytes = await new SchemaRegistry({ host: url }).encode(id, {
      ...raw,
      exposure: 2026112200001,
      size: 7,
      camera: 'x',
    })
    const codec = codecWith(ids, writerSchemas(url))
    expect(() => codec.decode('raw-arrival', bytes)).toThrow(UnknownSchemaError)
    await codec.prefetch([schemaIdOf(bytes)])
    expect(codec.decode('raw-arrival', bytes)).toEqual({ ...raw, size: 7n })
  })

  it('knows no schema of an id nobody gave', async () => {
    const codec = codecWith(ids, writerSchemas(url))
    await codec.prefetch([2_000_000_000])
    const bytes = Buffer.from('0077359400' + '00', 'hex')
    expect(schemaIdOf(bytes)).toBe(2_000_000_000)
    expect(() => codec.decode('raw-arrival', bytes)).toThrow(UndecodableError)
  })

  it('refuses a contract that could not read what its topic holds', async () => {
    const schema = JSON.stringify({
      type: 'record',
      name: 'Visit',
      namespace: 'prompt',
      fields: [{ name: 'other', type: 'string' }],
    })
    await post(`/subjects/${topic('grown')}-value/versions`, { schema })
    await fetch(`${url}/config/${topic('grown')}-value`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ compatibility: 'BACKWARD_TRANSITIVE' }),
    })
    await expect(prepareRegistry(url, [{ topic: topic('grown'), contract: 'visit' }])).rejects.toThrow(
      `The contract visit cannot read what was written as ${topic('grown')}-value before (BACKWARD_TRANSITIVE)`,
    )
  })
})
