import type { TopicPartition } from '../log-client.ts'

/** The shape of most requests: partitions under their topic. */
export function byTopic<T extends TopicPartition, P>(
  of: readonly T[],
  item: (partition: T) => P,
): { topic: string; partitions: P[] }[] {
  const topics = new Map<string, P[]>()
  for (const each of of) {
    const found = topics.get(each.topic)
    if (found) found.push(item(each))
    else topics.set(each.topic, [item(each)])
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}
