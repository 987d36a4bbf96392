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
   * is cut when the answer has come. Resolves then, with the request. An answer that `matters` does not recognise is passed on, and the next
   * request is waited for.
   */
  loseReplyTo(wanted: (request: Buffer) => boolean, matters?: (reply: Buffer) => boolean): Promise<Buffer>
  /** The next request that `wanted` recognises stays here: the service never gets it, and its connection says nothing more. Resolves with it. */
  withhold(wanted: (request: Buffer) => boolean): Promise<Buffer>
  /** Lets everything through again. Connections that were silent are cut: what they missed is gone. */
  heal(): void
  close(): Promise<void>
}

/** The same address at the port of a proxy. */
export function through(url: string, { port }: Pick<Proxy, 'port'>): string {
  const changed = new URL(url)
  changed.port = String(port)
  return changed.href.replace(/\/$/, '')
}

type Mode = 'open' | 'refusing' | 'silent'

type Pair = readonly [client: Socket, service: Socket]
interface State {
  mode: Mode
  trap?: Trap
}

/** A request that is lain in wait for. */
interface Trap {
  readonly wanted: (request: Buffer) => boolean
  /** None: the request itself is kept from the service. */
  readonly matters?: (reply: Buffer) => boolean
  readonly tell: (request: Buffer) => void
}

/** A proxy on a free port of the loopback interface; `target` is asked for each connection, so it may be known later. */
export async function openProxy(target: () => number): Promise<Proxy> {
  const pairs = new Set<Pair>()
  const state: State = { mode: 'open' }
  const cut = () => pairs.forEach(pair => pair.forEach(socket => socket.destroy()))
  const server: Server = createServer(client => {
    if (state.mode === 'refusing') return void client.destroy()
    const pair = [client, connect(target(), '127.0.0.1')] as const
    pairs.add(pair)
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        pairs.delete(pair)
        pair.forEach(it => it.destroy())
      })
    }
    join(pair, state)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    refuse: () => {
      state.mode = 'refusing'
      cut()
    },
    fallSilent: () => void (state.mode = 'silent'),
    loseReplyTo: (wanted, matters = () => true) => new Promise(tell => (state.trap = { wanted, matters, tell })),
    withhold: wanted => new Promise(tell => (state.trap = { wanted, tell })),
    heal: () => {
      if (state.mode === 'silent') cut()
      state.mode = 'open'
      delete state.trap
    },
    close: async () => {
      server.close()
      cut()
      await once(server, 'close')
    },
  }
}

/** Lets through what the two say to each other, as far as the state of the proxy allows. */
function join([client, service]: Pair, state: State): void {
  /** The trap that this connection is in, and with which request; the socket reads into other memory the next time. */
  let caught: (Trap & { readonly request: Buffer }) | undefined
  const isClosed = () => state.mode !== 'open' || (caught && !caught.matters)
  client.on('data', chunk => {
    if (isClosed()) return
    if (state.trap?.wanted(chunk)) {
      caught = { ...state.trap, request: chunk }
      delete state.trap
      if (!caught.matters) return caught.tell(chunk)
    }
    pass(chunk, client, service)
  })
  service.on('data', chunk => {
    if (isClosed()) return
    if (caught?.matters?.(chunk)) {
      client.destroy()
      return caught.tell(caught.request)
    }
    if (caught) state.trap = caught
    caught = undefined
    pass(chunk, service, client)
  })
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

/**
 * In whose transaction a request produces, or which it ends: behind the head, which closes with the client's name, comes the transactional
 * id, each after its length.
 */
export function transactionalIdOf(request: Buffer): string {
  const name = 12 + 2 + Math.max(0, request.readInt16BE(12))
  return request.toString('utf8', name + 2, name + 2 + request.readInt16BE(name))
}

/** Recognises the end of a transaction in which something was written to this topic, whose name a request says before its records. */
export function isEndOfWritingTo(topic: string): (request: Buffer) => boolean {
  const writing = new Set<string>()
  return request => {
    if (isKafkaRequest(0)(request) && request.includes(topic)) writing.add(transactionalIdOf(request))
    return isKafkaRequest(26)(request) && writing.delete(transactionalIdOf(request))
  }
}

/** Postgres's simple query `commit`. */
export const isCommit = (request: Buffer): boolean => /^Q....commit\0/is.test(request.toString('latin1'))

/** The ledger's statement that gives a unit to a worker; it is asked all the time, and mostly there is none. */
export const isLease = (request: Buffer): boolean =>
  request[0] === 0x50 && request.toString('latin1').includes("set work = 'leased'")

/** Of such an answer: that it gives no row fits into its first bytes. */
export const isGiven = (reply: Buffer): boolean => !reply.toString('latin1').includes('UPDATE 0\0')
