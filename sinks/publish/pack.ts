import type { Alert, DiaForcedSource, DiaObject, DiaSource } from '../../schemas/avro/generated.ts'
import { WINDOW_DAYS } from '../../topology/association/associate.ts'
import { readBodies } from '../postgres/bodies.ts'
import { columnsOf } from '../postgres/columns.ts'
import { firstVisitSince, isOfUnit, isSince } from '../postgres/months.ts'
import type { Pool } from '../postgres/pool.ts'
import type { OutboxRow } from './outbox.ts'
import type { StampStore } from './ports.ts'

/** Where the stamps of a source lie. */
interface Stamps {
  readonly cutout_bucket: string
  readonly cutout_key: string
  readonly difference_offset: bigint
  readonly difference_length: number
  readonly science_offset: bigint
  readonly science_length: number
  readonly template_offset: bigint
  readonly template_length: number
}
type StampsRow = Stamps & { readonly dia_source_id: bigint }

/**
 * The alerts of a committed unit, in the order of their ids, as the APDB stood at its commit: packed again at any later time they come out
 * equal, byte for byte. One for each stored source: itself, its object's version of that commit, the object's other sources and forced
 * measurements of the 360 days before the visit that were known then, and its stamps. History is ordered by time, then id. A source that is a known
 * body of the solar system has that body and its orbit, and neither object nor history.
 */
export async function packAlerts(pool: Pool, store: StampStore, row: OutboxRow): Promise<Alert[]> {
  const asOf = row.committed_at_mjd_tai
  if (asOf === null || row.dia_sources === 0) return []
  const { sources, stamps } = await ownSources(pool, row, asOf)
  const ids = sources.map(source => source.diaObjectId).filter(id => id !== null)
  const since = Math.min(...sources.map(source => source.midpointMjdTai)) - WINDOW_DAYS
  const [objects, history, forced, bodies, bytes] = await Promise.all([
    objectsAsOf(pool, ids, asOf),
    historyAsOf<DiaSource>(pool, 'DiaSource', ids, since, asOf),
    historyAsOf<DiaForcedSource>(pool, 'DiaForcedSource', ids, since, asOf),
    readBodies(
      pool,
      sources.filter(source => source.ssObjectId !== null).map(source => source.diaSourceId),
    ),
    fetchStamps(store, stamps),
  ])
  const ofObject = (source: DiaSource) => {
    const diaObject = objects.get(source.diaObjectId!)
    if (diaObject === undefined)
      throw new Error(`object ${source.diaObjectId} of source ${source.diaSourceId} has no version at MJD ${asOf}`)
    const others = history.filter(
      other => other.diaObjectId === source.diaObjectId && other.diaSourceId !== source.diaSourceId,
    )
    return {
      prvDiaSources: diaObject.nDiaSources > 1 ? others : null,
      prvDiaForcedSources: forced.filter(one => one.diaObjectId === source.diaObjectId),
      diaObject,
      ...{ ssSource: null, mpc_orbits: null },
    }
  }
  const ofBody = (source: DiaSource) => {
    const body = bodies.get(source.diaSourceId)
    if (body === undefined)
      throw new Error(
        `the APDB does not say which body source ${source.diaSourceId} is; its ssObjectId is ${source.ssObjectId}`,
      )
    return { prvDiaSources: null, prvDiaForcedSources: null, diaObject: null, ...body }
  }
  return sources.map(source => ({
    diaSourceId: source.diaSourceId,
    observation_reason: row.observation_reason,
    target_name: row.target_name,
    diaSource: source,
    ...(source.ssObjectId === null ? ofObject(source) : ofBody(source)),
    ...bytes(source.diaSourceId),
  }))
}

async function ownSources(pool: Pool, { unit, attempt, visit, detector, dia_sources }: OutboxRow, asOf: number) {
  const own = `join dia_source_provenance p on p.dia_source_id = s."diaSourceId"
    where p.unit = $1 and p.attempt = $2
      and ${isOfUnit('p.dia_source_id', visit!, detector)} and ${isOfUnit('s."diaSourceId"', visit!, detector)}
    order by s."diaSourceId"`
  const [{ rows: sources }, { rows: stamps }] = await Promise.all([
    pool.query<DiaSource>(`select ${columnsOf('DiaSource', 's')} from "DiaSource" s ${own}`, [unit, attempt]),
    pool.query<StampsRow>(`select p.* from "DiaSource" s ${own}`, [unit, attempt]),
  ])
  if (sources.length !== dia_sources)
    throw new Error(
      `${unit}: the APDB has ${sources.length} sources of attempt ${attempt}, its commit said ${dia_sources}`,
    )
  return { sources: sources.map(knownAt(asOf)), stamps }
}

async function objectsAsOf(pool: Pool, ids: readonly bigint[], asOf: number): Promise<ReadonlyMap<bigint, DiaObject>> {
  const { rows } = await pool.query<DiaObject>(
    `select ${columnsOf('DiaObject')} from "DiaObject"
     where "diaObjectId" = any($1) and "validityStartMjdTai" <= $2
       and ("validityEndMjdTai" is null or "validityEndMjdTai" > $2)`,
    [ids, asOf],
  )
  return new Map(rows.map(object => [object.diaObjectId, object]))
}

async function historyAsOf<R extends DiaSource | DiaForcedSource>(
  pool: Pool,
  table: 'DiaSource' | 'DiaForcedSource',
  ids: readonly bigint[],
  since: number,
  asOf: number,
): Promise<R[]> {
  const first = firstVisitSince(since)
  const isInMonths = table === 'DiaSource' ? isSince('"diaSourceId"', first) : `"visit" >= ${first}`
  const { rows } = await pool.query<R>(
    `select ${columnsOf(table)} from "${table}"
     where "diaObjectId" = any($1) and "midpointMjdTai" >= $2 and "timeProcessedMjdTai" <= $3 and ${isInMonths}
     order by "midpointMjdTai", ${table === 'DiaSource' ? '"diaSourceId"' : '"diaForcedSourceId", "diaObjectId"'}`,
    [ids, since, asOf],
  )
  return rows.map(knownAt(asOf))
}

/** A row was valid until it was withdrawn: what was packed before that, and is packed again, says nothing of it. */
const knownAt =
  (asOf: number) =>
  <R extends DiaSource | DiaForcedSource>(row: R): R =>
    row.timeWithdrawnMjdTai !== null && row.timeWithdrawnMjdTai > asOf ? { ...row, timeWithdrawnMjdTai: null } : row

/** Reads the unit's stamps with one request, from the first byte that is needed to the last. */
async function fetchStamps(store: StampStore, rows: readonly StampsRow[]) {
  const [{ cutout_bucket: bucket, cutout_key: key }] = rows as readonly [StampsRow]
  const spans = rows.flatMap(row => [
    { offset: Number(row.difference_offset), length: row.difference_length },
    { offset: Number(row.science_offset), length: row.science_length },
    { offset: Number(row.template_offset), length: row.template_length },
  ])
  const first = Math.min(...spans.map(span => span.offset))
  const end = Math.max(...spans.map(span => span.offset + span.length))
  const bytes = await store.getRange(bucket, key, first, end - first)
  const cut = (offset: bigint, length: number) =>
    bytes.subarray(Number(offset) - first, Number(offset) - first + length)
  const stampsOf = new Map(rows.map(row => [row.dia_source_id, row]))
  return (source: bigint) => {
    const row = stampsOf.get(source)!
    return {
      cutoutDifference: cut(row.difference_offset, row.difference_length),
      cutoutScience: cut(row.science_offset, row.science_length),
      cutoutTemplate: cut(row.template_offset, row.template_length),
    }
  }
}
