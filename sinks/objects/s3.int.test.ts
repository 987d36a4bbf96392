import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { NotFound, StoreError } from './errors.ts'
import { openObjectStore } from './s3.ts'

const store = openObjectStore(inject('services').s3)
const bucket = `test-${randomBytes(6).toString('hex')}`
beforeAll(() => store.createBucket(bucket))
afterAll(() => store.close())

const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

it('keeps bytes, whole and in ranges, and says their digest', async () => {
  const bytes = randomBytes(100_000)
  const { size, sha256 } = await store.put(bucket, 'a/b c+ü.fits', bytes)
  expect({ size, sha256 }).toEqual({ size: 100_000, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string })
  expect(await store.get(bucket, 'a/b c+ü.fits')).toEqual(bytes)
  const shared = await store.getShared(bucket, 'a/b c+ü.fits')
  expect(shared.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(Buffer.from(shared)).toEqual(bytes)
  expect(await store.getRange(bucket, 'a/b c+ü.fits', 5_000, 123)).toEqual(bytes.subarray(5_000, 5_123))
  const info = await store.head(bucket, 'a/b c+ü.fits')
  expect(info).toMatchObject({ size: 100_000 })
  expect(Math.abs(info!.lastModified - Date.now())).toBeLessThan(60_000)
})

it('tells what is not there from what did not work', async () => {
  await expect(store.get(bucket, 'nothing')).rejects.toThrow(NotFound)
  await expect(store.get(bucket, 'nothing')).rejects.toThrow(`${bucket}/nothing does not exist`)
  await expect(store.getShared(bucket, 'nothing')).rejects.toThrow(NotFound)
  await expect(store.get('no-such-bucket', 'x')).rejects.toThrow(NotFound)
  expect(await store.head(bucket, 'nothing')).toBeUndefined()
  await store.put(bucket, 'short', Buffer.from('abc'))
  await expect(store.getRange(bucket, 'short', 1, 10)).rejects.toThrow(/2 bytes from 1 instead of 10/)
})

it('lists by prefix over pages, by folder, and beyond a key', async () => {
  const keys = Array.from({ length: 1_005 }, (_, i) => `list/${String(i % 5)}/${String(i).padStart(5, '0')}`)
  for (let i = 0; i < keys.length; i += 50)
    await Promise.all(keys.slice(i, i + 50).map(key => store.put(bucket, key, Buffer.from('x'))))
  expect((await collect(store.list(bucket, 'list/'))).map(({ key }) => key)).toEqual([...keys].sort())
  expect(await collect(store.folders(bucket, 'list/'))).toEqual([0, 1, 2, 3, 4].map(i => `list/${i}/`))
  expect(await collect(store.list(bucket, 'list/4/', 'list/4/00999'))).toMatchObject([{ key: 'list/4/01004' }])
  expect(await collect(store.list(bucket, 'nowhere/'))).toEqual([])
})

it('makes a bucket twice without complaint', async () => {
  await store.createBucket(bucket)
})

it('reads into shared memory only what has a length, says so otherwise, and lets the connection go', async () => {
  let open = 0
  const vague = createServer(socket => {
    open++
    socket
      .on('close', () => open--)
      .on('error', () => {})
      .resume()
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n')
  }).listen(0, '127.0.0.1')
  await once(vague, 'listening')
  const { port } = vague.address() as AddressInfo
  const asked = openObjectStore({ ...inject('services').s3, endpoint: `http://127.0.0.1:${port}`, maxAttempts: 1 })
  await expect(asked.getShared('raw', 'key')).rejects.toThrow(/raw\/key.*does not say how long it is/)
  await expect.poll(() => open).toBe(0)
  asked.close()
  vague.close()
})

const answerCutShort = 'HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\ncontent-length: 1000\r\n\r\n<'

it.each([
  ['does not answer', ''],
  ['falls silent inside its answer', answerCutShort],
])('gives up on a store that %s, and names the object', async (_, answer) => {
  const silent = createServer(socket => socket.on('error', () => {}).write(answer)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const stuck = openObjectStore({
    ...inject('services').s3,
    endpoint: `http://127.0.0.1:${port}`,
    maxAttempts: 1,
    requestTimeoutMs: 200,
  })
  await expect(stuck.get('raw', 'key')).rejects.toThrow(StoreError)
  await expect(stuck.get('raw', 'key')).rejects.toThrow(/raw\/key/)
  await expect(stuck.getShared('raw', 'key')).rejects.toThrow(StoreError)
  await expect(collect(stuck.list('raw', 'prefix/'))).rejects.toThrow(/raw\/prefix/)
  stuck.close()
  silent.close()
})
