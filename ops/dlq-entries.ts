import { createHash } from 'node:crypto'
import type { Audit, Parked } from '../schemas/avro/generated.ts'
import type { LogRecord, TopicPartition } from '../streams/log-client.ts'
import { redriveOf } from '../streams/task/redrive.ts'
import { Rejection } from '../topology/model/step.ts'
import type { Instant } from '../topology/model/time.ts'

/**
 * Parked records as operators see them: the topic `parked` says what was refused, the topic `audit` what was done about it. A record has
 * one entry by its coordinates and the stage that refused it, however many reasons there were.
 */
export interface Entry {
  /** "stage:topic/partition@offset". */
  readonly id: string
  readonly stage: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly reasons: readonly { readonly code: string; readonly reason: string }[]
  /** How often it has been parked, as far as the audit confirms it. */
  readonly attempt: number
  /** When it was appended to its topic, and when it was parked, last. */
  readonly appendedAt: Instant
  readonly parkedAt: Instant
  readonly bytes: number
  /** Of key and value: a record that says it is this one put back must have the same. */
  readonly digest: string
  /** Where the parked record lies. */
  readonly lies: TopicPartition & { readonly offset: bigint }
  /** What was done about it, since it was parked last. */
  readonly mark: Mark | undefined
}

export const actions = ['redrive', 'drop'] as const
export type Action = (typeof actions)[number]

/** An operator's deed, on the record that it names. */
export interface Mark {
  readonly action: Action
  readonly at: Instant
  readonly by: string
  readonly reason: string
  readonly attempt: number
  readonly digest: string
}
export type Marks = ReadonlyMap<string, readonly Mark[]>

/** What `detail` of an audit record holds. */
interface Detail {
  readonly records: readonly (Pick<Entry, 'id'> & Pick<Mark, 'attempt' | 'digest'>)[]
}

/** The audit record of a deed: it is the mark, so it is written in the deed's own transaction. */
export const auditOf = (action: Action, entries: readonly Entry[], by: string, reason: string): Audit => {
  const detail: Detail = { records: entries.map(({ id, attempt, digest }) => ({ id, attempt, digest })) }
  return { action: `dlq ${action}`, by, reason, detail: JSON.stringify(detail) }
}

/** Takes down what an audit record tells of parked ones; others tell nothing. */
export function mark(marks: Map<string, Mark[]>, { action, by, reason, detail }: Audit, at: Instant): void {
  const deed = actions.find(each => action === `dlq ${each}`)
  if (!deed) return
  for (const { id, attempt, digest } of (JSON.parse(detail) as Detail).records)
    // Ids of one record are few: it is marked once, and again only after it was parked anew.
    marks.set(id, [...(marks.get(id) ?? []), { action: deed, at, by, reason, attempt, digest }])
}

export const idOf = (stage: string, { topic, partition, offset }: TopicPartition & { offset: bigint }): string =>
  `${stage}:${topic}/${partition}@${offset}`

/**
 * The entry of a parked record, `before` being the one that its coordinates have already: one more reason, or the same record refused
 * anew by a replay.
 *
 * Worked example of a mark: parked 12:00, redriven 12:30, so it is not open any more. A replay reads its topic again and parks it at
 * 14:00: open again.
 */
export function entryOf(record: LogRecord, parked: Parked, marks: Marks, before?: Entry): Entry {
  const { stage, topic, partition, offset, code, reason, recordKey, recordValue } = parked
  const id = idOf(stage, { topic, partition, offset })
  const digest = digestOf(recordKey, recordValue)
  const told = before?.reasons ?? []
  const isTold = told.some(each => each.code === code && each.reason === reason)
  return {
    ...{ id, stage, topic, partition, offset, digest },
    reasons: isTold ? told : [...told, { code, reason }],
    attempt: attemptOf(parked, digest, marks),
    appendedAt: Number(String(record.headers['at'])),
    parkedAt: record.timestamp,
    bytes: recordValue?.length ?? 0,
    lies: { topic: record.topic, partition: record.partition, offset: record.offset },
    mark: marks.get(id)?.findLast(({ at }) => at >= record.timestamp),
  }
}

/**
 * A record of an entrance may say in a header what it likes, and its stage believes none of it. What it says is true where the audit
 * knows of the redrive and of the very bytes.
 */
function attemptOf(parked: Parked, digest: string, marks: Marks): number {
  try {
    const claim = redriveOf(parked)
    const redriven = (claim && marks.get(`${claim.stage}:${claim.of}`)) ?? []
    const known = redriven.findLast(it => it.action === 'redrive' && it.digest === digest)
    if (claim?.stage === parked.stage && known) return known.attempt + 1
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
  }
  return parked.attempt
}

function digestOf(key: Buffer | null, value: Buffer | null): string {
  const hash = createHash('sha256')
  for (const part of [key, value]) hash.update(part === null ? '-' : `${part.length}:`).update(part ?? '')
  return hash.digest('base64').slice(0, 22)
}

/** What is asked for; nothing said of one is no condition. */
export interface Wanted {
  readonly ids: readonly string[]
  readonly stage?: string
  readonly topic?: string
  readonly code?: string
  readonly since?: Instant
}

export const isWanted = (entry: Entry, { ids, stage, topic, code, since }: Wanted): boolean =>
  (ids.length === 0 || ids.includes(entry.id)) &&
  (stage === undefined || entry.stage === stage) &&
  (topic === undefined || entry.topic === topic) &&
  (code === undefined || entry.reasons.some(each => each.code === code)) &&
  (since === undefined || entry.parkedAt >= since)
