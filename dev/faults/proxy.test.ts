import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createHttpServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  isCommit,
  isEndOfWritingTo,
  isGiven,
  isKafkaRequest,
  isLease,
  openProxy,
  type Proxy,
  transactionalIdOf,
} from './proxy.ts'
import { openS3Proxy } from './s3-proxy.ts'

const portOf = (server: Server) => (server.address() as { port: number }).port

describe('the proxy before a service', () => {
  let service: Server
  let asked: string[]
  let proxy: Proxy
  const clients: Socket[] = []
  const open = () => {
    const client = connect(proxy.port, '127.0.0.1')
    client.on('error', () => undefined)
    clients.push(client)
    return client
  }
  /** What the service says to this, or 'cut' where the connection ends first. */
  const ask = async (client: Socket, text: string) => {
    client.write(text)
    return Promise.race([
      once(client, 'data').then(([chunk]) => String(chunk)),
      once(client, 'close').then(() => 'cut'),
    ])
  }

  beforeEach(async () => {
    asked = []
    service = createServer(socket => {
      socket.on('error', () => undefined)
      socket.on('data', chunk => {
        asked.push(String(chunk))
        socket.write(`done: ${String(chunk)}`)
      })
    }).listen(0, '127.0.0.1')
    await once(service, 'listening')
    proxy = await openProxy(() => portOf(service))
  })
  afterEach(async () => {
    clients.splice(0).forEach(client => client.destroy())
    await proxy.close()
    service.close()
  })

  it('lets through what is said, until it refuses, and again when it is healed', async () => {
    const client = open()
    expect(await ask(client, 'a')).toBe('done: a')
    const cut = once(client, 'close')
    proxy.refuse()
    await cut
    expect(await ask(open(), 'b')).toBe('cut')
    proxy.heal()
    expect(await ask(open(), 'c')).toBe('done: c')
    expect(asked).toEqual(['a', 'c'])
  })

  it('in silence passes nothing on and cuts nothing; healing cuts what has missed something', async () => {
    const client = open()
    expect(await ask(client, 'a')).toBe('done: a')
    proxy.fallSilent()
    const answer = ask(client, 'b')
    expect(await Promise.race([answer, new Promise(resolve => setTimeout(() => resolve('nothing'), 100))])).toBe(
      'nothing',
    )
    proxy.heal()
    expect(await answer).toBe('cut')
    expect(asked).toEqual(['a'])
  })

  it('loses the answer to the one request that is meant, which the service has carried out', async () => {
    const lost = proxy.loseReplyTo(request => String(request) === 'commit')
    const client = open()
    expect(await ask(client, 'begin')).toBe('done: begin')
    expect(await ask(client, 'commit')).toBe('cut')
    expect(String(await lost)).toBe('commit')
    expect(await ask(open(), 'commit')).toBe('done: commit')
    expect(asked).toEqual(['begin', 'commit', 'commit'])
  })

  it('loses only an answer that matters: another one is passed on, and the next request is waited for', async () => {
    const lost = proxy.loseReplyTo(
      request => String(request).startsWith('lease'),
      reply => String(reply).endsWith('2'),
    )
    const client = open()
    expect(await ask(client, 'lease 1')).toBe('done: lease 1')
    expect(await ask(client, 'beat')).toBe('done: beat')
    expect(await ask(client, 'lease 2')).toBe('cut')
    expect(String(await lost)).toBe('lease 2')
    expect(asked).toEqual(['lease 1', 'beat', 'lease 2'])
  })

  it('withholds the one request that is meant, and all that is said behind it on its connection, and nothing of others', async () => {
    const kept = proxy.withhold(request => String(request) === 'end')
    const client = open()
    expect(await ask(client, 'write')).toBe('done: write')
    client.write('end')
    expect(String(await kept)).toBe('end')
    client.write('more')
    expect(await ask(open(), 'end')).toBe('done: end')
    expect(asked).toEqual(['write', 'end'])
    expect(client.destroyed).toBe(false)
  })
})

it('knows a commit of Postgres and a request of Kafka by their first bytes', () => {
  const query = (text: string) => Buffer.from(`Q\0\0\0${String.fromCharCode(text.length + 5)}${text}\0`, 'latin1')
  expect(['commit', 'COMMIT', 'select 1'].map(text => isCommit(query(text)))).toEqual([true, true, false])
  const endTxn = Buffer.from([0, 0, 0, 9, 0, 26, 0, 1, 0, 0, 0, 1, 0])
  expect([26, 0].map(key => isKafkaRequest(key)(endTxn))).toEqual([true, false])
})

it('reads off the end of a transaction whose it is, be there a name of the client or none', () => {
  const text = (it: string) => Buffer.concat([Buffer.from([0, it.length]), Buffer.from(it)])
  const head = Buffer.from([0, 0, 0, 60, 0, 26, 0, 1, 0, 0, 0, 1])
  const body = Buffer.concat([text('prompt.fan-out.0'), Buffer.alloc(11)])
  for (const client of [text('steps'), Buffer.from([255, 255])])
    expect(transactionalIdOf(Buffer.concat([head, client, body]))).toBe('prompt.fan-out.0')
})

it('knows the end of a transaction in which a topic was written to, and no other', () => {
  const text = (it: string) => Buffer.concat([Buffer.from([0, it.length]), Buffer.from(it)])
  const request = (key: number, id: string, rest = '') =>
    Buffer.concat([Buffer.from([0, 0, 0, 60, 0, key, 0, 1, 0, 0, 0, 1]), text('me'), text(id), Buffer.from(rest)])
  const isEnd = isEndOfWritingTo('alerts')
  const asked = [
    ...[request(0, 'p.publish.0', 'watermarks'), request(26, 'p.publish.0'), request(0, 'p.publish.1', 'to alerts')],
    ...[request(26, 'p.publish.0'), request(26, 'p.publish.1'), request(26, 'p.publish.1')],
  ]
  expect(asked.map(isEnd)).toEqual([false, false, false, false, true, false])
})

it('knows the statement of a lease, and an answer that gives a unit', () => {
  const parse = (sql: string) => Buffer.from(`P\0\0\0\x50\0${sql}\0`, 'latin1')
  expect(["update unit set work = 'leased'", "where work = 'leased'"].map(sql => isLease(parse(sql)))).toEqual([true, false]) // prettier-ignore
  expect(['T…C\0\0\0\rUPDATE 0\0Z', 'T…D\0\0\0'].map(reply => isGiven(Buffer.from(reply, 'latin1')))).toEqual([false, true]) // prettier-ignore
})

it('before the store breaks off, says "slow down", hangs up, and is honest again', async () => {
  const store = createHttpServer((_, answer) => answer.end('0123456789')).listen(0, '127.0.0.1')
  await once(store, 'listening')
  const proxy = await openS3Proxy(() => portOf(store))
  const get = async () => {
    const answer = await fetch(`http://127.0.0.1:${proxy.port}/bucket/key`)
    return `${answer.status} ${(await answer.text()).slice(0, 10)}`
  }
  try {
    expect(await get()).toBe('200 0123456789')
    proxy.mode = 'truncating'
    await expect(get()).rejects.toThrow()
    proxy.mode = 'unavailable'
    expect(await get()).toMatch(/^503 /)
    proxy.mode = 'down'
    await expect(get()).rejects.toThrow()
    proxy.mode = 'open'
    expect(await get()).toBe('200 0123456789')
  } finally {
    await proxy.close()
    store.close()
  }
})
