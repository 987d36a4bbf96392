import { connect } from 'node:net'
import kafkajs from 'kafkajs'
import { openCluster } from '../../streams/kafka/clusters.ts'
import type { TopicPartition } from '../../streams/log-client.ts'
import { openLog } from '../../streams/main/world.ts'

/** Who does what among several brokers, asked of them: nodes by their ids. */

/** Topics by whose leaders the coordinators of transactions and of groups are chosen. */
const TRANSACTIONS = '__transaction_state'
const GROUPS = '__consumer_offsets'
const log = openLog({ logLevel: 'error' }, 'duties')

/** Who coordinates each of these groups (0) or transactional ids (1): it leads the partition where that is kept. */
export async function coordinatorsOf(
  brokers: readonly string[],
  names: readonly string[],
  coordinatorType: 0 | 1,
): Promise<ReadonlyMap<string, number>> {
  const handle = openCluster({ brokers, clientId: 'duties', log }, 5_000)
  try {
    const cluster = await handle.connect()
    const ask = async (groupId: string) => (await cluster.findGroupCoordinator({ groupId, coordinatorType })).nodeId
    return new Map(await Promise.all(names.map(async name => [name, Number(await ask(name))] as const)))
  } finally {
    await handle.close()
  }
}

/** The topic of the controllers: one partition, whose leader is the controller. */
const METADATA = '__cluster_metadata'
/** DescribeQuorum, version 0, as it stands on the wire: lengths are one more than they are, and a 0 says that no tagged field follows. */
const DESCRIBE_QUORUM = Buffer.concat([
  Buffer.from([0, 55, 0, 0, 0, 0, 0, 1, 255, 255, 0]),
  ...[Buffer.from([2, METADATA.length + 1]), Buffer.from(METADATA), Buffer.from([2, 0, 0, 0, 0, 0, 0, 0])],
])
/** In its answer: behind the length, the number of the request, a tag, an error, the topic, and the partition with an error of its own. */
const ERROR_AT = 9
const LEADER_AT = ERROR_AT + 2 + 2 + METADATA.length + 1 + 6

/** The node that leads the controllers. Brokers name just anybody as controller to ordinary clients, so that the quorum itself is asked for. */
export async function controllerOf([broker]: readonly string[]): Promise<number> {
  const { hostname, port } = new URL(`kafka://${broker}`)
  const socket = connect(Number(port), hostname)
  try {
    const length = Buffer.alloc(4)
    length.writeInt32BE(DESCRIBE_QUORUM.length)
    socket.write(Buffer.concat([length, DESCRIBE_QUORUM]))
    let answer = Buffer.alloc(0)
    for await (const chunk of socket.setTimeout(10_000, () => socket.destroy()) as AsyncIterable<Buffer>) {
      answer = Buffer.concat([answer, chunk])
      if (answer.length >= LEADER_AT + 4) break
    }
    if (answer.readInt16BE(ERROR_AT) !== 0 || answer.readInt16BE(LEADER_AT - 2) !== 0)
      throw new Error(`the quorum cannot be described: ${answer.toString('hex')}`)
    return answer.readInt32BE(LEADER_AT)
  } finally {
    socket.destroy()
  }
}

async function withAdmin<T>(brokers: readonly string[], ask: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
  const { NOTHING } = kafkajs.logLevel
  const admin = new kafkajs.Kafka({ clientId: 'duties', brokers: [...brokers], logLevel: NOTHING }).admin()
  await admin.connect()
  try {
    return await ask(admin)
  } finally {
    await admin.disconnect()
  }
}

export const leaderOf = (brokers: readonly string[], { topic, partition }: TopicPartition): Promise<number> =>
  withAdmin(brokers, async admin => {
    const [found] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics
    return found!.partitions.find(it => it.partitionId === partition)!.leader
  })

/** What goes with a node, in words. */
export const dutiesOf = (brokers: readonly string[], node: number): Promise<string> =>
  withAdmin(brokers, async admin => {
    const { topics } = await admin.fetchTopicMetadata()
    const all = topics.flatMap(({ name, partitions }) => partitions.map(({ leader }) => ({ name, leader })))
    const led = (name?: string) => all.filter(it => it.leader === node && (name === undefined || it.name === name)).length // prettier-ignore
    return `leads ${led()} of ${all.length} partitions, ${led(TRANSACTIONS)} of ${TRANSACTIONS} and ${led(GROUPS)} of ${GROUPS}`
  })

/** Partitions of which a copy is missing or behind: as long as there are any, the next death takes more with it than one broker. */
export const incomplete = (brokers: readonly string[]): Promise<number> =>
  withAdmin(brokers, async admin => {
    const { topics } = await admin.fetchTopicMetadata()
    return topics.flatMap(({ partitions }) => partitions).filter(({ isr, replicas }) => isr.length < replicas.length)
      .length
  })
