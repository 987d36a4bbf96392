import { type UnitState, unitStates } from '../sinks/ledger/summary.ts'
import type { Pool } from '../sinks/postgres/pool.ts'
import { type Config, ConfigError } from '../streams/main/config.ts'
import { openDatabase } from '../streams/main/world.ts'
import { dayObsOf } from '../topology/identifiers.ts'
import { TAI_MINUS_UTC_S } from '../topology/model/time.ts'

/** Reads the ledger and closes the door. @throws ConfigError where the database does not answer */
export const readLedger = <T>(config: Config, read: (pool: Pool) => Promise<T>): Promise<T> =>
  readDatabase(config, 'The ledger', read)

/** Reads the database, behind a pooler or not. @throws ConfigError, saying what cannot be read, where it does not answer; and those of `read` */
export async function readDatabase<T>(config: Config, what: string, read: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = openDatabase(config, 'look', { max: 1 })
  try {
    return await read(pool).catch((error: Error) => {
      if (error instanceof ConfigError) throw error
      throw new ConfigError(`${what} cannot be read at postgres.url: ${error.message}`)
    })
  } finally {
    await pool.end()
  }
}

/** JSON as every command prints it: an LSST id is a string, since no number of JavaScript holds it. */
export const json = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part), 2)

/** `160 published, 10 failed`, in the order in which a unit comes through its states. */
export function countsOf(units: readonly { readonly state: UnitState }[]): string {
  const counts = new Map<UnitState, number>()
  for (const { state } of units) counts.set(state, (counts.get(state) ?? 0) + 1)
  return unitStates
    .filter(state => counts.has(state))
    .map(state => `${counts.get(state)} ${state}`)
    .join(', ')
}

/**
 * When a night begins and ends: from noon to noon, TAI. A unit belongs to the night in which its window closes.
 * @throws ConfigError for what is no day
 */
export function nightOf(text: string): readonly [number, number] {
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(text)?.map(Number) ?? []
  const begin = Date.UTC(year ?? NaN, (month ?? NaN) - 1, day ?? NaN, 12) - TAI_MINUS_UTC_S * 1000
  if (Number.isNaN(begin) || dayObsOf(begin) !== Number(text))
    throw new ConfigError(`"${text}" is no night; a night is the day of its evening, for example 20261122`)
  return [begin, begin + 86_400_000]
}
