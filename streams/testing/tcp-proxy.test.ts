import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { tcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** A server that says everything back, through a proxy. */
let server: Server
let proxy: TcpProxy
let received: string
let client: Socket

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 2))
}
async function open(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1')
  socket.on('data', bytes => (received += String(bytes))).on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

beforeEach(async () => {
  server = createServer(socket => void socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await tcpProxy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  received = ''
  client = await open()
})
afterEach(async () => {
  client.destroy()
  await proxy.close()
  server.close()
})

it('passes bytes both ways, and the end', async () => {
  client.write('a')
  await until(() => received === 'a')
  client.end()
  await once(client, 'close')
})

it('holds everything back while it is paused, also for who comes meanwhile, and then gives it in order', async () => {
  proxy.pause()
  client.write('a')
  const second = await open()
  await new Promise(resolve => setTimeout(resolve, 30))
  client.write('b')
  expect(received).toBe('')
  expect(second.readyState).toBe('open')
  proxy.resume()
  await until(() => received === 'ab')
  second.destroy()
})

it('delays each way, and keeps the order when the delay ends', async () => {
  proxy.delay(40)
  const began = performance.now()
  client.write('a')
  await new Promise(resolve => setTimeout(resolve, 10))
  proxy.delay(0)
  client.write('b')
  await until(() => received === 'ab')
  expect(performance.now() - began).toBeGreaterThan(39)
})

it('cuts what is open, and takes new connections', async () => {
  const closed = once(client, 'close')
  proxy.cut()
  await closed
  client = await open()
  client.write('again')
  await until(() => received === 'again')
})

it('ends a connection whose server is not there', async () => {
  const nobody = await tcpProxy({ host: '127.0.0.1', port: 1 })
  const lonely = connect(nobody.port, '127.0.0.1').on('error', () => undefined)
  await once(lonely, 'close')
  await nobody.close()
})

it('lets a tap lose an answer', async () => {
  const { port } = server.address() as AddressInfo
  const losing = await tcpProxy({ host: '127.0.0.1', port }, line => ({
    fromClient: line.toServer,
    fromServer: bytes => (bytes.includes('COMMIT\0') ? line.cut() : line.toClient(bytes)),
  }))
  const socket = connect(losing.port, '127.0.0.1')
  socket.on('data', bytes => (received += String(bytes))).on('error', () => undefined)
  socket.write('BEGIN\0')
  await until(() => received === 'BEGIN\0')
  socket.write('COMMIT\0')
  await once(socket, 'close')
  expect(received).toBe('BEGIN\0')
  await losing.close()
})
