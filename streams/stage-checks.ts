import { isJournaled, journalOf } from '../topology/model/names.ts'
import type { Stream } from '../topology/model/stream.ts'
import { partitionsOf, taskCount, type Stage, type Topology } from '../topology/model/topology.ts'
import { clock, parked } from '../topology/streams.ts'
import type { LogClient, TopicState } from './log-client.ts'
import { NoAppendTime } from './task/faults.ts'

/** A stage that may not start, with every reason, one sentence a line. */
export class StageRefused extends Error {
  override readonly name = 'StageRefused'
  constructor(stage: string, reasons: readonly string[]) {
    super([`${stage} may not start:`, ...reasons].join('\n  '))
  }
}

/** Throws `StageRefused` where the declaration or the topics as they are would break what the runtime promises. */
export async function checkStage(topology: Topology, stage: Stage, client: LogClient): Promise<void> {
  const parks = isJournaled(stage) ? [parked] : []
  const streams = [...stage.reads, ...stage.writes, ...parks, ...(stage.watermark === 'clock' ? [clock] : [])]
  const journal = isJournaled(stage) ? journalOf(stage.name) : undefined
  const found = await client.describeTopics([
    ...new Set([...streams.map(({ topic }) => topic), ...(journal ? [journal] : [])]),
  ])
  const reasons = [
    ...declarationFaults(stage),
    ...streams.flatMap(stream => partitionFaults(stream.topic, partitionsOf(topology, stream), found)),
    ...(journal
      ? [...partitionFaults(journal, taskCount(topology, stage), found), ...journalFaults(journal, found)]
      : []),
    ...stage.reads.flatMap(stream => entranceFaults(topology, stream, found)),
  ]
  if (reasons.length > 0) throw new StageRefused(stage.name, [...new Set(reasons)])
}

/** What the declaration's own checks leave to the runtime. */
const declarationFaults = ({ run, watermark }: Stage): string[] =>
  run === 'effect' && watermark === 'streams'
    ? ['it is an effect, and an effect takes its time from the clock or from nowhere']
    : []

function partitionFaults(topic: string, declared: number, found: ReadonlyMap<string, TopicState>): string[] {
  const state = found.get(topic)
  if (!state)
    return [`the topic ${topic} does not exist; create the topics of the topology first (${declared} partitions)`]
  if (state.partitions === declared) return []
  return [
    `${topic} has ${state.partitions} partitions and ${declared} are declared: the number is fixed for the life of the state`,
  ]
}

function journalFaults(journal: string, found: ReadonlyMap<string, TopicState>): string[] {
  const policy = found.get(journal)?.config['cleanup.policy']
  if (policy === undefined || policy === 'compact') return []
  return [
    `${journal} has cleanup.policy=${policy}: retention would delete the state. Set it with:  kafka-configs.sh --bootstrap-server ` +
      `<broker> --alter --entity-type topics --entity-name ${journal} --add-config cleanup.policy=compact`,
  ]
}

function entranceFaults(topology: Topology, { topic }: Stream, found: ReadonlyMap<string, TopicState>): string[] {
  if (topic === clock.topic || !topology.entrances.some(entrance => entrance.topic === topic)) return []
  const type = found.get(topic)?.config['message.timestamp.type']
  return type === undefined || type === 'LogAppendTime' ? [] : [new NoAppendTime(topic).message]
}
