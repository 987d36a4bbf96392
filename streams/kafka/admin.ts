import { setTimeout as sleep } from 'node:timers/promises'
import type Cluster from 'kafkajs/src/cluster/index.js'
import type { TopicSpec, TopicState } from '../log-client.ts'
import { kafkaErrorOf } from './errors.ts'
import { createTopicsRequest, createTopicsResponse, protocolError } from './internals.ts'
import { retrying } from './retry.ts'

const DEADLINE_MS = 15_000
const BROKER_DEFAULT = -1
const TOPIC_ALREADY_EXISTS = 36
const TOPIC_RESOURCE = 2

/** The controller moved or is not known yet. */
const ELSEWHERE: ReadonlySet<string | undefined> = new Set(['NOT_CONTROLLER', 'REQUEST_TIMED_OUT', undefined])

/**
 * Creates the topics that do not exist, with the brokers' default replication, and returns when each partition has a leader.
 * @throws Error naming every topic that was refused, each with the broker's reason
 */
export async function createTopics(cluster: Cluster, specs: readonly TopicSpec[]): Promise<void> {
  const missing = await withoutExisting(cluster, specs)
  if (missing.length === 0) return
  const deadline = performance.now() + DEADLINE_MS
  const answers = await retrying(deadline, moved(cluster), () => requestTopics(cluster, missing))
  const refused = answers.filter(({ errorCode }) => errorCode !== 0 && errorCode !== TOPIC_ALREADY_EXISTS)
  if (refused.length > 0) {
    const reasons = refused.map(({ topic, errorCode, errorMessage }) => {
      return `${topic}: ${errorMessage ?? protocolError.createErrorFromCode(errorCode).message}`
    })
    throw new Error(`topics cannot be created: ${reasons.join('; ')}`)
  }
  await untilLed(cluster, missing)
}

const moved = (cluster: Cluster) => async (error: unknown) => {
  if (!ELSEWHERE.has(kafkaErrorOf(error))) return false
  await cluster.refreshMetadata().catch(() => undefined)
  return true
}

async function withoutExisting(cluster: Cluster, specs: readonly TopicSpec[]): Promise<readonly TopicSpec[]> {
  const existing = await partitionCounts(
    cluster,
    specs.map(({ topic }) => topic),
  )
  return specs.filter(({ topic }) => !existing.has(topic))
}

/** The answer is decoded by kafkajs but not judged by it: its judgement drops the broker's explanation. */
async function requestTopics(cluster: Cluster, specs: readonly TopicSpec[]) {
  const controller = await cluster.findControllerBroker()
  return controller.connectionPool.send({
    request: createTopicsRequest({
      topics: specs.map(({ topic, partitions, config }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: BROKER_DEFAULT,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      })),
      validateOnly: false,
      timeout: 10_000,
    }),
    response: {
      decode: bytes => createTopicsResponse.decode(bytes),
      parse: (answer: Awaited<ReturnType<typeof createTopicsResponse.decode>>) => answer.topicErrors,
    },
  })
}

async function untilLed(cluster: Cluster, specs: readonly TopicSpec[]): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const { topicMetadata } = await cluster.metadata({ topics: specs.map(({ topic }) => topic) })
    const led = (topic: string) =>
      topicMetadata.find(found => found.topic === topic)?.partitionMetadata.filter(({ leader }) => leader >= 0)
        .length ?? 0
    const waiting = specs.filter(({ topic, partitions }) => led(topic) < partitions)
    if (waiting.length === 0) return
    if (performance.now() > deadline) {
      const lacks = waiting.map(
        ({ topic, partitions }) => `${topic} (${led(topic)} of ${partitions} partitions have one)`,
      )
      throw new Error(`created, but after ${DEADLINE_MS / 1000} s still without leaders: ${lacks.join(', ')}`)
    }
    await sleep(20)
  }
}

/** What is there of these topics, with every configuration value that is not secret; unknown topics are left out. */
export async function describeTopics(cluster: Cluster, topics: readonly string[]): Promise<Map<string, TopicState>> {
  const counts = await partitionCounts(cluster, topics)
  if (counts.size === 0) return new Map()
  const { resources } = await retrying(performance.now() + DEADLINE_MS, moved(cluster), async () => {
    const broker = await cluster.findControllerBroker()
    return broker.describeConfigs({ resources: [...counts.keys()].map(name => ({ type: TOPIC_RESOURCE, name })) })
  })
  return new Map(
    resources.map(({ resourceName, configEntries }) => {
      const config = configEntries.flatMap(({ configName, configValue }) =>
        configValue === null ? [] : [[configName, configValue] as const],
      )
      return [resourceName, { partitions: counts.get(resourceName)!, config: Object.fromEntries(config) }]
    }),
  )
}

async function partitionCounts(cluster: Cluster, topics: readonly string[]): Promise<Map<string, number>> {
  if (topics.length === 0) return new Map() // an empty list would ask for all topics
  const { topicMetadata } = await retrying(performance.now() + DEADLINE_MS, moved(cluster), () =>
    cluster.metadata({ topics }),
  )
  return new Map(topicMetadata.map(({ topic, partitionMetadata }) => [topic, partitionMetadata.length]))
}
