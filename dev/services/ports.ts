import { createServer, type Server } from 'node:net'

/**
 * `count` free ports of the loopback interface. All are held until the last is found, so that one call never gives the
 * same port twice. Between here and the service's own bind another program may take one; hence `withFreePorts`.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held: Server[] = []
  try {
    for (let i = 0; i < count; i++) held.push(await listen())
    return held.map(server => (server.address() as { port: number }).port)
  } finally {
    await Promise.all(held.map(server => new Promise(resolve => server.close(resolve))))
  }
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}

/** Thrown by a start whose port was taken by somebody else in the meantime. */
export class PortTaken extends Error {}

/** Whether a service's log says that it could not have its port (Java, Jetty and Postgres in their own words). */
export function saysPortTaken(log: string): boolean {
  return /address already in use|java\.net\.BindException|could not bind|already bound/i.test(log)
}

/** Runs `start` on free ports, and on others when one was taken in between: three attempts, then the error as it is. */
export async function withFreePorts<T>(count: number, start: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePorts(count))
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === 3) throw error
    }
  }
}
