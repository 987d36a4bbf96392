import type { DecisionKind, DetectorJob, UsedRaw } from '../../schemas/avro/generated.ts'
import { unitKey } from '../../topology/identifiers.ts'
import { type Event, isOf, Rejection } from '../../topology/model/step.ts'
import { detectorJob } from '../../topology/streams.ts'
import { type Effect, nothing } from '../effect.ts'
import { endUnits } from '../postgres/ending.ts'
import { toJson } from '../postgres/json.ts'
import { type Client, type Pool, type Querier, transact } from '../postgres/pool.ts'
import { refusalOf } from '../postgres/refusal.ts'

type Ending = Extract<DecisionKind, 'missed' | 'cancelled' | 'ignored'>

/** The code beside the sentence, for decisions that end a unit before it could run. */
const codes: Readonly<Record<Ending, string>> = {
  missed: 'no-raws-in-time',
  cancelled: 'cancelled',
  ignored: 'not-wanted',
}
const isEnding = (kind: DecisionKind): kind is Ending => Object.hasOwn(codes, kind)

/**
 * detector-job → ledger. A decision is applied when its (attempt, number) is higher than the row's, so order and repetition do not matter;
 * a final one becomes terminal in one transaction with its outbox row. A committed unit, and an attempt that has ended, are never touched.
 *
 * @throws Rejection for a decision that cannot be right or cannot be stored; anything else is trouble outside: call again
 */
export const dispatch =
  (pool: Pool): Effect =>
  async event => {
    const job = checked(event)
    try {
      if (!(await record(pool, event, job))) await notice(pool, event.key, job.attempt)
    } catch (error) {
      throw refusalOf(error) ?? error
    }
    return nothing
  }

/** False: the unit's row already says as much or more. */
async function record(pool: Pool, event: Event, job: DetectorJob): Promise<boolean> {
  const { kind } = job
  if (!isEnding(kind)) return apply(pool, event, job)
  return transact(pool, async (client: Client) => {
    const isNews = await apply(client, event, job)
    if (isNews) await endUnits(client, [event.key], kind)
    return isNews
  })
}

function checked(event: Event): DetectorJob {
  if (!isOf(detectorJob, event)) throw new Error(`dispatch reads ${detectorJob.topic}, not ${event.stream}`)
  const job = event.value
  const key = unitKey(job.announcement.instrument, job.announcement.group, job.detector)
  if (event.key !== key)
    throw new Rejection('foreign-unit', `the record's key is "${event.key}", but it decides about "${key}"`)
  if (job.kind === 'ready' && (job.inputs === null || job.raws.length === 0))
    throw new Rejection(
      'malformed-decision',
      `${key} is said to be ready without saying ${job.inputs === null ? 'whether its inputs are complete' : 'with which raws'}`,
    )
  return job
}

/** One statement, so that a decision costs one round trip. The epoch survives every attempt: it is a fence. */
async function apply(to: Querier, event: Event, job: DetectorJob): Promise<boolean> {
  const exposures = [...new Set(job.raws.map(used => used.raw.exposure))].sort((a, b) => (a < b ? -1 : 1))
  // Said by every decision: effects run side by side, and of *announced* and *ready* the second may be written first, and alone.
  const announcedAt = job.announcedAt ?? (job.kind === 'announced' || job.kind === 'ignored' ? event.at : null)
  const { rowCount } = await to.query(
    `insert into unit as u (key, instrument, group_id, detector, attempt, decision, inputs, completeness, withdrawn,
       reason, detail, announcement, pipelines, raws, deadline, announced_at, last_raw_at, ready_at, visit, exposures, decided_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
       case when $7 = 'ready' then clock_timestamp() end, $18, $19, $20)
     on conflict (key) do update set
       attempt = excluded.attempt, decision = excluded.decision, inputs = excluded.inputs,
       completeness = excluded.completeness, withdrawn = excluded.withdrawn, reason = excluded.reason,
       detail = excluded.detail, announcement = excluded.announcement, pipelines = excluded.pipelines,
       raws = excluded.raws, deadline = excluded.deadline, last_raw_at = excluded.last_raw_at,
       ready_at = excluded.ready_at, visit = excluded.visit, exposures = excluded.exposures, decided_at = excluded.decided_at,
       announced_at = coalesce(excluded.announced_at, case when u.attempt = excluded.attempt then u.announced_at end),
       work = 'idle', tries = 0, worker = null, lease_until = null, not_before = '-infinity',
       leased_at = null, reported_at = null, terminal_at = null, published_at = null,
       pipeline = null, products = '[]', dia_sources = 0, dia_objects = 0, dropped = '[]', unmeasured = 0
     where (excluded.attempt, excluded.decision) > (u.attempt, u.decision)
       and u.work not in ('committed', 'published')
       and (excluded.attempt > u.attempt or u.terminal_at is null)`,
    [
      event.key,
      job.announcement.instrument,
      job.announcement.group,
      job.detector,
      job.attempt,
      job.number,
      job.kind === 'withdrawn' ? 'announced' : job.kind,
      job.inputs,
      job.kind === 'withdrawn',
      isEnding(job.kind) ? codes[job.kind] : null,
      job.reason,
      JSON.stringify(job.announcement),
      JSON.stringify(job.pipelines),
      toJson(job.raws),
      new Date(job.deadline),
      announcedAt === null ? null : new Date(announcedAt),
      job.raws.length === 0 ? null : new Date(Math.max(...job.raws.map(used => used.at))),
      exposures[0] ?? null,
      exposures,
      new Date(event.at),
    ],
  )
  return rowCount === 1
}

/** A replay that meets a committed unit leaves its attempt behind, so that the units it did not redo can be counted. */
async function notice(to: Querier, unit: string, attempt: number): Promise<void> {
  await to.query(
    `update unit set protected_from = $2
     where key = $1 and work in ('committed', 'published') and attempt < $2 and coalesce(protected_from, 0) < $2`,
    [unit, attempt],
  )
}

/** The inverse of what dispatch stored. */
export const rawsFromJson = (raws: readonly UsedRaw[]): UsedRaw[] =>
  raws.map(({ at, raw }) => ({
    at,
    raw: { ...raw, exposure: BigInt(raw.exposure), size: raw.size === null ? null : BigInt(raw.size) },
  }))
