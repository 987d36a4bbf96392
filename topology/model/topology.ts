import type { Step } from './step.ts'
import type { Stream } from './stream.ts'

/** Which process of the deployment runs a stage. */
export type Role = 'clock' | 'steps' | 'effects' | 'worker' | 'publish'

/** A step of some state: which one is the step's own affair. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- TypeScript has no word for "some"
export type AnyStep = Step<any, any>

/**
 * A named node of the graph.
 * A *step* is pure and joins; an *effect* touches the world record by record; a *service* has its own loop
 * (the clock; the worker on the ledger; publish on the outbox).
 */
export interface Stage {
  readonly name: string
  readonly summary: string
  readonly role: Role
  readonly reads: readonly Stream[]
  readonly writes: readonly Stream[]
  /**
   * `per-partition`: task p joins partition p of every input. A number n: partition q belongs to task q mod n.
   * `any`: as many as there are processes; they share work by other means than partitions.
   */
  readonly tasks: 'per-partition' | 'any' | number
  readonly run: { readonly step: AnyStep } | 'effect' | 'service'
  /**
   * Where its watermark comes from: `clock` at an entrance, `streams` where it is the minimum over its upstream tasks,
   * `outbox` for publish; absent where the stage knows no time.
   */
  readonly watermark?: 'clock' | 'streams' | 'outbox'
  /** Takes its inputs in order of append time up to its watermark (ties: in the order of `reads`), not as they arrive. */
  readonly order?: 'time'
  /** `ignored`: what it has done is known elsewhere, so an operator's reset of its group's offsets changes nothing. */
  readonly resets?: 'ignored'
  /** Systems outside Kafka that it takes from and lands in, for the diagram. */
  readonly from?: readonly string[]
  readonly into?: readonly string[]
}

export interface Topology {
  readonly name: string
  readonly partitions: number
  readonly entrances: readonly Stream[]
  readonly stages: readonly Stage[]
  /** Streams that are read by the world outside. */
  readonly exits: readonly Stream[]
  /** The ticks: read by every stage whose watermark is `clock`, without being declared each time. */
  readonly clock?: Stream
  /** Where records go that cannot be processed: every stage may write it, without declaring it each time. */
  readonly parked?: Stream
}

export const stageOf = (topology: Topology, name: string): Stage => {
  const stage = topology.stages.find(candidate => candidate.name === name)
  if (!stage) {
    throw new Error(`no stage "${name}" in ${topology.name}; there are: ${topology.stages.map(s => s.name).join(', ')}`)
  }
  return stage
}

export const partitionsOf = (topology: Topology, stream: Stream): number => stream.partitions ?? topology.partitions

/** How many tasks a stage has: fixed by the declaration, never by how many processes there are. */
export function taskCount(topology: Topology, stage: Stage): number {
  if (stage.tasks === 'any') return 0
  return typeof stage.tasks === 'number' ? stage.tasks : partitionsOf(topology, stage.reads[0]!)
}

/** The partitions of every input that task `index` of the stage owns. */
export function inputsOf(topology: Topology, stage: Stage, index: number): { topic: string; partition: number }[] {
  const count = taskCount(topology, stage)
  return stage.reads.flatMap(stream =>
    Array.from({ length: partitionsOf(topology, stream) }, (_, partition) => partition)
      .filter(partition => partition % count === index)
      .map(partition => ({ topic: stream.topic, partition })),
  )
}

/** The name under which a task forwards its watermark. */
export const taskName = (stage: string, index: number): string => `${stage}#${index}`

/** Whether a stage reads this stream by deadlines, so that watermarks must travel on it. */
export const carriesWatermarks = (topology: Topology, stream: Stream): boolean =>
  topology.stages.some(s => s.watermark === 'streams' && s.reads.some(r => r.topic === stream.topic)) &&
  topology.stages.some(s => s.watermark !== undefined && s.writes.some(w => w.topic === stream.topic))

/**
 * Upstream tasks whose watermarks a stage waits for, per input stream: it takes the minimum over all of them.
 * Worked example: exposure-window reads detector-visit (fan-out#0) and raw-arrival (raw-intake#0, raw-intake#1), so it
 * keeps three maxima and its time is the smallest. raw-listed brings none: its writer, raw-reconcile, knows no time.
 */
export function upstreamTasks(topology: Topology, stage: Stage): { topic: string; task: string }[] {
  return stage.reads.flatMap(stream =>
    topology.stages
      .filter(writer => writer.watermark !== undefined && writer.writes.some(w => w.topic === stream.topic))
      .flatMap(writer =>
        Array.from({ length: taskCount(topology, writer) }, (_, i) => ({
          topic: stream.topic,
          task: taskName(writer.name, i),
        })),
      ),
  )
}
