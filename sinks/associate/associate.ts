import type { PipelineResult } from '../../schemas/avro/generated.ts'
import { type Associated, commitTime } from '../../topology/association/associate.ts'
import { checkResult, regionOf } from '../../topology/association/check.ts'
import { unitKey } from '../../topology/identifiers.ts'
import { isOf, Rejection } from '../../topology/model/step.ts'
import { type Instant, mjdTaiOfInstant } from '../../topology/model/time.ts'
import { pipelineResult } from '../../topology/streams.ts'
import { type Effect, nothing } from '../effect.ts'
import { endUnits } from '../postgres/ending.ts'
import { toJson } from '../postgres/json.ts'
import { type Client, InDoubt, type Pool, transact } from '../postgres/pool.ts'
import { refusalOf } from '../postgres/refusal.ts'
import { lockSky } from './sky.ts'
import { writeAssociated } from './write.ts'

/** What became of a report. Only the first two change anything. */
export type Landing = 'committed' | 'failed' | 'ended-already' | 'superseded-attempt' | 'superseded-epoch'

/** Hears of every report that was dealt with, for logs and metrics. */
export type OnLanding = (unit: string, landing: Landing, rows: Associated | undefined) => void

/**
 * pipeline-result → APDB, ledger and outbox: one transaction per unit, and the only writer of the APDB. The same report may come any number
 * of times, and reports of several leases may come in any order: the first success of the current attempt commits, a failure counts only
 * for the current lease, everything after the end of the attempt changes nothing.
 *
 * @throws Rejection, after having failed the unit, for a report that cannot be right; anything else is trouble outside: call again
 */
export const associate =
  (pool: Pool, onLanding: OnLanding = () => undefined): Effect =>
  async event => {
    if (!isOf(pipelineResult, event)) throw new Error(`associate reads ${pipelineResult.topic}, not ${event.stream}`)
    const result = event.value
    try {
      checkResult(event.key, result)
      const { landing, rows } = await inOneTransaction(pool, client =>
        result.outcome === 'failed' ? landFailure(client, result) : landSuccess(client, event.key, result),
      )
      onLanding(event.key, landing, rows)
    } catch (error) {
      const rejection = refusalOf(error)
      if (rejection === undefined) throw error
      // Only our own words: its own may be the very thing that cannot be stored.
      const refused = { ...result, reason: rejection.code, detail: rejection.message, pipeline: null, products: [] }
      const { landing } = await inOneTransaction(pool, client => landFailure(client, refused))
      onLanding(unitKey(result.instrument, result.group, result.detector), landing, undefined)
      throw rejection
    }
    return nothing
  }

interface Landed {
  readonly landing: Landing
  readonly rows?: Associated
}

/**
 * In doubt about a commit, the same transaction runs again: its first act waits for the unit's row, which the lost connection may still
 * hold, and then reads whether it was committed.
 */
async function inOneTransaction(pool: Pool, work: (client: Client) => Promise<Landed>): Promise<Landed> {
  try {
    return await transact(pool, work)
  } catch (error) {
    if (!(error instanceof InDoubt)) throw error
    return transact(pool, work)
  }
}

interface UnitRow {
  readonly attempt: bigint
  readonly epoch: number
  readonly inputs: string
  readonly work: string
  readonly worker: string | null
  readonly terminal_at: Instant | null
  readonly exposures: readonly bigint[]
}

/** The guard: whoever has the unit's row decides alone what becomes of the unit. */
async function lockUnit(client: Client, unit: string): Promise<UnitRow | undefined> {
  const { rows } = await client.query<UnitRow>(
    'select attempt, epoch, inputs, work, worker, terminal_at, exposures from unit where key = $1 for update',
    [unit],
  )
  return rows[0]
}

async function landSuccess(client: Client, unit: string, result: PipelineResult): Promise<Landed> {
  const row = await lockUnit(client, unit)
  if (row === undefined) throw new Rejection('unknown-unit', `${unit} was never announced here`)
  if (Number(row.attempt) !== result.attempt) return { landing: 'superseded-attempt' }
  if (row.terminal_at !== null) return { landing: 'ended-already' }
  if (!row.exposures.includes(result.visit!))
    throw new Rejection(
      'foreign-visit',
      `${unit} reports visit ${result.visit}, which is none of its exposures: ${row.exposures.join(', ') || 'none'}`,
    )
  const region = regionOf(result)
  if (region !== undefined) await lockSky(client, region)
  const { rows, committedAtMjdTai } = await writeAssociated(client, unit, result, region, async sky =>
    commitTime(await nowMjdTai(client), sky.objects),
  )
  await markCommitted(client, unit, result, rows, committedAtMjdTai)
  await endUnits(client, [unit], 'published')
  return { landing: 'committed', rows }
}

/** One clock for all writers: the database's. Taken under the locks, so that commits on the same sky are in the order of their times. */
export async function nowMjdTai(client: Client): Promise<number> {
  const { rows } = await client.query<{ now: Instant }>('select clock_timestamp() as now')
  return mjdTaiOfInstant(rows[0]!.now)
}

async function markCommitted(
  client: Client,
  unit: string,
  result: PipelineResult,
  { sources, created, dropped, unmeasured }: Associated,
  committedAtMjdTai: number,
): Promise<void> {
  await client.query(
    `update unit set work = 'committed', reason = null, detail = $13, worker = $2, visit = $3, exposures = $4,
       pipeline = $5, products = $6, dia_sources = $7, dia_objects = $8, dropped = $9, unmeasured = $10,
       committed_at_mjd_tai = $11, committed_epoch = $14, leased_at = coalesce($12, leased_at),
       observation_reason = $15, target_name = $16,
       reported_at = coalesce(reported_at, clock_timestamp())
     where key = $1`,
    [
      unit,
      result.worker,
      result.visit,
      result.exposures,
      result.pipeline,
      toJson(result.products),
      sources.length,
      created,
      toJson(dropped),
      unmeasured,
      committedAtMjdTai,
      result.leasedAt === null ? null : new Date(result.leasedAt),
      result.detail,
      result.epoch,
      result.observationReason || null,
      result.targetName || null,
    ],
  )
}

/** Only the holder of the current lease can fail a unit: an older one may have died of something that the next try does not meet. */
async function landFailure(client: Client, result: PipelineResult): Promise<Landed> {
  const unit = unitKey(result.instrument, result.group, result.detector)
  const row = await lockUnit(client, unit)
  if (row === undefined) return { landing: 'superseded-attempt' }
  if (Number(row.attempt) !== result.attempt) return { landing: 'superseded-attempt' }
  if (row.terminal_at !== null) return { landing: 'ended-already' }
  const holds = row.epoch === result.epoch && row.worker === result.worker
  if (!holds || (row.work !== 'leased' && row.work !== 'reported')) return { landing: 'superseded-epoch' }
  await client.query(
    `update unit set work = 'failed', reason = $2, detail = $3, pipeline = $4, products = $5,
       reported_at = coalesce(reported_at, clock_timestamp())
     where key = $1`,
    [unit, result.reason ?? 'unspecified', result.detail, result.pipeline, toJson(result.products)],
  )
  await endUnits(client, [unit], 'failed')
  return { landing: 'failed' }
}
