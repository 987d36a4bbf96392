import { type Codec, schemaIdOf, UndecodableError } from '../schemas/codec.ts'
import type { Contracts, Parked } from '../schemas/avro/generated.ts'
import { type Config, ConfigError } from '../streams/main/config.ts'
import { at, type LogRecord, type NewRecord } from '../streams/log-client.ts'
import { eachCommitted, partitionsOfTopic } from '../streams/read-topic.ts'
import { redriveHeaders } from '../streams/task/redrive.ts'
import { audit, parked } from '../topology/streams.ts'
import {
  type Action,
  auditOf,
  type Entry,
  entryOf,
  idOf,
  isWanted,
  mark,
  type Mark,
  type Wanted,
} from './dlq-entries.ts'
import { asOperator, commitOrder, type Operator } from './operator.ts'

/** Entries that one command looks at: each takes about half a kilobyte of memory. */
const MAX_ENTRIES = 100_000
/** One transaction of a redrive: well inside its time-out, and one audit record. */
const MAX_TRANSACTION_RECORDS = 200
const MAX_TRANSACTION_BYTES = 8 << 20

/** The operators' end of `parked`. */
export interface Dlq {
  readonly operator: Operator
  /** Oldest first. @throws ConfigError where they are too many */
  readonly entries: (wanted: Wanted) => Promise<Entry[]>
  /** The parked records behind entries, with their bytes, by id. */
  readonly bytesOf: (entries: readonly Entry[]) => Promise<ReadonlyMap<string, Parked>>
  /**
   * Shuts out whoever else is at it, chooses from what is parked and marked *then*, and does it: records, marks and audit are one
   * transaction, so that what was redriven once is never redriven again. Tells how many it did.
   */
  readonly act: (
    order: { readonly action: Action; readonly by: string; readonly reason: string },
    choose: (entries: (wanted: Wanted) => Promise<Entry[]>) => Promise<readonly Entry[]>,
  ) => Promise<number>
}

/** Opens it for as long as `work` takes. @throws ConfigError where brokers or registry do not answer */
export const withDlq = <T>(config: Config, work: (dlq: Dlq) => Promise<T>): Promise<T> =>
  asOperator(config, 'dlq', [parked, audit], operator => work(dlqOf(operator, `${config.app}.operator.dlq`)))

export const dlqOf = (operator: Operator, id: string): Dlq => ({
  operator,
  entries: wanted => readEntries(operator, wanted),
  bytesOf: entries => bytesOf(operator, entries),
  act: async (order, choose) => {
    // The fence comes first: a mark written before it is seen, and one written by somebody else after it cannot be.
    const producer = await operator.client.fence(id)
    const chosen = await choose(wanted => readEntries(operator, wanted))
    let done = 0
    for (const entries of inTransactions(chosen)) {
      const records = order.action === 'redrive' ? await putBack(operator, entries) : []
      const note = auditOf(order.action, entries, order.by, order.reason)
      await commitOrder(operator, producer, records, note, 'pp dlq ls --all').catch((error: Error) => {
        throw new ConfigError(`${error.message}. Before that, ${done} of ${chosen.length} were done`)
      })
      done += entries.length
    }
    return done
  },
})

async function readEntries(operator: Operator, wanted: Wanted): Promise<Entry[]> {
  const { client, codec } = operator
  const marks = new Map<string, Mark[]>()
  await eachCommitted(client, await partitionsOfTopic(client, audit.topic), async records => {
    for (const record of records) {
      const note = await decoded(codec, 'audit', record)
      if (note) mark(marks, note, record.timestamp)
    }
  })
  const entries = new Map<string, Entry>()
  const { code: _, ...sooner } = wanted
  const visit = async (records: readonly LogRecord[]) => {
    for (const record of records) {
      const value = await decoded(codec, 'parked', record)
      if (!value) continue
      const entry = entryOf(record, value, marks, entries.get(idOf(value.stage, value)))
      if (isWanted(entry, sooner)) entries.set(entry.id, entry)
      if (entries.size > MAX_ENTRIES)
        throw new ConfigError(
          `More than ${MAX_ENTRIES} parked records match; narrow it with --stage, --topic or --since`,
        )
    }
  }
  const of = await partitionsOfTopic(client, parked.topic)
  // Its append time is when a record was parked. The audit is read whole: a redrive before `since` counts as an attempt.
  const from = wanted.since === undefined ? undefined : await client.offsets(of, { since: wanted.since })
  await eachCommitted(client, of, visit, { from })
  return [...entries.values()].filter(entry => isWanted(entry, wanted)).sort(byAge)
}

/** Of one partition in the order of its log. */
const byAge = (a: Entry, b: Entry): number =>
  a.parkedAt - b.parkedAt ||
  (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0) ||
  a.partition - b.partition ||
  Number(a.offset - b.offset)

/** What cannot be read was not written by a stage of ours: it is nothing that could be put back. */
async function decoded<N extends 'audit' | 'parked'>(
  codec: Codec,
  contract: N,
  { value }: LogRecord,
): Promise<Contracts[N] | undefined> {
  if (!value) return undefined
  try {
    if (!codec.knows(value)) await codec.prefetch([schemaIdOf(value)])
    return codec.decode(contract, value)
  } catch (error) {
    if (error instanceof UndecodableError) return undefined
    throw error
  }
}

async function bytesOf({ client, codec }: Operator, entries: readonly Entry[]): Promise<Map<string, Parked>> {
  const from = new Map<string, bigint>()
  for (const { lies } of entries) {
    const known = from.get(at(lies))
    if (known === undefined || lies.offset < known) from.set(at(lies), lies.offset)
  }
  const of = [...new Map(entries.map(({ lies }) => [at(lies), lies])).values()]
  const wanted = new Map(entries.map(({ id, lies }) => [`${lies.partition}@${lies.offset}`, id]))
  const found = new Map<string, Parked>()
  const visit = async (records: readonly LogRecord[]) => {
    for (const record of records) {
      const id = wanted.get(`${record.partition}@${record.offset}`)
      const value = id === undefined ? undefined : await decoded(codec, 'parked', record)
      if (id !== undefined && value) found.set(id, value)
    }
  }
  await eachCommitted(client, of, visit, { from })
  return found
}

/** The records as they were, and where they were; a header says for whom. */
async function putBack(operator: Operator, entries: readonly Entry[]): Promise<NewRecord[]> {
  const bytes = await bytesOf(operator, entries)
  return entries.map(({ id, stage, topic, partition, offset, attempt }) => {
    const it = bytes.get(id)
    if (!it) throw new ConfigError(`${id} is no longer on ${parked.topic}: its retention has taken it`)
    const headers = { ...it.headers, ...redriveHeaders({ stage, of: `${topic}/${partition}@${offset}`, attempt }) }
    return { topic, partition, key: it.recordKey, value: it.recordValue, headers }
  })
}

function* inTransactions(entries: readonly Entry[]): Generator<Entry[]> {
  let batch: Entry[] = []
  let bytes = 0
  for (const entry of entries) {
    if (batch.length === MAX_TRANSACTION_RECORDS || (batch.length > 0 && bytes + entry.bytes > MAX_TRANSACTION_BYTES)) {
      yield batch
      ;[batch, bytes] = [[], 0]
    }
    batch.push(entry)
    bytes += entry.bytes
  }
  if (batch.length > 0) yield batch
}
