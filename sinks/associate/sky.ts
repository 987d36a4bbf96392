import type { DiaObject } from '../../schemas/avro/generated.ts'
import { type Sky, WINDOW_DAYS } from '../../topology/association/associate.ts'
import type { Measured } from '../../topology/association/statistics.ts'
import { pixelsOfCircle } from '../../topology/htm.ts'
import type { Circle } from '../../topology/sphere.ts'
import type { Querier } from '../postgres/pool.ts'
import { openObjects } from '../postgres/history.ts'
import { firstVisitSince, isSince } from '../postgres/months.ts'

/** About 0.4°: a detector touches a handful, and neighbours of one visit wait for each other only where they share sky. */
const LOCK_LEVEL = 8

/** First key of the advisory locks, so that they meet no others: "sky". */
const LOCK_CLASS = 0x736b79

/** What association and statistics look at. */
const measured: readonly (keyof Measured)[] = [
  'diaSourceId',
  'diaObjectId',
  'midpointMjdTai',
  'ra',
  'dec',
  'band',
  'psfFlux',
  'psfFluxErr',
  'scienceFlux',
  'scienceFluxErr',
  'reliability',
  'trailLength',
  'glint_trail',
  'isDipole',
]

/**
 * Waits until nobody else writes objects in this part of the sky; released by the end of the transaction. Everybody locks in ascending
 * order, so nobody waits for one who waits for him.
 *
 * Must be a statement of its own, before the reads: at READ COMMITTED each statement sees what was committed when it began, so objects read
 * in the same statement would be those from before the wait.
 */
export async function lockSky(client: Querier, region: Circle): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1, pixel) from unnest($2::integer[]) as pixel', [
    LOCK_CLASS,
    pixelsOfCircle(region, LOCK_LEVEL),
  ])
}

/** Open objects of the region and their sources in the window before the visit. */
export async function readSky(client: Querier, region: Circle, midpointMjdTai: number): Promise<Sky> {
  const objects: DiaObject[] = await openObjects(client, region)
  if (objects.length === 0) return { objects, history: [] }
  const since = midpointMjdTai - WINDOW_DAYS
  const { rows: history } = await client.query<Measured>(
    `select ${measured.map(name => `"${name}"`).join(', ')} from "DiaSource"
     where "diaObjectId" = any($1) and "midpointMjdTai" >= $2 and ${isSince('"diaSourceId"', firstVisitSince(since))}`,
    [objects.map(object => object.diaObjectId), since],
  )
  return { objects, history }
}
