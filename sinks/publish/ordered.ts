import { to } from '../../topology/model/step.ts'
import { alertsLedger, alertsRetracted } from '../../topology/streams.ts'
import { markOrdered, type OrderedRow, orderKey, readOrdered, withdrawalsOf } from './orders.ts'
import type { Memory } from './kept.ts'
import { alertRecords, entryOf, packUnit, sentOf } from './packed.ts'
import { isWaiting, packPatiently, quietly } from './patience.ts'
import type { NewRecord, Publisher, PublishTask } from './ports.ts'

/** Parts of orders looked at, to find one that can be carried out now. */
const MOST_LOOKED_AT = 100

/**
 * Carries out one unit's part of an operator's order, and says whether there was one to try: one transaction with the alerts, or the retractions,
 * and an alerts-ledger entry of their own, then the mark; as with the outbox, what is out is asked of the ledger. No detector-result: how
 * the unit ended was told. Rejects with what `commit` throws.
 */
export async function sendOrdered(publisher: Publisher, task: PublishTask, { stuck, kept }: Memory): Promise<boolean> {
  const rows = await quietly(publisher, task, () => readOrdered(publisher.pool, task.index, MOST_LOOKED_AT))
  const row = rows?.find(it => !isWaiting(stuck, orderKey(it)))
  if (row === undefined || task.signal.aborted) return false
  const key = orderKey(row)
  const facts = { unit: row.unit, attempt: Number(row.attempt), order: row.order_id, kind: row.kind }
  const wasOut = task.rows.has(key)
  if (!wasOut || row.kind === 'retract') {
    let refusal: string | undefined
    const records = await packPatiently(publisher, stuck, { key, facts }, async () => {
      const made = await (row.kind === 'resend' ? resent : retracted)(publisher, task, row)
      if (typeof made !== 'string') return made
      refusal = made
      return []
    })
    if (refusal !== undefined) {
      const sentence = refusal
      await quietly(publisher, task, () => markOrdered(publisher.pool, row, sentence))
      publisher.log.warn({ ...facts, refusal }, 'an order is not carried out for this unit')
      return true
    }
    if (records === undefined) return true
    // A retraction that the database has forgotten and that is ordered anew has another time: of those under one key the last word stands.
    if (!task.rows.get(key)?.equals(records.at(-1)!.value!)) {
      publisher.log.info({ ...facts, records: records.length }, 'order packed')
      await task.commit(records)
    }
  }
  await quietly(publisher, task, async () => {
    await markOrdered(publisher.pool, row, null)
    const stored = { alerts: row.sources.length, committedAtMjdTai: row.committed_at_mjd_tai }
    if (wasOut) kept.met(key, await sentOf(publisher, task, key), stored)
    kept.marked(key)
  })
  publisher.log.info(facts, 'order carried out')
  return true
}

/**
 * The bytes that were sent first, with the header `rebroadcast`. The whole unit is packed, and held against the digest of what was sent,
 * also where only some of its alerts are wanted. A sentence: why it cannot be sent.
 */
async function resent(publisher: Publisher, task: PublishTask, row: OrderedRow): Promise<NewRecord[] | string> {
  const packed = await packUnit(publisher, row)
  const whole = packed.map(({ bytes }) => bytes)
  const { digest } = entryOf(whole, row.committed_at_mjd_tai)
  if (row.alerts_digest !== null && row.alerts_digest !== digest)
    return `packed again, its ${whole.length} alerts are not those that were sent: their SHA-256 is ${digest}, and was ${row.alerts_digest}`
  const wanted = new Set(row.sources)
  const bodies = packed.flatMap(({ id, bytes }) => (wanted.has(id) ? [bytes] : []))
  const why = {
    order: row.order_id,
    at: new Date(row.ordered_at).toISOString(),
    by: row.ordered_by,
    reason: row.reason,
  }
  const headers = { rebroadcast: Buffer.from(JSON.stringify(why)) }
  return [...alertRecords(publisher, row.unit, bodies, headers), entryRecord(task, row, bodies)]
}

/** One retraction for each source; all that they say is in the database, so that they too are the same whenever they are made. */
async function retracted({ pool }: Publisher, task: PublishTask, row: OrderedRow): Promise<NewRecord[]> {
  const withdrawn = await withdrawalsOf(pool, row.sources)
  const records = row.sources.map(diaSourceId => {
    const timeWithdrawnMjdTai = withdrawn.get(diaSourceId)
    if (timeWithdrawnMjdTai === undefined)
      throw new Error(`source ${diaSourceId} is not withdrawn, and order ${row.order_id} says so`)
    const retraction = { diaSourceId, timeWithdrawnMjdTai, reason: row.reason, by: row.ordered_by, at: row.ordered_at }
    return task.record(to(alertsRetracted, String(diaSourceId), retraction), row.ordered_at, 0)
  })
  return [
    ...records,
    entryRecord(
      task,
      row,
      records.map(({ value }) => value!),
    ),
  ]
}

/** On the task's own partition: its successor restores that. */
const entryRecord = (task: PublishTask, row: OrderedRow, bodies: readonly Buffer[]): NewRecord => ({
  ...task.record(to(alertsLedger, orderKey(row), entryOf(bodies, row.committed_at_mjd_tai)), row.ordered_at, 0),
  partition: task.index,
})
