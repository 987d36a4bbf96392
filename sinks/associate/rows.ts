import type { PipelineResult } from '../../schemas/avro/generated.ts'
import type { Associated } from '../../topology/association/associate.ts'
import { htmIndex } from '../../topology/htm.ts'
import { writeBodies } from '../postgres/bodies.ts'
import { insertRows } from '../postgres/columns.ts'
import { copyRows } from '../postgres/copy.ts'
import type { Client } from '../postgres/pool.ts'

const withPixel = <R extends { readonly ra: number; readonly dec: number }>(row: R) => ({
  ...row,
  pixelId: htmIndex(row.ra, row.dec),
})

/** Writes what association decided: closes the versions that are replaced, then inserts. Plain inserts: nothing here may be written twice. */
export async function writeRows(
  client: Client,
  unit: string,
  result: PipelineResult,
  rows: Associated,
  committedAtMjdTai: number,
): Promise<void> {
  await client.query(
    `update "DiaObject" set "validityEndMjdTai" = $1 where "diaObjectId" = any($2) and "validityEndMjdTai" is null`,
    [committedAtMjdTai, rows.objects.map(object => object.diaObjectId)],
  )
  await insertRows(client, 'DiaObject', rows.objects.map(withPixel))
  await insertRows(client, 'DiaSource', rows.sources.map(withPixel))
  await insertRows(client, 'DiaForcedSource', rows.forced)
  await writeBodies(client, rows.solar)
  await writeProvenance(client, unit, result, rows)
}

async function writeProvenance(
  client: Client,
  unit: string,
  { attempt, epoch, cutoutBucket, cutoutKey, cutouts }: PipelineResult,
  { sources }: Associated,
): Promise<void> {
  const stored = new Set(sources.map(source => source.diaSourceId))
  const rows = cutouts
    .filter(({ diaSourceId }) => stored.has(diaSourceId))
    .map(({ diaSourceId, difference, science, template }) => ({
      dia_source_id: diaSourceId,
      unit,
      attempt,
      epoch,
      cutout_bucket: cutoutBucket,
      cutout_key: cutoutKey,
      difference_offset: difference.offset,
      difference_length: difference.length,
      science_offset: science.offset,
      science_length: science.length,
      template_offset: template.offset,
      template_length: template.length,
    }))
  await copyRows(client, 'dia_source_provenance', Object.keys(rows[0] ?? {}), rows)
}
