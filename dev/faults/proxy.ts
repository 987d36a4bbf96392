import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** What stands between the system under test and a service, and lets everything through until it is told otherwise. */
export interface Proxy {
  readonly port: number
  /** Cuts every connection and refuses new ones, as a service that is down does. */
  refuse(): void
  /** Forwards nothing more in either direction and closes nothing, as a broken network does. */
  fallSilent(): void
  /**
   * Of the next request that `wanted` recognises by its first bytes, the service gets the request and the client no answer: the connection
   * is cut when the answer has come. Resolves then, with the request.
   */
  loseReplyTo(wanted: (request: Buffer) => boolean): Promise<Buffer>
  /** Lets everything through again. Connections that were silent are cut: what they missed is gone. */
  heal(): void
  close(): Promise<void>
}

type Mode = 'open' | 'refusing' | 'silent'

/** A proxy on a free port of the loopback interface; `target` is asked for each connection, so it may be known later. */
export async function openProxy(target: () => number): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let mode: Mode = 'open'
  let losing: { readonly wanted: (request: Buffer) => boolean; readonly lost: (request: Buffer) => void } | undefined
  const cut = () => pairs.forEach(pair => pair.forEach(socket => socket.destroy()))
  const server: Server = createServer(client => {
    if (mode === 'refusing') return void client.destroy()
    const service = connect(target(), '127.0.0.1')
    const pair = [client, service] as const
    pairs.add(pair)
    let lost: (() => void) | undefined
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        pairs.delete(pair)
        pair.forEach(it => it.destroy())
      })
    }
    client.on('data', chunk => {
      if (mode !== 'open') return
      if (losing?.wanted(chunk)) {
        const { lost: tell } = losing
        // The socket reads into other memory the next time.
        lost = () => tell(chunk)
        losing = undefined
      }
      pass(chunk, client, service)
    })
    service.on('data', chunk => {
      if (mode !== 'open') return
      if (!lost) return pass(chunk, service, client)
      client.destroy()
      lost()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    refuse: () => {
      mode = 'refusing'
      cut()
    },
    fallSilent: () => void (mode = 'silent'),
    loseReplyTo: wanted => new Promise(lost => (losing = { wanted, lost })),
    heal: () => {
      if (mode === 'silent') cut()
      mode = 'open'
      losing = undefined
    },
    close: async () => {
      server.close()
      cut()
      await once(server, 'close')
    },
  }
}

/** With back-pressure, so that a slow reader slows the writer down as without us. */
function pass(chunk: Buffer, from: Socket, to: Socket): void {
  if (to.write(chunk)) return
  from.pause()
  to.once('drain', () => from.resume())
}

/** Kafka's requests begin with their length and their API key: 0 produces, 26 ends a transaction. */
export const isKafkaRequest =
  (apiKey: number) =>
  (request: Buffer): boolean =>
    request.length > 6 && request.readInt16BE(4) === apiKey

/** Whose transaction a request ends: behind the head, which closes with the client's name, comes the transactional id, each after its length. */
export function transactionalIdOf(endTxn: Buffer): string {
  const name = 12 + 2 + Math.max(0, endTxn.readInt16BE(12))
  return endTxn.toString('utf8', name + 2, name + 2 + endTxn.readInt16BE(name))
}

/** Postgres's simple query `commit`. */
export const isCommit = (request: Buffer): boolean => /^Q....commit\0/is.test(request.toString('latin1'))
