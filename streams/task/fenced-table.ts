import { at, Fenced, type FencedProducer, type LogClient, type LogRecord, type TopicPartition } from '../log-client.ts'
import type { Log } from '../log.ts'
import { backOff, sleep, type Scheduler } from '../scheduler.ts'

/** Who is given a table: its records, and at the end a word; `finish` throws where it is not what only its owners can have written. */
export interface TableReader {
  apply(record: LogRecord): void
  finish?(): void
}

interface FenceDeps {
  readonly client: LogClient
  readonly scheduler: Scheduler
  readonly log: Log
  /** The client's own where it is not said. */
  readonly transactionTimeoutMs?: number | undefined
}

/**
 * Fence, then read: the producer that alone may write on, after every committed record of `table` has been given to the reader.
 * The end is the high watermark captured after the fence: by then every older transaction of the id is complete, so what lies
 * below is final. (The last stable offset would do as an end only by luck: it may not have moved over the last commit yet.)
 * Somebody newer may fence us while we read, and write on: what the cleaner then takes below our end, and what a fetch brings from
 * beyond it, makes a table that never was. So where the reader refuses it and the end has moved, it is we who are over.
 * A coordinator that does not answer is asked again until `signal` aborts. Throws `Fenced`, `DataLoss`, and what `finish` does.
 */
export async function fenceAndRead(
  deps: FenceDeps,
  transactionalId: string,
  table: TopicPartition,
  reader: TableReader,
  signal: AbortSignal,
): Promise<FencedProducer> {
  const { client } = deps
  const producer = await fence(deps, transactionalId, signal)
  const [ends, starts] = await Promise.all([client.offsets([table], 'latest'), client.offsets([table], 'earliest')])
  const [start, end] = [starts.get(at(table))!, ends.get(at(table))!]
  await readTo(client, { ...table, offset: start }, end, record => reader.apply(record), signal)
  try {
    reader.finish?.()
  } catch (error) {
    const now = await client.offsets([table], 'latest')
    if (now.get(at(table))! > end)
      throw new Fenced(`${transactionalId}: somebody newer writes to ${at(table)}`, { cause: error })
    throw error
  }
  return producer
}

/** The producer that alone may write under the id from now on; asks until the coordinator answers or `signal` aborts. */
export async function fence(
  { client, scheduler, log, transactionTimeoutMs }: FenceDeps,
  id: string,
  signal: AbortSignal,
): Promise<FencedProducer> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await client.fence(id, transactionTimeoutMs === undefined ? {} : { transactionTimeoutMs })
    } catch (error) {
      if (error instanceof Fenced || signal.aborted) throw error
      log.warn({ transactionalId: id, attempt, error: String(error) }, 'could not fence yet')
      await sleep(scheduler, backOff(scheduler, attempt, 100, 5_000), signal)
    }
  }
}

/** Position, not "the last record seen": the tail of such a log is a marker, and the cleaner leaves gaps. */
export async function readTo(
  client: LogClient,
  from: TopicPartition & { readonly offset: bigint },
  end: bigint,
  apply: (record: LogRecord) => void,
  signal: AbortSignal,
): Promise<void> {
  if (from.offset >= end) return
  const tail = client.read(from, 'committed')
  const close = () => tail.close()
  signal.addEventListener('abort', close, { once: true })
  try {
    for await (const { records, next } of tail) {
      records.forEach(apply)
      if (next >= end) return
    }
    throw new Error(`${at(from)}: the reading was closed before its end`)
  } finally {
    signal.removeEventListener('abort', close)
    tail.close()
  }
}
