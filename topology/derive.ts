import type { Contracts } from '../schemas/avro/generated.ts'
import { readersOf, streamsOf } from './model/define.ts'
import { groupOf, isJournaled, journalOf } from './model/names.ts'
import type { Stream } from './model/stream.ts'
import { partitionsOf, taskCount, type Role, type Stage, type Topology } from './model/topology.ts'
import { ALERT_RETENTION_MS, alerts } from './streams.ts'

export { describeTopology } from './render.ts'
export { groupOf, journalOf, transactionalIdOf } from './model/names.ts'

/** What Kafka needs for a topology, from its declaration alone: topics, groups, rights. */

export interface Topic {
  readonly topic: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

const MiB = 1_048_576
const HOUR_MS = 3_600_000
/** What a topic of ours takes in one batch, and so in one record; of that a record's value, since batch, key and headers take some. */
const MOST_BATCH_BYTES = 8 * MiB
export const MOST_VALUE_BYTES = MOST_BATCH_BYTES - 65_536

/** Every topic: the streams, and one journal per step and effect with a partition per task. */
export function topicsOf(
  topology: Topology,
  {
    minInsyncReplicas = 1,
    alertRetentionMs = ALERT_RETENTION_MS,
  }: { readonly minInsyncReplicas?: number; readonly alertRetentionMs?: number } = {},
): Topic[] {
  const safe = { 'min.insync.replicas': String(minInsyncReplicas) }
  const cleanup = (stream: Stream) => ({
    ...cleanupOf(stream),
    ...(stream.topic === alerts.topic && { 'retention.ms': String(alertRetentionMs) }),
  })
  return [
    ...streamsOf(topology).map(stream => ({
      topic: stream.topic,
      partitions: partitionsOf(topology, stream),
      config: { ...cleanup(stream), ...timestampOf(stream), ...sizeOf(topology, stream), ...safe },
    })),
    ...topology.stages.filter(isJournaled).map(stage => ({
      topic: journalOf(stage.name),
      partitions: taskCount(topology, stage),
      config: { ...COMPACTED, ...APPEND_TIME, 'max.message.bytes': String(MOST_BATCH_BYTES), ...safe },
    })),
  ]
}

/**
 * A table: its disk stays near its live size, and a restore reads little that is useless, because only closed segments
 * are cleaned. Tombstones live for a day: longer than any restore takes.
 */
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(64 * MiB),
  'segment.ms': String(HOUR_MS),
  'min.cleanable.dirty.ratio': '0.1',
  'min.compaction.lag.ms': '0',
  'max.compaction.lag.ms': String(HOUR_MS),
  'delete.retention.ms': String(24 * HOUR_MS),
}

const cleanupOf = (stream: Stream): Record<string, string> =>
  stream.cleanup === 'compact'
    ? COMPACTED
    : {
        'cleanup.policy': 'delete',
        ...(stream.retentionHours && { 'retention.ms': String(stream.retentionHours * HOUR_MS) }),
      }

const APPEND_TIME = { 'message.timestamp.type': 'LogAppendTime' }

/**
 * The broker's append time everywhere: entrances take their time from it, and retention during the replay of an outage
 * must not judge fresh records by old stamps. Only the public stream keeps the producer's time, as its readers expect.
 */
const timestampOf = (stream: Stream): Record<string, string> =>
  stream.topic === alerts.topic ? { 'message.timestamp.type': 'CreateTime' } : APPEND_TIME

/**
 * An entrance takes 1 MiB, whatever the brokers' own limit is: what is larger is refused at the door, since it could not be parked. It is stored
 * uncompressed, whatever the sender does, so that the limit is one of the record itself: 12 MiB of blanks are 12 kB of gzip, which would come in. And
 * it may be of any codec, since none reaches us. Inside, a batch holds a burst of 189 units. What is parked is at most the largest record we read, an alert, and its frame.
 */
function sizeOf(topology: Topology, stream: Stream): Record<string, string> {
  if (topology.entrances.includes(stream))
    return { 'compression.type': 'uncompressed', 'max.message.bytes': String(MiB) }
  if (stream.topic === topology.parked?.topic) return { 'max.message.bytes': String(11 * MiB) }
  return { 'max.message.bytes': String(stream.topic === alerts.topic ? 10 * MiB : MOST_BATCH_BYTES) }
}

/** Which contract each topic's values follow, once per topic; that of parked records too, which every stage may write. */
export const contractsOf = (topology: Topology): { readonly topic: string; readonly contract: keyof Contracts }[] =>
  streamsOf(topology).flatMap(({ topic, format }) => ('avro' in format ? [{ topic, contract: format.avro }] : []))

/** One consumer group per stage that reads. */
export const groupsOf = (topology: Topology, app: string): { readonly stage: string; readonly group: string }[] =>
  topology.stages
    .filter(stage => readsOf(topology, stage).length > 0)
    .map(({ name }) => ({ stage: name, group: groupOf(app, name) }))

const readsOf = (topology: Topology, stage: Stage): Stream[] => [
  ...stage.reads,
  ...(stage.watermark === 'clock' && topology.clock ? [topology.clock] : []),
]

export type Operation = 'Read' | 'Write' | 'Describe'

/** One right of the user of a role. */
export interface Acl {
  readonly user: string
  readonly resource: 'topic' | 'group' | 'transactional-id'
  readonly name: string
  readonly pattern: 'literal' | 'prefixed'
  readonly operations: readonly Operation[]
}

/** What each role may do, and no more: one user per role, `<app>-<role>`. Kafka grants Describe with Read and Write. */
export function aclsOf(topology: Topology, app: string): Acl[] {
  const rights = topology.stages.flatMap(stage =>
    rightsOf(topology, app, stage).map(right => ({ role: stage.role, ...right })),
  )
  const merged = new Map<string, Acl>()
  for (const { role, resource, name, pattern, operations } of rights) {
    const key = `${role} ${resource} ${pattern} ${name}`
    const known = merged.get(key)?.operations ?? []
    const all = [...new Set([...known, ...operations])].sort()
    merged.set(key, { user: userOf(app, role), resource, name, pattern, operations: all })
  }
  return [...merged.values()]
}

export const userOf = (app: string, role: Role): string => `${app}-${role}`

function rightsOf(topology: Topology, app: string, stage: Stage): Omit<Acl, 'user'>[] {
  const topic = (name: string, ...operations: Operation[]): Omit<Acl, 'user'> => ({
    resource: 'topic',
    name,
    pattern: 'literal',
    operations,
  })
  const reads = readsOf(topology, stage)
  return [
    ...reads.map(stream => topic(stream.topic, 'Read')),
    ...stage.writes.map(stream => topic(stream.topic, 'Write')),
    ...(topology.parked && isJournaled(stage) ? [topic(topology.parked.topic, 'Write')] : []),
    ...(isJournaled(stage) ? [topic(journalOf(stage.name), 'Read', 'Write')] : []),
    // The clock reads where the entrances end, and nothing of what they hold.
    ...(stage.role === 'clock' ? timedBy(topology).map(stream => topic(stream.topic, 'Describe')) : []),
    { resource: 'group', name: groupOf(app, stage.name), pattern: 'literal', operations: ['Read'] },
    { resource: 'transactional-id', name: `${groupOf(app, stage.name)}.`, pattern: 'prefixed', operations: ['Write'] },
  ]
}

/** The entrances whose ends a tick tells. */
const timedBy = (topology: Topology): Stream[] =>
  topology.entrances.filter(stream => readersOf(topology, stream).some(stage => stage.watermark === 'clock'))
