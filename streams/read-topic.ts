import { at, type LogClient, type LogRecord, type TopicPartition } from './log-client.ts'

/**
 * Every committed record of these partitions, from their beginnings or the offsets of `from` ("topic/partition") up to their high watermarks at the time of the call, in the order of each partition. A
 * transaction left open stops such a reader below the watermark: then it rejects after `patienceMs`, naming where each reading stands.
 */
export async function readCommitted(
  client: LogClient,
  of: readonly TopicPartition[],
  { patienceMs = 30_000, from }: { readonly patienceMs?: number; readonly from?: ReadonlyMap<string, bigint> } = {},
): Promise<LogRecord[]> {
  const [first, ends] = await Promise.all([client.offsets(of, 'earliest'), client.offsets(of, 'latest')])
  const standing = new Map(of.map(tp => [at(tp), from?.get(at(tp)) ?? first.get(at(tp))!]))
  const open = of.filter(tp => standing.get(at(tp))! < ends.get(at(tp))!)
  const tails = open.map(tp => ({ tp, tail: client.read({ ...tp, offset: standing.get(at(tp))! }, 'committed') }))
  const close = () => tails.forEach(({ tail }) => tail.close())
  const late = setTimeout(close, patienceMs)
  try {
    const read = tails.map(async ({ tp, tail }) => {
      const records: LogRecord[] = []
      for await (const chunk of tail) {
        records.push(...chunk.records.filter(({ offset }) => offset < ends.get(at(tp))!))
        standing.set(at(tp), chunk.next)
        if (chunk.next >= ends.get(at(tp))!) break
      }
      return records
    })
    const records = (await Promise.all(read)).flat()
    const stuck = [...standing].filter(([tp, next]) => next < ends.get(tp)!)
    if (stuck.length === 0) return records
    const places = stuck.map(([tp, next]) => `${tp} at ${next} of ${ends.get(tp)!}`)
    throw new Error(`committed records end before the log does, after ${patienceMs} ms: ${places.join(', ')}`)
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
