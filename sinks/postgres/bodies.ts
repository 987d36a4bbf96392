import { createHash } from 'node:crypto'
import type { MpcOrbits, SsSource } from '../../schemas/avro/generated.ts'
import { columnsOf, insertRows } from './columns.ts'
import { toJson } from './json.ts'
import { type Client, type Querier, toTimestamp } from './pool.ts'

/** What an alert says of a source that is a known body of the solar system. */
export interface Body {
  readonly ssSource: SsSource
  readonly mpc_orbits: MpcOrbits
}

/** Writes which sources are known bodies, and every orbit that is not there yet. */
export async function writeBodies(
  client: Client,
  bodies: readonly { readonly ssSource: SsSource; readonly orbit: MpcOrbits }[],
): Promise<void> {
  if (bodies.length === 0) return
  const rows = bodies.map(({ ssSource, orbit }) => {
    const row = toJson(withTimestamps(orbit))
    return { ssSource, orbit: row, fingerprint: createHash('sha256').update(row).digest('hex') }
  })
  // By fingerprint: two commits with the same new orbits then wait for each other, and not in a circle.
  const orbits = [...new Map(rows.map(({ fingerprint, orbit }) => [fingerprint, orbit]))].sort(([a], [b]) =>
    a < b ? -1 : 1,
  )
  await client.query(
    `insert into "mpc_orbits"
     select row.* from unnest($1::text[]) with ordinality as given (text, n),
       json_populate_record(null::"mpc_orbits", given.text::json) as row order by n
     on conflict do nothing`,
    [orbits.map(([fingerprint, orbit]) => `${orbit.slice(0, -1)},"fingerprint":"${fingerprint}"}`)],
  )
  await insertRows(
    client,
    'SSSource',
    rows.map(({ ssSource, fingerprint }) => ({ ...ssSource, orbitFingerprint: fingerprint })),
  )
}

/** Timestamps as the database reads them. */
const withTimestamps = (orbit: MpcOrbits) => {
  const text = (micros: bigint | null) => (micros === null ? null : toTimestamp(micros))
  const { created_at, updated_at, fitting_datetime } = orbit
  return {
    ...orbit,
    ...{ created_at: text(created_at), updated_at: text(updated_at), fitting_datetime: text(fitting_datetime) },
  }
}

/** Which known bodies these sources are, each with its orbit as it was then. */
export async function readBodies(db: Querier, sources: readonly bigint[]): Promise<ReadonlyMap<bigint, Body>> {
  if (sources.length === 0) return new Map()
  const { rows } = await db.query<SsSource & { readonly orbitFingerprint: string }>(
    `select ${columnsOf('SSSource')}, "orbitFingerprint" from "SSSource" where "diaSourceId" = any($1)`,
    [sources],
  )
  const { rows: orbits } = await db.query<MpcOrbits & { readonly fingerprint: string }>(
    `select ${columnsOf('mpc_orbits')}, "fingerprint" from "mpc_orbits" where "fingerprint" = any($1)`,
    [rows.map(row => row.orbitFingerprint)],
  )
  const byFingerprint = new Map(orbits.map(({ fingerprint, ...orbit }) => [fingerprint, orbit]))
  return new Map(
    rows.map(({ orbitFingerprint, ...ssSource }) => [
      ssSource.diaSourceId,
      { ssSource, mpc_orbits: byFingerprint.get(orbitFingerprint)! },
    ]),
  )
}
