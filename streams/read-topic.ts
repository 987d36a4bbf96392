import { at, type LogClient, type LogRecord, type TopicPartition } from './log-client.ts'

const PATIENCE_MS = 30_000

interface Reading {
  /** How long nothing may come, however long the whole takes: an open transaction keeps a reading below the high watermark. */
  readonly patienceMs?: number
  /** Where to begin, by "topic/partition"; at the beginning where nothing is said. */
  readonly from?: ReadonlyMap<string, bigint> | undefined
}

/**
 * Every committed record of these partitions, from their beginnings or the offsets of `from` up to their high watermarks at the time of
 * the call, one partition after the other. A transaction left open stops such a reader below the watermark: then it rejects when
 * nothing has come for `patienceMs`, naming where each reading stands.
 */
export async function readCommitted(
  client: LogClient,
  of: readonly TopicPartition[],
  reading: Reading = {},
): Promise<LogRecord[]> {
  const found = new Map<string, LogRecord[]>(of.map(tp => [at(tp), []]))
  await eachCommitted(client, of, async records => records.forEach(each => found.get(at(each))!.push(each)), reading)
  return [...found.values()].flat()
}

/** The same for a topic that may be too large to hold: `visit` is given chunk after chunk, and waited for. */
export async function eachCommitted(
  client: LogClient,
  of: readonly TopicPartition[],
  visit: (records: readonly LogRecord[]) => Promise<void>,
  { patienceMs = PATIENCE_MS, from }: Reading = {},
): Promise<void> {
  const [first, ends] = await Promise.all([client.offsets(of, 'earliest'), client.offsets(of, 'latest')])
  const standing = new Map(of.map(tp => [at(tp), from?.get(at(tp)) ?? first.get(at(tp))!]))
  const open = of.filter(tp => standing.get(at(tp))! < ends.get(at(tp))!)
  const tails = open.map(tp => ({ tp, tail: client.read({ ...tp, offset: standing.get(at(tp))! }, 'committed') }))
  const close = () => tails.forEach(({ tail }) => tail.close())
  const late = setTimeout(close, patienceMs)
  try {
    const read = tails.map(async ({ tp, tail }) => {
      const end = ends.get(at(tp))!
      for await (const chunk of tail) {
        await visit(chunk.records.filter(({ offset }) => offset < end))
        // A chunk may be empty; what moved over aborted records is progress too.
        if (chunk.next > standing.get(at(tp))!) late.refresh()
        standing.set(at(tp), chunk.next)
        if (chunk.next >= end) break
      }
    })
    await Promise.all(read)
    const stuck = [...standing].filter(([tp, next]) => next < ends.get(tp)!)
    if (stuck.length === 0) return
    const places = stuck.map(([tp, next]) => `${tp} at ${next} of ${ends.get(tp)!}`)
    throw new Error(
      `committed records end before the log does, nothing came for ${patienceMs} ms: ${places.join(', ')}`,
    )
  } finally {
    clearTimeout(late)
    close()
  }
}

/** All partitions of a topic; none where the topic does not exist. */
export async function partitionsOfTopic(client: LogClient, topic: string): Promise<TopicPartition[]> {
  const { partitions } = (await client.describeTopics([topic])).get(topic) ?? { partitions: 0 }
  return Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
}
