import type { DiaObject } from '../../schemas/avro/generated.ts'
import { coverCircle, PIXEL_LEVEL } from '../../topology/htm.ts'
import { angle, ARCSEC, type Circle, circleAround, vectorOf } from '../../topology/sphere.ts'
import { columnsOf } from './columns.ts'
import type { Pool, Querier } from './pool.ts'

/** The version valid now of every object inside the circle. */
export async function openObjects(db: Querier, region: Circle): Promise<DiaObject[]> {
  const ranges = coverCircle(region, PIXEL_LEVEL)
  const { rows } = await db.query<DiaObject>(
    `select ${columnsOf('DiaObject', 'o')}
     from unnest($1::bigint[], $2::bigint[]) as range (first, last)
     join "DiaObject" o on o."pixelId" between range.first and range.last and o."validityEndMjdTai" is null`,
    [ranges.map(([first]) => first), ranges.map(([, last]) => last)],
  )
  // The ranges are a superset of the circle.
  return rows.filter(({ ra, dec }) => angle(vectorOf(ra, dec), region.center) <= region.radius)
}

/** What a worker may know of the APDB before its raw arrives. */
export interface History {
  /** Objects known within the circle around a polygon (corners in ICRS degrees): a superset of those inside it. */
  objectsIn(polygon: readonly { readonly ra: number; readonly dec: number }[]): Promise<readonly DiaObject[]>
}

export const openHistory = (pool: Pool): History => ({
  objectsIn: async polygon =>
    polygon.length === 0
      ? []
      : openObjects(
          pool,
          circleAround(
            polygon.map(({ ra, dec }) => vectorOf(ra, dec)),
            ARCSEC,
          ),
        ),
})
