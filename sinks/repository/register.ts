import { type Registration } from '../../topology/registration.ts'
import { Rejection } from '../../topology/model/step.ts'
import { toJson } from '../postgres/json.ts'
import type { Querier } from '../postgres/pool.ts'
import { uuidOf } from '../uuid.ts'

/**
 * Registers units: runs, then dimension records, then datasets. What is there already stays as it is, and what comes again equal is no
 * news, so any batch may be repeated, in any order. Rows are inserted in the order of their keys: two who insert the same wait for each
 * other, and never in a circle.
 *
 * @param client inside a transaction, which is to be rolled back when this throws
 * @throws Rejection where the same dataset or fact is registered with other content
 */
export async function register(client: Querier, registrations: readonly Registration[]): Promise<void> {
  await insertRuns(client, registrations)
  await insertDimensions(client, toJson(registrations.flatMap(({ dimensions }) => dimensions)))
  await insertDatasets(client, toJson(registrations.flatMap(rowsOf)))
}

/** Ids of a unit's datasets, in the order of its products. */
export const datasetIds = ({ datasets }: Registration): string[] => datasets.map(({ identity }) => uuidOf(identity))

const rowsOf = ({ unit, group, attempt, run, datasets }: Registration) =>
  datasets.map(({ identity, dataId, product: { datasetType: type, bucket, key, size, sha256 } }) => ({
    ...{ id: uuidOf(identity), type, run: run.name, data_id: dataId, bucket, key, size, sha256 },
    ...{ unit, group_id: group, attempt },
  }))

/** A run that is known, and no younger than the unit says, is not touched: an upsert would lock it for every other batch. */
async function insertRuns(client: Querier, registrations: readonly Registration[]): Promise<void> {
  const runs = registrations.map(({ run }) => ({ ...run, since: new Date(run.since) }))
  await client.query(
    `insert into repository.run as known (name, chain, since)
     select name, chain, min(since) from json_to_recordset($1::json) as told (name text, chain text, since timestamptz)
     where not exists (select from repository.run r where r.name = told.name and r.since <= told.since)
     group by name, chain order by name
     on conflict (name) do update set since = excluded.since where known.since > excluded.since`,
    [toJson(runs)],
  )
}

const DIMENSION = 'told (element text, instrument text, id text, record jsonb)'

async function insertDimensions(client: Querier, rows: string): Promise<void> {
  await client.query(
    `insert into repository.dimension_record (element, instrument, id, record)
     select distinct element, instrument, id, record from json_to_recordset($1::json) as ${DIMENSION}
     order by element, instrument, id on conflict do nothing`,
    [rows],
  )
  // In a statement of its own, which sees what others have committed while the insert waited for them. What code says of cameras and their
  // detectors may be corrected without a contradiction between observations: the first record stays, and no product is turned away.
  const { rows: other } = await client.query<{ element: string; id: string; known: unknown; record: unknown }>(
    `select told.element, told.id, known.record as known, told.record
     from json_to_recordset($1::json) as ${DIMENSION} join repository.dimension_record known using (element, instrument, id)
     where element not in ('instrument', 'detector') and known.record <> told.record limit 1`,
    [rows],
  )
  if (other[0] === undefined) return
  const { element, id, known, record } = other[0]
  throw new Rejection(
    'conflicting-dimension',
    `${element} ${id} is registered as ${JSON.stringify(known)} and now comes as ${JSON.stringify(record)}; the first stays`,
  )
}

const DATASET = `told (id uuid, type text, run text, data_id jsonb, bucket text, key text, size bigint, sha256 text,
  unit text, group_id text, attempt bigint)`

async function insertDatasets(client: Querier, rows: string): Promise<void> {
  const columns = 'id, type, run, data_id, bucket, key, size, sha256, unit, group_id, attempt'
  await client.query(
    `insert into repository.dataset (${columns})
     select distinct ${columns} from json_to_recordset($1::json) as ${DATASET} order by id on conflict do nothing`,
    [rows],
  )
  const { rows: other } = await client.query<Record<'type' | 'unit' | 'run' | 'key' | 'known', string>>(
    `select told.type, told.unit, told.run, told.key, known.key as known
     from json_to_recordset($1::json) as ${DATASET} join repository.dataset known using (id)
     where (known.bucket, known.key, known.size, known.sha256, known.unit, known.attempt) <>
       (told.bucket, told.key, told.size, told.sha256, told.unit, told.attempt) limit 1`,
    [rows],
  )
  if (other[0] === undefined) return
  const { type, unit, run, key, known } = other[0]
  throw new Rejection(
    'conflicting-dataset',
    `${type} of ${unit} is registered in ${run} as ${known} and now comes as ${key}, with other content or from another attempt; ` +
      'the first stays',
  )
}
