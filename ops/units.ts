import { unitsSummary } from '../sinks/ledger/summary.ts'
import { openPool } from '../sinks/postgres/pool.ts'
import { type Config, ConfigError } from '../streams/main/config.ts'
import { table } from './table.ts'

/** Prints the ledger, by deadline: one unit a line, with what it waits for or how it ended. */
export async function showUnits(
  config: Config,
  { json, group, instrument }: { readonly json: boolean; readonly group?: string; readonly instrument?: string },
  print: (text: string) => void,
): Promise<void> {
  const pool = openPool(config.postgres.url, { name: `${config.app}-units`, max: 1 })
  try {
    const only = { ...(group && { group }), ...(instrument && { instrument }) }
    const units = await unitsSummary(pool, only).catch((error: Error) => {
      throw new ConfigError(`The ledger cannot be read at postgres.url: ${error.message}`)
    })
    if (json)
      return print(JSON.stringify(units, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 2))
    const rows = units.map(unit => [
      unit.unit,
      unit.inputs + (unit.completeness ? ` (${unit.completeness})` : ''),
      unit.work,
      unit.terminal ?? '…',
      unit.tries > 1 ? `${unit.tries} tries` : '',
      unit.terminal === 'published'
        ? `${unit.diaSources} sources, ${unit.diaObjects} new objects`
        : (unit.detail ?? ''),
    ])
    print(table(['unit', 'inputs', 'work', 'ended', 'tries', 'detail'], rows))
  } finally {
    await pool.end()
  }
}
