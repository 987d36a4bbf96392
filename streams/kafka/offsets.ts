import type Cluster from 'kafkajs/src/cluster/index.js'
import { at, type LogEnd, type TopicPartition } from '../log-client.ts'
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

/** One end of the log of each partition, keyed "topic/partition". Partitions of one leader are asked one by one, side by side. */
export async function offsets(
  cluster: Cluster,
  of: readonly TopicPartition[],
  end: LogEnd,
): Promise<Map<string, bigint>> {
  const found = await Promise.all(of.map(async tp => [at(tp), await offset(cluster, tp, end)] as const))
  return new Map(found)
}

export async function endsOf(cluster: Cluster, tp: TopicPartition): Promise<{ first: bigint; end: bigint }> {
  const [first, end] = await Promise.all([offset(cluster, tp, 'earliest'), offset(cluster, tp, 'latest')])
  return { first, end }
}

async function offset(cluster: Cluster, tp: TopicPartition, end: LogEnd): Promise<bigint> {
  const { topic, partition } = tp
  const { timestamp, isolationLevel } = ENDS[end]
  const topics = [{ topic, partitions: [{ partition, timestamp }] }]
  const answer = await withLeader(cluster, tp, performance.now() + DEADLINE_MS, leader =>
    leader.listOffsets({ isolationLevel, topics }),
  )
  return BigInt(answer.responses[0]!.partitions[0]!.offset)
}

/** The group's offsets where it has any, keyed "topic/partition". */
export async function committed(
  cluster: Cluster,
  group: string,
  of: readonly TopicPartition[],
): Promise<Map<string, { offset: bigint; metadata: string }>> {
  if (of.length === 0) return new Map()
  const topics = byTopic(of, ({ partition }) => ({ partition }))
  const busy = (error: unknown) => COORDINATOR_BUSY.has(kafkaErrorOf(error)) || kafkaErrorOf(error) === undefined
  const { responses } = await retrying(performance.now() + DEADLINE_MS, busy, async () => {
    const coordinator = await cluster.findGroupCoordinator({ groupId: group, coordinatorType: GROUP })
    return coordinator.offsetFetch({ groupId: group, topics })
  })
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
