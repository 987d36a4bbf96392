import pg from 'pg'

export interface PoolOptions {
  /** Shown in `pg_stat_activity`, so that an operator sees who holds a lock. */
  readonly name: string
  readonly max?: number
  /** A statement that takes longer is cancelled. */
  readonly statementTimeoutMs?: number
  /** Waiting longer for a lock fails the statement. */
  readonly lockTimeoutMs?: number
  /** A stopped process must not hold its row locks for ever: its session is ended. */
  readonly idleInTransactionTimeoutMs?: number
  /** `true` verifies the server's certificate against the system's authorities; `{ ca }` against these. */
  readonly tls?: boolean | { readonly ca: string }
  /**
   * The address leads to a pooler in transaction mode. It refuses parameters at the start of a session, and a session is not ours to set
   * anyway: bounds are then set in every transaction of `transact`; a statement alone has those that the login role carries.
   */
  readonly pooled?: boolean
  /** Hears of connections that broke while nobody used them; the pool replaces them by itself. */
  readonly onIdleError?: (error: Error) => void
}

export interface Pool extends pg.Pool {
  /** How a transaction begins here: behind a pooler it brings its bounds along, in the same round trip. */
  readonly begin: string
}
export type Client = pg.PoolClient
/** Whatever answers a query: the pool (a transaction of its own) or a client inside one. */
export type Querier = Pick<pg.PoolClient, 'query'>

const toBigIntArray = (text: string): bigint[] => (text === '{}' ? [] : text.slice(1, -1).split(',').map(BigInt))
const toInstant = (text: string): number => {
  const parsed = (pg.types.getTypeParser(pg.types.builtins.TIMESTAMPTZ) as (text: string) => unknown)(text)
  return parsed instanceof Date ? parsed.getTime() : Number(parsed)
}

/** The way back is `toTimestamp`. */
const toMicros = (text: string): bigint =>
  BigInt(Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`)) * 1000n + BigInt(text.slice(20).padEnd(6, '0'))

/** Text of a timestamp without zone, from microseconds since 1970, as a `timestamp-micros` of an alert counts them. */
export const toTimestamp = (micros: bigint): string => {
  const part = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number(micros - part) / 1000).toISOString().slice(0, 19)
  return `${seconds}.${String(part).padStart(6, '0')}`
}

/**
 * How a column becomes a value: int8 → bigint, int8[] → bigint[], float4 → that very float32, timestamptz → ms UTC (infinities stay),
 * timestamp without zone → microseconds as bigint.
 */
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  [pg.types.builtins.INT8]: BigInt,
  1016: toBigIntArray,
  [pg.types.builtins.FLOAT4]: text => Math.fround(Number(text)),
  [pg.types.builtins.TIMESTAMPTZ]: toInstant,
  [pg.types.builtins.TIMESTAMP]: toMicros,
}

/** Passed to every client of ours, so that all of the project sees the same values. */
export const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => parsers[oid] ?? (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
}

/** No transaction of ours lives longer: the server ends it. */
export const LONGEST_TRANSACTION_MS = 15_000

/**
 * A pool of connections with our parsers and bounded patience. Opens nothing until the first query.
 * Time-outs in ms; the defaults suit transactions of associate, the longest there are.
 */
export function openPool(url: string, options: PoolOptions): Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? 10_000
  const bounds = Object.entries({
    statement_timeout: statementTimeoutMs,
    lock_timeout: options.lockTimeoutMs ?? 5_000,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 5_000,
    transaction_timeout: LONGEST_TRANSACTION_MS,
  })
  const pool = new pg.Pool({
    connectionString: url,
    application_name: options.name,
    max: options.max ?? 4,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types,
    // The server ends a slow statement; this ends waiting for a server that has gone silent.
    query_timeout: statementTimeoutMs + 5_000,
    ...(!options.pooled && { options: bounds.map(([name, value]) => `-c ${name}=${value}`).join(' ') }),
    ...(options.tls !== undefined && { ssl: options.tls === true ? true : options.tls }),
  })
  pool.on('error', error => options.onIdleError?.(error))
  const begin = ['begin', ...bounds.map(([name, value]) => `set local ${name} = ${value}`)].join('; ')
  return Object.assign(pool, { begin: options.pooled ? begin : 'begin' })
}

/** COMMIT was sent and its answer never came: the transaction may or may not have happened. Read before doing anything again. */
export class InDoubt extends Error {
  override readonly name = 'InDoubt'
}

/**
 * Runs `work` inside one READ COMMITTED transaction.
 *
 * @throws what `work` throws, after a rollback; `InDoubt` when the connection died between COMMIT and its answer
 */
export async function transact<T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  // A connection that dies between two queries is told as an event only; unheard, it would end the process.
  client.on('error', hear)
  function hear(error: Error): void {
    broken = error
  }
  try {
    await client.query(pool.begin)
    const result = await work(client)
    await commit(client)
    return result
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => (broken = failure))
    throw error
  } finally {
    client.off('error', hear)
    client.release(broken)
  }
}

/** An answer with an SQLSTATE outside class 57 and 08 is the server's word that it did not commit; anything else leaves doubt. */
async function commit(client: Client): Promise<void> {
  try {
    await client.query('commit')
  } catch (error) {
    const code = error instanceof pg.DatabaseError ? (error.code ?? '') : ''
    if (code !== '' && !code.startsWith('57') && !code.startsWith('08')) throw error
    throw new InDoubt('the connection was lost while committing: the transaction may or may not have happened', {
      cause: error,
    })
  }
}
