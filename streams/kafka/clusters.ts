import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { SASLOptions } from 'kafkajs'
import type { Log } from '../log.ts'
import { Cluster, loggers } from './internals.ts'
import { soften } from './soften.ts'

export interface Connection {
  /** host:port of the nodes to begin with. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl?: ConnectionOptions | boolean
  readonly sasl?: SASLOptions
  readonly log: Log
}

/** Connections of one purpose. A broker answers one request at a time per connection, so waiting ones get their own. */
export interface ClusterHandle {
  readonly cluster: Cluster
  /** Connected, with metadata loaded; throws when no broker answers. */
  connect(): Promise<Cluster>
  /** Cuts every connection; requests in flight are rejected at once. */
  close(): Promise<void>
}

const CONNECTION_TIMEOUT_MS = 3_000
const KEEP_ALIVE_MS = 60_000

/** @param requestTimeoutMs after which an unanswered request is given up (JoinGroup and long polls have their own). */
export function openCluster(options: Connection, requestTimeoutMs: number): ClusterHandle {
  const sockets = new Set<Socket>()
  let closing = false
  const cluster = soften(
    new Cluster({
      brokers: options.brokers,
      clientId: options.clientId,
      ssl: options.ssl ?? null,
      sasl: options.sasl ?? null,
      logger: quietLogger(options.log),
      socketFactory: at => {
        if (closing) throw new Error('the client is closing')
        const socket = openSocket(at)
        sockets.add(socket)
        socket.once('close', () => {
          sockets.delete(socket)
          // kafkajs calls `unref` on a dead socket at every failed attempt to reconnect, and each call adds a listener.
          socket.unref = () => socket
        })
        return socket
      },
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      authenticationTimeout: 10_000,
      requestTimeout: requestTimeoutMs,
      metadataMaxAge: 300_000,
      allowAutoTopicCreation: false,
      // Every caller here retries by its own rules and with its own deadline: the inner retries only bridge a hiccup.
      retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 2 },
    }),
  )
  let connecting: Promise<void> | undefined
  return {
    cluster,
    connect: async () => {
      connecting ??= cluster.connect().then(() => cluster.refreshMetadata())
      await connecting.catch((error: unknown) => {
        connecting = undefined
        throw error
      })
      return cluster
    },
    close: async () => {
      closing = true
      // kafkajs's own disconnect waits for answers, a parked JoinGroup's included. An error on the socket makes it reject
      // what is in flight and clear its timers.
      for (const socket of sockets) socket.destroy(new Error('the client is closing'))
      await Promise.all([...sockets].map(closed))
    },
  }
}

const closed = (socket: Socket): Promise<void> =>
  new Promise(resolve => (socket.closed ? resolve() : socket.once('close', () => resolve())))

/** As kafkajs's own factory, and without Nagle's delay, which costs a transaction some 3 ms. */
function openSocket(at: {
  host: string
  port: number
  ssl?: ConnectionOptions | boolean | null
  onConnect: () => void
}): Socket {
  const { host, port, ssl, onConnect } = at
  const options = { host, port }
  const socket = ssl
    ? connectTls({ ...options, ...(isIP(host) ? {} : { servername: host }), ...(ssl === true ? {} : ssl) }, onConnect)
    : connectPlain(options, onConnect)
  return socket.setKeepAlive(true, KEEP_ALIVE_MS).setNoDelay(true)
}

/** kafkajs calls an answer such as "fenced" or "rebalance" an error; here it is an outcome, thrown and logged where it matters. */
function quietLogger(log: Log) {
  return loggers.createLogger({
    level: loggers.LEVELS.WARN,
    logCreator: () => entry => log.debug({ kafkajs: entry.namespace, ...entry.log }, entry.log.message),
  })
}
