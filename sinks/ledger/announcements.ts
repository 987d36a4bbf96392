import type { Announcement } from '../../schemas/avro/generated.ts'
import type { Querier } from '../postgres/pool.ts'

/** What was announced under a group, by instrument: one entry for each of these instruments that has a unit of it. */
export async function announcementsOf(
  db: Querier,
  group: string,
  instruments: readonly string[],
): Promise<readonly Announcement[]> {
  const { rows } = await db.query<{ announcement: Announcement }>(
    `select distinct on (instrument) announcement from unit
     where instrument = any($1) and group_id = $2 order by instrument, detector`,
    [instruments, group],
  )
  return rows.map(({ announcement }) => announcement)
}
