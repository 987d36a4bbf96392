import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the store does instead of its work: it hangs up, says "slow down", takes its time, or breaks off in the middle of an object. */
export type S3Mode = 'open' | 'down' | 'unavailable' | 'slow' | 'truncating'

export interface S3Proxy {
  readonly port: number
  /** How it behaves from now on. */
  mode: S3Mode
  close(): Promise<void>
}

/** A slow store answers this much later, ms. */
const SLOW_MS = 1500

/** Signatures cover the host that the client named, so that everything is passed on as it came. */
export async function openS3Proxy(target: () => number): Promise<S3Proxy> {
  const server = createServer((from, to) => void serve(from, to).catch(() => to.destroy()))
  const serve = async (from: IncomingMessage, to: ServerResponse) => {
    const { mode } = proxy
    if (mode === 'down') return void from.socket.destroy()
    if (mode === 'unavailable') {
      from.resume()
      return void to.writeHead(503, { 'content-type': 'application/xml' }).end(SLOW_DOWN)
    }
    if (mode === 'slow') await sleep(SLOW_MS)
    const { method, url, headers } = from
    const ask = request({ host: '127.0.0.1', port: target(), method, path: url, headers })
    from.pipe(ask)
    const [answer] = (await once(ask, 'response')) as [IncomingMessage]
    to.writeHead(answer.statusCode!, answer.headers)
    if (mode === 'truncating' && method === 'GET' && answer.statusCode! < 300) return breakOff(answer, to)
    answer.pipe(to)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: S3Proxy = {
    port: (server.address() as { port: number }).port,
    mode: 'open',
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

/** The first half of the first piece, under the length of the whole. */
function breakOff(answer: IncomingMessage, to: ServerResponse): void {
  answer.once('data', (chunk: Buffer) => {
    to.write(chunk.subarray(0, Math.floor(chunk.length / 2)), () => to.destroy())
    answer.destroy()
  })
  answer.once('end', () => to.end())
}

const SLOW_DOWN =
  '<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>'
