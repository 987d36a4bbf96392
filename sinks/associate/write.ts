import type { PipelineResult } from '../../schemas/avro/generated.ts'
import { associate, type Associated, type Sky } from '../../topology/association/associate.ts'
import type { Circle } from '../../topology/sphere.ts'
import type { Client } from '../postgres/pool.ts'
import { writeRows } from './rows.ts'
import { readSky } from './sky.ts'

/**
 * What a commit does to the APDB: reads the sky around the image, decides, writes. A live unit and one of a rebuild alike, so that both
 * come to the same rows; the live one holds the sky's lock.
 *
 * @param region of the image; undefined where nothing says where it was and it has no detections
 * @param timeOf the commit's time, MJD TAI, by the sky that was read: later than the validity start of every object of it
 */
export async function writeAssociated(
  client: Client,
  unit: string,
  result: PipelineResult,
  region: Circle | undefined,
  timeOf: (sky: Sky) => number | Promise<number>,
): Promise<{ readonly rows: Associated; readonly committedAtMjdTai: number }> {
  const sky: Sky =
    region === undefined ? { objects: [], history: [] } : await readSky(client, region, result.midpointMjdTai!)
  const committedAtMjdTai = await timeOf(sky)
  const rows = associate(result, sky, committedAtMjdTai)
  await writeRows(client, unit, result, rows, committedAtMjdTai)
  return { rows, committedAtMjdTai }
}
