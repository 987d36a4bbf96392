import type Cluster from 'kafkajs/src/cluster/index.js'
import { at, type TopicPartition } from '../log-client.ts'
import { kafkaErrorOf, LEADER_MOVED, messageOf } from './errors.ts'
import type { Broker } from './internals.ts'
import { retrying } from './retry.ts'

/** The request never left this process, because nobody is known to lead the partition or its leader cannot be reached. */
class NotSent extends Error {
  override readonly name = 'NotSent'
}
/** No broker knows the topic or the partition. */
class UnknownPartition extends NotSent {}

/** A topic that was just created may take a moment to be known everywhere; a wrong name stays wrong. */
const NEW_TOPIC_MS = 1_000

/**
 * Asks the leader of a partition; goes on to a new leader as long as the request was surely not executed.
 *
 * @param deadline on the clock of `performance.now`
 * @param again which of Kafka's errors mean "surely not executed"
 * @throws the last error; one that names the partition when there is no such partition
 */
export function withLeader<T>(
  cluster: Cluster,
  tp: TopicPartition,
  deadline: number,
  ask: (leader: Broker) => Promise<T>,
  again: ReadonlySet<string | undefined> = LEADER_MOVED,
): Promise<T> {
  const patience = performance.now() + NEW_TOPIC_MS
  const mayAgain = async (error: unknown) => {
    if (error instanceof UnknownPartition && performance.now() > patience) return false
    const kafkaError = kafkaErrorOf(error)
    if (!(error instanceof NotSent) && !(kafkaError !== undefined && again.has(kafkaError))) return false
    await cluster.refreshMetadata().catch(() => undefined)
    return true
  }
  return retrying(deadline, mayAgain, async () => ask(await leaderOf(cluster, tp)), 10)
}

async function leaderOf(cluster: Cluster, tp: TopicPartition): Promise<Broker> {
  const node = await cluster
    .addMultipleTargetTopics([tp.topic])
    .then(() => leadingNode(cluster, tp))
    .catch((cause: unknown) => {
      throw new NotSent(`${at(tp)}: ${messageOf(cause)}`, { cause })
    })
  if (node === undefined) throw new UnknownPartition(`${at(tp)}: there is no such partition`)
  if (node < 0) throw new NotSent(`${at(tp)}: has no leader now`)
  return cluster.findBroker({ nodeId: `${node}` }).catch((cause: unknown) => {
    throw new NotSent(`${at(tp)}: its leader, node ${node}, cannot be reached: ${messageOf(cause)}`, { cause })
  })
}

/** Node id, −1 while the partition has no leader, undefined when the metadata does not know it. */
export const leadingNode = (cluster: Cluster, { topic, partition }: TopicPartition): number | undefined =>
  cluster.findTopicPartitionMetadata(topic).find(p => p.partitionId === partition)?.leader
