import type { Broker } from 'kafkajs/src/cluster/index.js'
import type Cluster from 'kafkajs/src/cluster/index.js'
import { at, type Place, type TopicPartition } from '../log-client.ts'
import { COORDINATOR_BUSY, kafkaErrorOf } from './errors.ts'
import { withLeader } from './leaders.ts'
import { retrying } from './retry.ts'
import { byTopic } from './topics.ts'

const DEADLINE_MS = 15_000
const GROUP = 0
/** The two special times of ListOffsets; with isolation "uncommitted" the latest offset is the high watermark, with "committed" the last stable one. */
const ENDS = {
  earliest: { timestamp: -2, isolationLevel: 0 },
  latest: { timestamp: -1, isolationLevel: 0 },
  stable: { timestamp: -1, isolationLevel: 1 },
} as const
/** Its answer where every record is older than the time asked for. */
const NONE = -1n

/** One place in the log of each partition, keyed "topic/partition". Partitions of one leader are asked one by one, side by side. */
export async function offsets(
  cluster: Cluster,
  of: readonly TopicPartition[],
  place: Place,
): Promise<Map<string, bigint>> {
  const found = await Promise.all(of.map(async tp => [at(tp), await offset(cluster, tp, place)] as const))
  return new Map(found)
}

export async function endsOf(cluster: Cluster, tp: TopicPartition): Promise<{ first: bigint; end: bigint }> {
  const [first, end] = await Promise.all([offset(cluster, tp, 'earliest'), offset(cluster, tp, 'latest')])
  return { first, end }
}

async function offset(cluster: Cluster, tp: TopicPartition, place: Place): Promise<bigint> {
  const { topic, partition } = tp
  const { timestamp, isolationLevel } =
    typeof place === 'string' ? ENDS[place] : { timestamp: place.since, isolationLevel: 0 as const }
  const topics = [{ topic, partitions: [{ partition, timestamp }] }]
  const answer = await withLeader(cluster, tp, performance.now() + DEADLINE_MS, leader =>
    leader.listOffsets({ isolationLevel, topics }),
  )
  const found = BigInt(answer.responses[0]!.partitions[0]!.offset)
  return found === NONE ? offset(cluster, tp, 'latest') : found
}

/** The group's offsets where it has any, keyed "topic/partition". */
export async function committed(
  cluster: Cluster,
  group: string,
  of: readonly TopicPartition[],
): Promise<Map<string, { offset: bigint; metadata: string }>> {
  if (of.length === 0) return new Map()
  const topics = byTopic(of, ({ partition }) => ({ partition }))
  const { responses } = await askCoordinator(cluster, group, it => it.offsetFetch({ groupId: group, topics }))
  return new Map(
    responses.flatMap(({ topic, partitions }) =>
      partitions
        .filter(({ offset }) => BigInt(offset) >= 0n)
        .map(({ partition, offset, metadata }) => {
          const found = { offset: BigInt(offset), metadata: metadata ?? '' }
          return [at({ topic, partition }), found] as const
        }),
    ),
  )
}

/** How many members the group has; 0 where it is not known. */
export async function members(cluster: Cluster, group: string): Promise<number> {
  const { groups } = await askCoordinator(cluster, group, it => it.describeGroups({ groupIds: [group] }))
  return groups[0]?.members.length ?? 0
}

function askCoordinator<T>(cluster: Cluster, group: string, ask: (coordinator: Broker) => Promise<T>): Promise<T> {
  const busy = (error: unknown) => COORDINATOR_BUSY.has(kafkaErrorOf(error)) || kafkaErrorOf(error) === undefined
  return retrying(performance.now() + DEADLINE_MS, busy, async () =>
    ask(await cluster.findGroupCoordinator({ groupId: group, coordinatorType: GROUP })),
  )
}
