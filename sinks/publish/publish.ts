import { createHash } from 'node:crypto'
import type { AlertsLedger } from '../../schemas/avro/generated.ts'
import { visitKey } from '../../topology/identifiers.ts'
import { to } from '../../topology/model/step.ts'
import type { Instant } from '../../topology/model/time.ts'
import { alerts as alertStream, alertsLedger, detectorResult } from '../../topology/streams.ts'
import { LONGEST_TRANSACTION_MS } from '../postgres/pool.ts'
import { ledgerKey, markedAmong, markSent, type OutboxRow, readPending, toResult } from './outbox.ts'
import { packAlerts } from './pack.ts'
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
 * the ledger entry, never of the mark, so a crash between the two sends nothing twice: the successor, restored, only marks.
 *
 * A row that cannot be packed is tried again after a while; others go on, and the watermark stays behind it.
 * Runs until the task's signal aborts; rejects with what `commit` throws.
 */
export async function publishShard(publisher: Publisher, task: PublishTask): Promise<void> {
  const bell = publisher.bell()
  const stuck = new Map<string, Patience>()
  const told = { at: -Infinity, watermark: -Infinity }
  while (!task.signal.aborted) {
    const pending = await quietly(publisher, task, () => readPending(publisher.pool, task.index, BATCH))
    const unsent = pending && (await sendAll(publisher, task, pending.rows, stuck))
    if (task.signal.aborted) return
    if (unsent !== undefined) await tellTime(publisher, task, pending!.now, pending!.rows, unsent, told)
    if (unsent === undefined || unsent.length > 0 || pending!.rows.length < BATCH) await bell.next(POLL_MS, task.signal)
  }
}

/** When a row that could not be packed is tried next. */
interface Patience {
  readonly tries: number
  readonly notBefore: number
}

/** Sends in the order of their ends; gives back what could not be sent. */
async function sendAll(
  publisher: Publisher,
  task: PublishTask,
  rows: readonly OutboxRow[],
  stuck: Map<string, Patience>,
): Promise<OutboxRow[]> {
  const unsent: OutboxRow[] = []
  for (const row of rows) {
    if (task.signal.aborted) return unsent
    const key = ledgerKey(row)
    const facts = { unit: row.unit, attempt: Number(row.attempt), terminal: row.terminal }
    if (!task.rows.has(key)) {
      const records = await packPatiently(publisher, task, row, stuck)
      if (records === undefined) {
        unsent.push(row)
        continue
      }
      publisher.log.info({ ...facts, records: records.length }, 'unit packed')
      await task.commit(records)
    }
    await quietly(publisher, task, () => markSent(publisher.pool, row))
    publisher.log.info(facts, 'unit told')
  }
  return unsent
}

async function packPatiently(
  publisher: Publisher,
  task: PublishTask,
  row: OutboxRow,
  stuck: Map<string, Patience>,
): Promise<NewRecord[] | undefined> {
  const key = ledgerKey(row)
  const before = stuck.get(key)
  if (before !== undefined && Date.now() < before.notBefore) return undefined
  try {
    const records = await recordsOf(publisher, task, row)
    stuck.delete(key)
    return records
  } catch (error) {
    const tries = (before?.tries ?? 0) + 1
    stuck.set(key, { tries, notBefore: Date.now() + Math.min(15_000, 500 * 2 ** tries) })
    publisher.log.warn(
      { unit: row.unit, attempt: row.attempt, tries, err: error },
      'cannot pack the alerts of this unit',
    )
    return undefined
  }
}

/** The whole transaction of one row. Only the header `producer_timestamp` of its alerts depends on when it is packed. */
async function recordsOf(publisher: Publisher, task: PublishTask, row: OutboxRow): Promise<NewRecord[]> {
  const alerts = await packAlerts(publisher.pool, publisher.store, row)
  const bodies = alerts.map(alert => publisher.codec.encode('lsst.v11_1.alert', alert))
  const partition = partitionOfUnit(row.unit, publisher.alertPartitions)
  const headers = { producer_timestamp: Buffer.from(String(Date.now())) }
  const entry: AlertsLedger = {
    alerts: bodies.length,
    digest: bodies.reduce((hash, body) => hash.update(body), createHash('sha256')).digest('hex'),
    committedAtMjdTai: row.committed_at_mjd_tai ?? 0,
  }
  const attempt = Number(row.attempt)
  const result = to(detectorResult, visitKey(row.instrument, row.group_id), toResult(row, bodies.length))
  return [
    ...bodies.map(value => ({ topic: alertStream.topic, partition, key: null, value, headers })),
    // The task's own partition, whatever the key's would be: it is the one that its successor restores.
    { ...task.record(to(alertsLedger, ledgerKey(row), entry), row.terminal_at, attempt), partition: task.index },
    task.record(result, row.terminal_at, attempt),
  ]
}

/** A unit's alerts stay together; which partition is of no meaning. */
function partitionOfUnit(unit: string, partitions: number): number {
  return createHash('md5').update(unit).digest().readUInt32BE(0) % partitions
}

/**
 * Once a second: "everything that ended before t has been told", and tombstones for ledger entries whose mark is durable.
 * `t` is now − ε, or the end of the oldest row not told yet. A full batch may have left rows behind it; they ended later than its last row.
 */
async function tellTime(
  publisher: Publisher,
  task: PublishTask,
  now: Instant,
  rows: readonly OutboxRow[],
  unsent: readonly OutboxRow[],
  told: { at: number; watermark: number },
): Promise<void> {
  if (now - told.at < WATERMARK_EVERY_MS) return
  const behind = rows.length < BATCH ? [] : rows.slice(-1)
  const t = Math.min(now - EPSILON_MS, ...[...unsent, ...behind].map(row => row.terminal_at))
  const marked = await quietly(publisher, task, () => markedAmong(publisher.pool, [...task.rows.keys()]))
  const tombstones = (marked ?? []).map(key => ({
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

/** Trouble with the database is waited out: the row is still there at the next round. */
async function quietly<T>(publisher: Publisher, task: PublishTask, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    publisher.log.warn({ shard: task.index, err: error }, 'the outbox does not answer; trying again')
    return undefined
  }
}
