import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import kafkajs from 'kafkajs'
import { openCluster } from '../../streams/kafka/clusters.ts'
import type { TopicPartition } from '../../streams/log-client.ts'
import { openLog } from '../../streams/main/world.ts'
import { kafkaTool } from './kafka-tool.ts'

/** Who does what among several brokers, asked of them: nodes by their ids. */

/** Topics by whose leaders the coordinators of transactions and of groups are chosen. */
const TRANSACTIONS = '__transaction_state'
const GROUPS = '__consumer_offsets'
const log = openLog({ logLevel: 'error' }, 'duties')

/** The broker that coordinates a group (0) or the transactions of an id (1): it leads the partition where that is kept. */
export async function coordinatorOf(brokers: readonly string[], name: string, type: 0 | 1): Promise<number> {
  const handle = openCluster({ brokers, clientId: 'duties', log }, 5_000)
  try {
    const cluster = await handle.connect()
    return Number((await cluster.findGroupCoordinator({ groupId: name, coordinatorType: type })).nodeId)
  } finally {
    await handle.close()
  }
}

/** The node that leads the quorum of the controllers. Brokers name anybody as controller to ordinary clients, so that Kafka's own tool is asked. */
export async function controllerOf(brokers: readonly string[]): Promise<number> {
  const [java, args] = await kafkaTool('MetadataQuorumCommand', [
    ...['--bootstrap-server', brokers.join(',')],
    ...['describe', '--status'],
  ])
  const { stdout } = await promisify(execFile)(java, args)
  const [, leader] = /^LeaderId:\s*(\d+)$/m.exec(stdout) ?? []
  if (leader === undefined) throw new Error(`the quorum has no leader: ${stdout}`)
  return Number(leader)
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
