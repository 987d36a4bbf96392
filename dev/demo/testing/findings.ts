import { readAlerts } from '../read-back.ts'
import type { WholeSystem } from './whole-system.ts'

/** What a system has found so far, and what it has told the world of it: ids, in one order for every night. */
export interface Findings {
  readonly sources: readonly string[]
  readonly alerts: readonly string[]
  /** Alerts beyond the first with the same id. */
  readonly duplicates: number
}

/** The ids of all DiaSources in the APDB, and those of the alerts as a client that is not ours reads them. */
export async function findingsOf({ pool, services }: Pick<WholeSystem, 'pool' | 'services'>): Promise<Findings> {
  const { rows } = await pool.query<{ id: bigint }>('select "diaSourceId" as id from "DiaSource"')
  const { alerts, duplicates } = await readAlerts(services, { expected: rows.length })
  return {
    sources: rows.map(({ id }) => String(id)).sort(),
    alerts: alerts.map(({ diaSourceId }) => String(diaSourceId)).sort(),
    duplicates,
  }
}
