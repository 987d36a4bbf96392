import type { Alert } from '../../schemas/avro/generated.ts'
import type { Pool } from '../../sinks/postgres/pool.ts'

type Row = Readonly<Record<string, unknown>>

export interface Comparison {
  /** Alerts whose diaSource the APDB does not have. */
  readonly missingInApdb: number
  /** Rows of the APDB that never became an alert. */
  readonly missingAlerts: number
  /** One sentence per field that differs: alert, record, field, both values. */
  readonly differences: readonly string[]
  readonly fieldsCompared: number
}

/**
 * Holds every alert against the database, field by field: its diaSource, the version of its object, its history, the body that it is. Floats
 * are compared as the very float32 that both sides keep.
 */
export async function compareWithApdb(pool: Pool, alerts: readonly Alert[]): Promise<Comparison> {
  const sources = await rowsBy(pool, 'DiaSource', row => String(row['diaSourceId']))
  const objects = await rowsBy(
    pool,
    'DiaObject',
    row => `${String(row['diaObjectId'])}@${String(row['validityStartMjdTai'])}`,
  )
  const forced = await rowsBy(pool, 'DiaForcedSource', row => forcedKey(row))
  const bodies = await rowsBy(pool, 'SSSource', row => String(row['diaSourceId']))
  const orbits = await rowsBy(pool, 'mpc_orbits', row => String(row['fingerprint']))
  const differences: string[] = []
  let fieldsCompared = 0
  const hold = (what: string, record: object, row: Row | undefined) => {
    if (!row) return void differences.push(`${what}: the APDB has no such row`)
    for (const [field, value] of Object.entries(record)) {
      fieldsCompared++
      if (!Object.is(value, row[field]))
        differences.push(`${what}.${field}: alert ${String(value)}, APDB ${String(row[field])}`)
    }
  }
  let missingInApdb = 0
  for (const alert of alerts) {
    const id = String(alert.diaSourceId)
    if (!sources.has(id)) missingInApdb++
    hold(`${id} diaSource`, alert.diaSource, sources.get(id))
    const { diaObject } = alert
    if (diaObject) {
      const version = `${diaObject.diaObjectId}@${diaObject.validityStartMjdTai}`
      hold(`${id} diaObject ${version}`, diaObject, objects.get(version))
    }
    if (alert.ssSource) {
      const body = bodies.get(id)
      hold(`${id} ssSource`, alert.ssSource, body)
      hold(`${id} mpc_orbits`, alert.mpc_orbits ?? {}, orbits.get(String(body?.['orbitFingerprint'])))
    }
    for (const earlier of alert.prvDiaSources ?? []) {
      hold(`${id} prvDiaSources ${earlier.diaSourceId}`, earlier, sources.get(String(earlier.diaSourceId)))
    }
    for (const point of alert.prvDiaForcedSources ?? []) {
      hold(`${id} prvDiaForcedSources ${forcedKey(point)}`, point, forced.get(forcedKey(point)))
    }
  }
  const sent = new Set(alerts.map(alert => String(alert.diaSourceId)))
  const missingAlerts = [...sources.keys()].filter(id => !sent.has(id)).length
  return { missingInApdb, missingAlerts, differences, fieldsCompared }
}

const forcedKey = (row: { readonly diaObjectId?: unknown; readonly visit?: unknown; readonly detector?: unknown }) =>
  `${String(row.diaObjectId)}/${String(row.visit)}/${String(row.detector)}`

async function rowsBy(pool: Pool, table: string, key: (row: Row) => string): Promise<Map<string, Row>> {
  const { rows } = await pool.query<Row>(`select * from "${table}"`)
  return new Map(rows.map(row => [key(row), row]))
}
