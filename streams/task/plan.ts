import { groupOf, journalOf, transactionalIdOf } from '../../topology/model/names.ts'
import {
  carriesWatermarks,
  inputsOf,
  partitionsOf,
  taskCount,
  taskName,
  upstreamTasks,
  type Stage,
  type Topology,
} from '../../topology/model/topology.ts'
import type { Stream } from '../../topology/model/stream.ts'
import { clock } from '../../topology/streams.ts'
import type { TopicPartition } from '../log-client.ts'

/** Everything about one task that follows from the declaration. */
export interface TaskPlan {
  readonly topology: Topology
  readonly stage: Stage
  readonly index: number
  /** "stage#index". */
  readonly name: string
  readonly group: string
  readonly transactionalId: string
  readonly journal: TopicPartition
  /** Of the states that the stage's step knows. */
  readonly stateVersion: number
  /** The clock included where the stage takes its time from it. */
  readonly inputs: readonly TopicPartition[]
  readonly reads: ReadonlyMap<string, Stream>
  readonly writes: ReadonlyMap<string, Stream>
  readonly entrances: ReadonlySet<string>
  /** Partitions whose last record of a transaction is our watermark. */
  readonly forwardsTo: readonly TopicPartition[]
  /** Tasks whose watermarks are awaited, "topic<stage#index". */
  readonly upstream: readonly string[]
}

export function planOf(app: string, topology: Topology, stage: Stage, index: number): TaskPlan {
  return {
    topology,
    stage,
    index,
    name: taskName(stage.name, index),
    group: groupOf(app, stage.name),
    transactionalId: transactionalIdOf(app, stage.name, index),
    journal: { topic: journalOf(stage.name), partition: index },
    stateVersion: versionOf(stage),
    inputs: taskInputs(topology, stage, index),
    reads: byTopic([...stage.reads, clock]),
    writes: byTopic(stage.writes),
    entrances: new Set(topology.entrances.map(({ topic }) => topic).filter(topic => topic !== clock.topic)),
    forwardsTo: stage.watermark ? watermarkPartitions(topology, stage) : [],
    upstream: upstreamTasks(topology, stage).map(({ topic, task }) => `${topic}<${task}`),
  }
}

/** Version of the states of a stage: 1, and one more for each migration. An effect has none, and stays at 1. */
export const versionOf = ({ run }: Stage): number =>
  typeof run === 'string' ? 1 : 1 + (run.step.migrations?.length ?? 0)

const byTopic = (streams: readonly Stream[]) => new Map(streams.map(stream => [stream.topic, stream]))

/** The plans of all tasks of a stage. */
export const taskPlans = (app: string, topology: Topology, stage: Stage): TaskPlan[] =>
  Array.from({ length: taskCount(topology, stage) }, (_, index) => planOf(app, topology, stage, index))

/** Every task of an entrance reads the one partition of the clock; all else is dealt out. */
function taskInputs(topology: Topology, stage: Stage, index: number): TopicPartition[] {
  const dealt = inputsOf(topology, stage, index).filter(({ topic }) => topic !== clock.topic)
  return stage.watermark === 'clock' ? [...dealt, { topic: clock.topic, partition: 0 }] : dealt
}

export const watermarkPartitions = (topology: Topology, stage: Stage): TopicPartition[] =>
  stage.writes
    .filter(stream => carriesWatermarks(topology, stream))
    .flatMap(stream =>
      Array.from({ length: partitionsOf(topology, stream) }, (_, partition) => ({ topic: stream.topic, partition })),
    )
