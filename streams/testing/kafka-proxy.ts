import { tcpProxy, type Line, type Tap, type TcpProxy } from './tcp-proxy.ts'

/** What becomes of a request, in the words of the twin in memory. In each case the client sees its connection end. */
export type Loss = 'request lost' | 'reply lost' | 'delayed'

/** Requests by their numbers in the protocol. */
const API = {
  Produce: 0,
  Fetch: 1,
  Metadata: 3,
  FindCoordinator: 10,
  JoinGroup: 11,
  Heartbeat: 12,
  InitProducerId: 22,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  EndTxn: 26,
  TxnOffsetCommit: 28,
} as const
export type Api = keyof typeof API

/** One loss that waits for its request. */
export interface Trap {
  /** Resolves when it has happened: the request was taken away, or for a lost reply, the broker has answered. */
  readonly sprung: Promise<void>
  /** Lets a delayed request arrive; resolves when the broker has answered, which nobody hears. */
  release(): Promise<void>
}

export interface KafkaProxy {
  /** The brokers as clients shall know them: whoever begins here stays on proxies. */
  readonly brokers: readonly string[]
  /** The proxy of each broker, in the order they were given in. */
  readonly nodes: readonly TcpProxy[]
  /** The `nth` such request from now on, to whichever broker, meets this. */
  trap(api: Api, loss: Loss, nth?: number): Trap
  close(): Promise<void>
}

/**
 * A proxy before each broker. Their addresses are replaced in what the brokers say of themselves, so brokers need not know of
 * it: the same ones serve clients with and without.
 *
 * @param brokers host:port of every broker as it is advertised, on this machine
 */
export async function kafkaProxy(brokers: readonly string[]): Promise<KafkaProxy> {
  const traps: Armed[] = []
  const addresses: Address[] = []
  const targets = brokers.map(targetOf)
  const nodes = await Promise.all(targets.map(target => tcpProxy(target, line => new KafkaTap(line, traps, addresses))))
  targets.forEach(({ host, port }, i) =>
    addresses.push({ real: addressBytes(host, port), mine: addressBytes(host, nodes[i]!.port) }),
  )
  return {
    brokers: targets.map(({ host }, i) => `${host}:${nodes[i]!.port}`),
    nodes,
    trap(api, loss, nth = 1) {
      const trap = new Armed(API[api], loss, nth)
      traps.push(trap)
      return trap
    },
    close: async () => void (await Promise.all(nodes.map(node => node.close()))),
  }
}

function targetOf(broker: string): { host: string; port: number } {
  const { hostname: host, port } = new URL(`kafka://${broker}`)
  if (!['127.0.0.1', 'localhost'].includes(host)) throw new Error(`${broker} is not on this machine: no proxy for it`)
  return { host, port: Number(port) }
}

/** A broker's address as it names it, and what clients are told instead. */
interface Address {
  readonly real: Buffer
  readonly mine: Buffer
}

/** A node's host and port as they stand in answers of every version: the end of a string, and 32 bits. */
function addressBytes(host: string, port: number): Buffer {
  const bytes = Buffer.alloc(host.length + 4)
  bytes.write(host)
  bytes.writeInt32BE(port, host.length)
  return bytes
}

class Armed implements Trap {
  readonly loss: Loss
  readonly sprung: Promise<void>
  readonly #api: number
  readonly #answered: Promise<void>
  #left: number
  #send: () => void = () => undefined
  #spring: () => void = () => undefined
  #answer: () => void = () => undefined

  constructor(api: number, loss: Loss, nth: number) {
    this.#api = api
    this.loss = loss
    this.#left = nth
    this.sprung = new Promise(resolve => (this.#spring = resolve))
    this.#answered = new Promise(resolve => (this.#answer = resolve))
  }
  /** Whether it is this request that it waits for. */
  meets(api: number): boolean {
    return api === this.#api && --this.#left === 0
  }
  /** The request is here, and for a delayed one this is how it goes on. */
  asked(send: () => void): void {
    this.#send = send
    if (this.loss !== 'reply lost') this.#spring()
  }
  answered(): void {
    this.#spring()
    this.#answer()
  }
  release(): Promise<void> {
    this.#send()
    return this.#answered
  }
}

/** Requests carry 32 bits of length, 16 of their number, 16 of version, 32 of correlation; replies length and correlation. */
class KafkaTap implements Tap {
  readonly #line: Line
  readonly #traps: readonly Armed[]
  readonly #addresses: readonly Address[]
  readonly #asked = new Map<number, { readonly api: number; readonly trap: Armed | undefined }>()
  #requests = Buffer.alloc(0)
  #replies = Buffer.alloc(0)

  constructor(line: Line, traps: readonly Armed[], addresses: readonly Address[]) {
    this.#line = line
    this.#traps = traps
    this.#addresses = addresses
  }

  readonly fromClient = (bytes: Buffer): void => {
    this.#requests = eachFrame(Buffer.concat([this.#requests, bytes]), frame => this.#request(frame))
  }
  readonly fromServer = (bytes: Buffer): void => {
    this.#replies = eachFrame(Buffer.concat([this.#replies, bytes]), frame => this.#reply(frame))
  }

  #request(frame: Buffer): void {
    const api = frame.readInt16BE(4)
    // Every trap counts, also when another one is sprung by this request.
    const [trap] = this.#traps.filter(trap => trap.meets(api))
    this.#asked.set(frame.readInt32BE(8), { api, trap })
    if (trap?.loss === 'request lost') this.#line.cut()
    else if (trap?.loss === 'delayed') this.#line.hangUp()
    else this.#line.toServer(frame)
    trap?.asked(() => this.#line.toServer(frame))
  }

  #reply(frame: Buffer): void {
    const correlation = frame.readInt32BE(4)
    const asked = this.#asked.get(correlation)
    this.#asked.delete(correlation)
    if (asked?.trap) {
      this.#line.cut()
      asked.trap.answered()
    } else this.#line.toClient(asked && namesNodes.has(asked.api) ? this.#readdressed(frame) : frame)
  }

  #readdressed(frame: Buffer): Buffer {
    for (const { real, mine } of this.#addresses)
      for (let at = frame.indexOf(real); at >= 0; at = frame.indexOf(real, at + real.length)) mine.copy(frame, at)
    return frame
  }
}

const namesNodes: ReadonlySet<number> = new Set([API.Metadata, API.FindCoordinator])

/** Calls back with every whole frame; returns what is left. */
function eachFrame(bytes: Buffer, call: (frame: Buffer) => void): Buffer<ArrayBuffer> {
  let at = 0
  while (at + 4 <= bytes.length && at + 4 + bytes.readInt32BE(at) <= bytes.length) {
    const end = at + 4 + bytes.readInt32BE(at)
    call(bytes.subarray(at, end))
    at = end
  }
  return Buffer.from(bytes.subarray(at))
}
