import type { AlertsLedger } from '../../schemas/avro/generated.ts'
import { visitKey } from '../../topology/identifiers.ts'
import { to } from '../../topology/model/step.ts'
import type { Instant } from '../../topology/model/time.ts'
import { alertsLedger, detectorResult } from '../../topology/streams.ts'
import { LONGEST_TRANSACTION_MS } from '../postgres/pool.ts'
import { Kept, type Memory } from './kept.ts'
import { ledgerKey, markSent, type OutboxRow, readPending, toResult } from './outbox.ts'
import { sendOrdered } from './ordered.ts'
import { alertRecords, entryOf, packUnit, sentOf } from './packed.ts'
import { packPatiently, quietly } from './patience.ts'
import type { NewRecord, Publisher, PublishTask } from './ports.ts'

/** Rows taken from the outbox at once. */
const BATCH = 500
/** Hints may be lost. */
const POLL_MS = 500
const WATERMARK_EVERY_MS = 1_000

/**
 * ε of publish's watermark: a row that ended before now − ε is visible to everybody, because no transaction lives as long. The rest is for
 * a COMMIT that waits for the disk.
 */
export const EPSILON_MS = LONGEST_TRANSACTION_MS + 5_000

/**
 * The service loop of one shard of the outbox. For each pending row: everything is packed first; then one transaction with the unit's
 * alerts (one partition, null key), its alerts-ledger entry and its one detector-result; then the mark. Whether alerts are out is asked of
 * the ledger entry, never of the mark, so a crash between the two sends nothing twice: the successor, restored, only marks. Entries outlive
 * their marks, so that neither does a database that forgets its last commits (`Kept`).
 *
 * A row that cannot be packed is tried again after a while; others go on, and the watermark stays behind it. What operators have ordered
 * comes after them, unit by unit, so that the night waits for one at most.
 * Runs until the task's signal aborts; rejects with what `commit` throws.
 */
export async function publishShard(publisher: Publisher, task: PublishTask): Promise<void> {
  const bell = publisher.bell()
  const memory: Memory = { stuck: new Map(), kept: new Kept(publisher, task) }
  const told = { at: -Infinity, watermark: -Infinity }
  while (!task.signal.aborted) {
    const pending = await quietly(publisher, task, () => readPending(publisher.pool, task.index, BATCH))
    const unsent = pending && (await sendAll(publisher, task, pending.rows, memory))
    if (task.signal.aborted) return
    if (unsent !== undefined) await tellTime(task, memory.kept, pending!.now, pending!.rows, unsent, told)
    const isBusy = unsent?.length === 0 && pending!.rows.length === BATCH
    if (isBusy || (unsent !== undefined && (await sendOrdered(publisher, task, memory)))) continue
    await bell.next(POLL_MS, task.signal)
  }
}

/** Sends in the order of their ends; gives back what could not be sent. */
async function sendAll(
  publisher: Publisher,
  task: PublishTask,
  rows: readonly OutboxRow[],
  { stuck, kept }: Memory,
): Promise<OutboxRow[]> {
  const unsent: OutboxRow[] = []
  for (const row of rows) {
    if (task.signal.aborted) return unsent
    const key = ledgerKey(row)
    const facts = { unit: row.unit, attempt: Number(row.attempt), terminal: row.terminal }
    const before = task.rows.has(key) ? await quietly(publisher, task, () => sentOf(publisher, task, key)) : 'nothing'
    if (before === undefined) {
      unsent.push(row)
      continue
    }
    if (before === 'nothing' || isEndWithoutCommit(before, row)) {
      const records = await packPatiently(publisher, stuck, { key, facts }, () => recordsOf(publisher, task, row))
      if (records === undefined) {
        unsent.push(row)
        continue
      }
      publisher.log.info({ ...facts, records: records.length }, 'unit packed')
      await task.commit(records)
    }
    await quietly(publisher, task, async () => {
      await markSent(publisher.pool, row, await sentOf(publisher, task, key))
      const stored = { alerts: row.dia_sources, committedAtMjdTai: row.committed_at_mjd_tai }
      if (before !== 'nothing') kept.met(key, before, stored)
      kept.marked(key)
    })
    publisher.log.info(facts, 'unit told')
  }
  return unsent
}

/**
 * The database has forgotten an end without a commit, of which this was told, and the unit is committed now. None of its alerts is out, and
 * none would ever be: so it is told again, as what it is.
 */
const isEndWithoutCommit = (told: AlertsLedger, row: OutboxRow): boolean =>
  told.committedAtMjdTai === 0 && row.committed_at_mjd_tai !== null

/** The whole transaction of one row. */
async function recordsOf(publisher: Publisher, task: PublishTask, row: OutboxRow): Promise<NewRecord[]> {
  const bodies = (await packUnit(publisher, row)).map(({ bytes }) => bytes)
  const attempt = Number(row.attempt)
  const entry = to(alertsLedger, ledgerKey(row), entryOf(bodies, row.committed_at_mjd_tai))
  const result = to(detectorResult, visitKey(row.instrument, row.group_id), toResult(row, bodies.length))
  return [
    ...alertRecords(publisher, row.unit, bodies),
    // The task's own partition, whatever the key's would be: it is the one that its successor restores.
    { ...task.record(entry, row.terminal_at, attempt), partition: task.index },
    task.record(result, row.terminal_at, attempt),
  ]
}

/**
 * Once a second: "everything that ended before t has been told", and tombstones for ledger entries that have done their service.
 * `t` is now − ε, or the end of the oldest row not told yet. A full batch may have left rows behind it; they ended later than its last row.
 */
async function tellTime(
  task: PublishTask,
  kept: Kept,
  now: Instant,
  rows: readonly OutboxRow[],
  unsent: readonly OutboxRow[],
  told: { at: number; watermark: number },
): Promise<void> {
  if (now - told.at < WATERMARK_EVERY_MS) return
  const behind = rows.length < BATCH ? [] : rows.slice(-1)
  const t = Math.min(now - EPSILON_MS, ...[...unsent, ...behind].map(row => row.terminal_at))
  const tombstones = (await kept.over(now)).map(key => ({
    topic: alertsLedger.topic,
    partition: task.index,
    key: Buffer.from(key),
    value: null,
  }))
  const watermarks = t > told.watermark ? task.watermarks(t) : []
  if (tombstones.length + watermarks.length > 0) await task.commit([...tombstones, ...watermarks])
  told.at = now
  told.watermark = Math.max(told.watermark, t)
}
