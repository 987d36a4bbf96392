import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a process says of itself. */
export interface Pages {
  /** In the format of Prometheus. */
  readonly metrics: () => Promise<string>
  readonly contentType: string
  /** Whether it does its work: it has started, and does not drain. */
  readonly isReady: () => boolean
}
export interface Serving {
  readonly port: number
  close(): Promise<void>
}

/** Whoever scrapes, its twin, and a probe or two. */
const MAX_CONNECTIONS = 32
const MAX_REQUEST_MS = 5_000

/**
 * `/metrics`; `/livez`: 200 as long as the process answers at all; `/readyz` and `/healthz`: 200 while it is ready, else 503. Port 0 is
 * any that is free. Rejects where it is taken.
 */
export async function serve(host: string, port: number, pages: Pages): Promise<Serving> {
  const server = createServer(
    { requestTimeout: MAX_REQUEST_MS, headersTimeout: MAX_REQUEST_MS },
    (request, response) => {
      const { method, url = '' } = request
      request.resume()
      if (method !== 'GET' && method !== 'HEAD') return text(response, 405, 'only GET\n')
      const path = url.split('?')[0]
      if (path === '/metrics') {
        pages.metrics().then(
          body => text(response, 200, body, pages.contentType),
          (error: unknown) => text(response, 500, `${String(error)}\n`),
        )
      } else if (path === '/livez') text(response, 200, 'alive\n')
      else if (path === '/readyz' || path === '/healthz') {
        const ready = pages.isReady()
        text(response, ready ? 200 : 503, ready ? 'ready\n' : 'not ready\n')
      } else text(response, 404, 'there are /metrics, /livez, /readyz, /healthz\n')
    },
  )
  server.maxConnections = MAX_CONNECTIONS
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function text(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
}
