import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Stands between clients and one server on the loopback interface, and harms what passes when it is told to. */
export interface TcpProxy {
  readonly port: number
  /** Nothing passes in either direction, not even an end; connections stay, and new ones are taken: a network that went dark. */
  pause(): void
  /** What was held back passes now, in its order. */
  resume(): void
  /** Whatever comes from now on passes that much later, in both directions. */
  delay(ms: number): void
  /** Ends every connection; new ones are taken. */
  cut(): void
  close(): Promise<void>
}

/** One connection through a proxy, as it is seen by whoever looks at what passes. */
export interface Line {
  readonly toServer: (bytes: Buffer) => void
  readonly toClient: (bytes: Buffer) => void
  /** Ends both sides at once. */
  readonly cut: () => void
  /** Ends the client's side only: what is said to the server still arrives. */
  readonly hangUp: () => void
}

/** Gets what arrives from either side, and passes on what it likes. */
export interface Tap {
  readonly fromClient: (bytes: Buffer) => void
  readonly fromServer: (bytes: Buffer) => void
}

const passAll = (line: Line): Tap => ({
  fromClient: bytes => line.toServer(bytes),
  fromServer: bytes => line.toClient(bytes),
})

/**
 * Example: a Postgres that commits and whose answer is lost, is
 * `line => ({ fromClient: line.toServer, fromServer: bytes => (bytes.includes('COMMIT\0') ? line.cut() : line.toClient(bytes)) })`.
 *
 * @param target where the server listens
 * @param tap made for every connection; without it all passes
 */
export async function tcpProxy(
  target: { readonly host: string; readonly port: number },
  tap: (line: Line) => Tap = passAll,
): Promise<TcpProxy> {
  const flow = { paused: false, delayMs: 0 }
  const connections = new Set<{ cut(): void; pump(): void }>()
  const server = createServer(client => {
    const upstream = connect(target)
    const [up, down] = [new Lane(upstream, flow), new Lane(client, flow)]
    const cut = () => [client, upstream].forEach(socket => socket.destroy())
    const line: Line = {
      toServer: bytes => up.push(bytes),
      toClient: bytes => down.push(bytes),
      cut,
      hangUp: () => client.off('close', onClientClosed).destroy(),
    }
    const connection = { cut, pump: () => [up, down].forEach(lane => lane.pump()) }
    connections.add(connection)
    const { fromClient, fromServer } = tap(line)
    const onClientClosed = () => up.end()
    client.on('data', fromClient).on('close', onClientClosed)
    upstream.on('data', fromServer).on('close', () => {
      down.end()
      connections.delete(connection)
    })
    // A reset is an end like any other; who is interested hears of it as `close`.
    for (const socket of [client, upstream]) socket.setNoDelay(true).on('error', () => undefined)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const pump = () => connections.forEach(connection => connection.pump())
  const cut = () => connections.forEach(connection => connection.cut())
  return {
    port: (server.address() as AddressInfo).port,
    pause: () => void (flow.paused = true),
    resume: () => ((flow.paused = false), pump()),
    delay: ms => void (flow.delayMs = ms),
    cut,
    close: async () => {
      server.close()
      cut()
      await once(server, 'close')
    },
  }
}

/** What is under way to one socket, in order, each with the moment before which it does not arrive. */
class Lane {
  readonly #to: Socket
  readonly #flow: { readonly paused: boolean; readonly delayMs: number }
  readonly #under: { readonly bytes: Buffer | undefined; readonly due: number }[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(to: Socket, flow: { readonly paused: boolean; readonly delayMs: number }) {
    this.#to = to
    this.#flow = flow
  }
  push(bytes: Buffer | undefined): void {
    this.#under.push({ bytes, due: performance.now() + this.#flow.delayMs })
    this.pump()
  }
  end(): void {
    this.push(undefined)
  }
  pump(): void {
    clearTimeout(this.#timer)
    while (!this.#flow.paused && this.#under.length > 0) {
      const wait = this.#under[0]!.due - performance.now()
      if (wait > 0) {
        this.#timer = setTimeout(() => this.pump(), wait)
        return
      }
      const { bytes } = this.#under.shift()!
      if (this.#to.destroyed) continue
      if (bytes) this.#to.write(bytes)
      else this.#to.end(() => this.#to.destroy())
    }
  }
}
