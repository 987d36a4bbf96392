import { commitTime } from '../../topology/association/associate.ts'
import { ARCSEC, circleAround, vectorOf } from '../../topology/sphere.ts'
import type { Client } from '../postgres/pool.ts'
import { nowMjdTai } from './associate.ts'
import { lockSky } from './sky.ts'

/** Wider than an object may lie from its sources. */
const MARGIN = 60 * ARCSEC

/**
 * Withdraws those of the sources, all of one unit, that are not withdrawn yet: `timeWithdrawnMjdTai` is now. Nothing else of the APDB
 * changes: as with Rubin's, they stay in the histories and in the statistics of their objects, where readers see when they were withdrawn.
 *
 * Under the locks that commits on this sky take, and later than any of them: so each alert that tells of these sources was committed
 * before, and says nothing of it however late it is packed, or after, and does.
 */
export async function withdrawSources(client: Client, sources: readonly bigint[]): Promise<void> {
  const { rows: valid } = await client.query<{ ra: number; dec: number; object: bigint | null }>(
    `select ra, dec, "diaObjectId" as object from "DiaSource"
     where "diaSourceId" = any($1) and "timeWithdrawnMjdTai" is null`,
    [sources],
  )
  if (valid.length === 0) return
  const places = valid.map(({ ra, dec }) => vectorOf(ra, dec))
  await lockSky(client, circleAround(places, MARGIN))
  const { rows: objects } = await client.query<{ validityStartMjdTai: number }>(
    `select "validityStartMjdTai" from "DiaObject" where "diaObjectId" = any($1) and "validityEndMjdTai" is null`,
    [valid.map(({ object }) => object)],
  )
  await client.query(
    `update "DiaSource" set "timeWithdrawnMjdTai" = $2 where "diaSourceId" = any($1) and "timeWithdrawnMjdTai" is null`,
    [sources, commitTime(await nowMjdTai(client), objects)],
  )
}
