import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { canonicalForm, splitForm } from '../../schemas/canonical.ts'
import { type AvroSchema, wholeSchema } from '../../schemas/schemas.ts'
import { importAlertSchemas, prepareRegistry, writerSchemas } from './registry.ts'

// No waiting between tries, and no network: `answer` stands for the registry. The real one is in registry.int.test.ts.
vi.mock('node:timers/promises', () => ({ setTimeout: () => Promise.resolve() }))

type Ask = {
  readonly method: string
  readonly path: string
  readonly body: Record<string, unknown>
  readonly headers: Record<string, string>
}
let asked: Ask[]
let answer: (ask: Ask) => [status: number, body?: unknown] | Error

beforeEach(() => {
  asked = []
  vi.stubGlobal(
    'fetch',
    async (url: URL, init: { method: string; body?: string | Buffer; headers: Record<string, string> }) => {
      const body = (typeof init.body === 'string' ? JSON.parse(init.body) : {}) as Record<string, unknown>
      const ask = {
        method: init.method,
        path: url.href.replace(/^http:\/\/registry:8081/, ''),
        body,
        headers: init.headers,
      }
      asked.push(ask)
      const given = answer(ask)
      if (given instanceof Error) throw new TypeError('fetch failed', { cause: given })
      const [status, reply] = given
      return new Response(reply === undefined ? null : typeof reply === 'string' ? reply : JSON.stringify(reply), {
        status,
      })
    },
  )
})
afterEach(() => void vi.unstubAllGlobals())

const url = 'http://registry:8081'
const none: [number, unknown] = [404, { error_code: 40403, message: 'Schema not found' }]

/** Confluent's registry, as far as ids, versions and modes go: ids are taken from a caller only in mode IMPORT, and not over others. */
function confluent() {
  const modes = new Map<string, string>()
  const subjects = new Map<string, Map<number, number>>()
  const schemas = new Map<number, string>()
  const put = (subject: string, version: number, id: number, schema: string): [number, unknown] => {
    subjects.set(subject, (subjects.get(subject) ?? new Map<number, number>()).set(version, id))
    schemas.set(id, splitForm(JSON.parse(schema) as AvroSchema))
    return [200, { id }]
  }
  const register = (subject: string, { schema, version, id }: Record<string, unknown>): [number, unknown] => {
    if (id === undefined) return put(subject, 1, 1 + Math.max(0, ...schemas.keys()), schema as string)
    if (modes.get(subject) !== 'IMPORT')
      return [422, { error_code: 42205, message: `Subject ${subject} is not in import mode` }]
    return put(subject, version as number, id as number, schema as string)
  }
  const handle = ({ method, path, body }: Ask): [number, unknown] => {
    const [, what, name = '', versions] = path.split(/[/?]/)
    if (method === 'GET' && what === 'schemas') return schemas.has(1101) ? [200, { schema: schemas.get(1101) }] : none
    if (method === 'GET' && what === 'config') return none
    if (method === 'GET' && what === 'subjects')
      return subjects.has(name) ? [200, [...subjects.get(name)!.keys()]] : none
    if (method === 'PUT' && what === 'mode') return (modes.set(name, body.mode as string), [200, body])
    if (method === 'PUT' && what === 'config') return [200, body]
    if (method === 'POST' && versions === 'versions') return register(name, body)
    return [405, {}]
  }
  return { modes, subjects, schemas, handle }
}

describe('the alert’s schema on a Confluent registry', () => {
  it('comes in by mode IMPORT in canonical form, under its id and all its subjects', async () => {
    const registry = confluent()
    answer = registry.handle
    await importAlertSchemas(url)
    expect(Object.fromEntries([...registry.subjects].map(([subject, versions]) => [subject, [...versions]]))).toEqual({
      'alert-packet': [[1101, 1101]],
      'lsst-alerts-v11-value': [[1, 1101]],
      'lsst-alerts-v11.1-value': [[1, 1101]],
    })
    expect([...registry.modes.values()]).toEqual(['READWRITE', 'READWRITE', 'READWRITE'])
    const posted = asked.filter(ask => ask.method === 'POST').map(ask => ask.body.schema)
    expect(new Set(posted)).toEqual(new Set([canonicalForm(wholeSchema('lsst.v11_1.alert'))]))
  })

  it('is left alone where it is there already', async () => {
    const registry = confluent()
    answer = registry.handle
    await importAlertSchemas(url)
    asked = []
    await importAlertSchemas(`${url}/`)
    expect(asked.map(ask => ask.method)).toEqual(['GET', 'GET', 'GET', 'GET'])
  })

  it('comes in when another process turns the mode back in between', async () => {
    const registry = confluent()
    let disturbed = 0
    answer = ask => {
      if (ask.method === 'POST' && disturbed++ < 2) registry.modes.clear()
      return registry.handle(ask)
    }
    await importAlertSchemas(url)
    expect(disturbed).toBe(5)
    expect(registry.subjects.size).toBe(3)
  })

  it('is not sent under an id that belongs to something else', async () => {
    answer = ({ path }) => (path === '/schemas/ids/1101' ? [200, { schema: '"string"' }] : none)
    await expect(importAlertSchemas(url)).rejects.toThrow(
      'the id 1101 belongs to another schema ("string"); alerts cannot be sent under it',
    )
    expect(asked.every(ask => ask.method === 'GET')).toBe(true)
  })

  it('says what the registry said when it will not take it', async () => {
    const registry = confluent()
    answer = ask =>
      ask.path.startsWith('/mode')
        ? [422, { error_code: 42205, message: 'Mode changes are not allowed' }]
        : registry.handle(ask)
    await expect(importAlertSchemas(url)).rejects.toThrow(
      "did not take the alert's schema as id 1101 under alert-packet, lsst-alerts-v11-value, lsst-alerts-v11.1-value: " +
        'lsst-alerts-v11.1-value was answered 422 (Mode changes are not allowed)',
    )
  })
})

describe('a registry in trouble', () => {
  it.each<[string, typeof answer, string]>([
    [
      'down',
      () => new Error('connect ECONNREFUSED 10.0.0.1:8081'),
      'The schema registry at http://registry:8081 does not answer: connect ECONNREFUSED 10.0.0.1:8081.',
    ],
    [
      'ill',
      () => [500, { message: 'Error in the backend data store' }],
      'answered GET /schemas/ids/1101 with 500: {"message":"Error in the backend data store"}',
    ],
    ['closed', () => [401, 'Unauthorized'], 'answered GET /schemas/ids/1101 with 401: Unauthorized'],
    [
      'a web page',
      () => [200, '<html>'],
      "answered GET /schemas/ids/1101 with 200 and no JSON (<html>): is this the registry's address?",
    ],
    [
      'something else with JSON',
      () => [404, { detail: 'Not Found' }],
      'answered GET /schemas/ids/1101 with 404: {"detail":"Not Found"}',
    ],
  ])('%s: says so, after four tries', async (what, reply, sentence) => {
    answer = reply
    await expect(prepareRegistry(url, [])).rejects.toThrow(sentence)
    const name = what === 'down' || what === 'ill' ? 'RegistryAway' : 'RegistryError'
    await expect(prepareRegistry(url, [])).rejects.toMatchObject({ name })
  })

  it('only for a moment: is asked again', async () => {
    const registry = confluent()
    let failures = 3
    answer = ask => (failures-- > 0 ? new Error('ECONNRESET') : registry.handle(ask))
    await expect(prepareRegistry(url, [{ topic: 'visit', contract: 'visit' }])).resolves.toEqual(
      new Map([
        ['lsst.v11_1.alert', 1101],
        ['visit', 1102],
      ]),
    )
  })

  it.each(['registry:8081', '', 'ftp://registry/'])('at no address: %j', async address => {
    await expect(prepareRegistry(address, [])).rejects.toThrow('allowed: http://host:port/path')
  })

  it('gets the password of its address in a header, and no error shows it', async () => {
    answer = () => [403, 'no']
    const failure = await importAlertSchemas('http://pp:s%40cret@registry:8081').catch((error: Error) => error.message)
    expect(asked[0]!.headers.authorization).toBe(`Basic ${Buffer.from('pp:s@cret').toString('base64')}`)
    expect(failure).toContain('http://registry:8081 answered')
    expect(failure).not.toContain('cret')
  })
})

describe('other writers’ schemas', () => {
  it('are what the registry has; nothing where it has none', async () => {
    answer = ({ path }) => (path === '/schemas/ids/5' ? [200, { schema: '{"type":"string"}' }] : none)
    expect(await writerSchemas(url).byId(5)).toEqual({ type: 'string' })
    expect(await writerSchemas(url).byId(6)).toBeUndefined()
    expect(await writerSchemas(url).byId(-1)).toBeUndefined()
  })

  it('in another language come as a type that Avro does not have', async () => {
    answer = () => [200, { schema: 'syntax = "proto3";', schemaType: 'PROTOBUF' }]
    expect(await writerSchemas(url).byId(5)).toEqual({ type: 'PROTOBUF' })
  })
})
