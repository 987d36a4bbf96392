import type { Stream } from './stream.ts'
import { partitionsOf, upstreamTasks, type Stage, type Topology } from './topology.ts'

/** A graph that may not run, with every reason, one sentence a line. */
export class InvalidTopology extends Error {
  override readonly name = 'InvalidTopology'
  constructor(topology: string, faults: readonly string[]) {
    super([`the topology ${topology} is refused:`, ...faults].join('\n  '))
  }
}

/** Names of the stages of a kind that some process must implement. */
export type StageNames<T extends Topology, Kind extends 'effect' | 'service'> = Extract<
  T['stages'][number],
  { readonly run: Kind }
>['name']

/** One implementation per declared effect or service, no more and no fewer: the compiler says which is missing. */
export type Handlers<T extends Topology, Kind extends 'effect' | 'service', Handler> = {
  readonly [Name in StageNames<T, Kind>]: Handler
}

/** Declares a graph. Throws `InvalidTopology` with the sentence that mends each fault; names are kept as types. */
export function defineTopology<const T extends Topology>(topology: T): T {
  const faults = faultsOf(topology)
  if (faults.length > 0) throw new InvalidTopology(topology.name, faults)
  return topology
}

/** What is wrong with a graph; empty where it may run. */
export function faultsOf(topology: Topology): string[] {
  return [
    ...nameFaults(topology),
    ...streamFaults(topology),
    ...topology.stages.flatMap(stage => [
      ...stepFaults(stage),
      ...joinFaults(topology, stage),
      ...timeFaults(topology, stage),
    ]),
  ]
}

/** Every stream of the graph, once: entrances, then in the order of the stages, exits, and what serves them all. */
export function streamsOf(topology: Topology): Stream[] {
  const all = [
    ...topology.entrances,
    ...topology.stages.flatMap(stage => [...stage.reads, ...stage.writes]),
    ...topology.exits,
    ...(topology.clock ? [topology.clock] : []),
    ...(topology.parked ? [topology.parked] : []),
  ]
  return [...new Map(all.map(stream => [stream.topic, stream])).values()]
}

/** The stages that read a stream; the clock is read by whoever takes its time from it. */
export const readersOf = (topology: Topology, { topic }: Stream): Stage[] =>
  topology.stages.filter(
    stage => has(stage.reads, topic) || (topic === topology.clock?.topic && stage.watermark === 'clock'),
  )

export const writersOf = (topology: Topology, { topic }: Stream): Stage[] =>
  topology.stages.filter(stage => has(stage.writes, topic))

const has = (streams: readonly Stream[], topic: string): boolean => streams.some(it => it.topic === topic)

function nameFaults({ entrances, stages, exits }: Topology): string[] {
  const names = stages.map(({ name }) => name)
  const twice = names.filter((name, i) => names.indexOf(name) !== i)
  const byTopic = new Map<string, Stream>()
  const differing = [...entrances, ...stages.flatMap(it => [...it.reads, ...it.writes]), ...exits].filter(stream => {
    const known = byTopic.get(stream.topic) ?? stream
    byTopic.set(stream.topic, known)
    return known !== stream
  })
  return [
    ...twice.map(name => `two stages are called ${name}: journals, groups and locks are named after it; rename one`),
    ...differing.map(({ topic }) => `${topic} is declared twice, differently perhaps; declare it once and share it`),
  ]
}

function streamFaults(topology: Topology): string[] {
  const { entrances, exits, stages, clock, parked } = topology
  const faults = entrances
    .filter(stream => readersOf(topology, stream).length === 0)
    .map(({ topic }) => `${topic} is an entrance that nobody reads; let a stage read it, or take it out`)
  for (const stage of stages) {
    for (const stream of stage.reads) {
      if (has(entrances, stream.topic) || writersOf(topology, stream).length > 0) continue
      faults.push(
        `${stage.name} reads ${stream.topic}, which nobody writes; let a stage write it, or make it an entrance`,
      )
    }
    for (const stream of stage.writes) {
      if (stream.topic === parked?.topic) {
        faults.push(`${stage.name} declares ${stream.topic}, which every stage may write; take it out`)
      } else if (readersOf(topology, stream).length === 0 && !has(exits, stream.topic)) {
        faults.push(`${stage.name} writes ${stream.topic}, which nobody reads; let a stage read it, or make it an exit`)
      }
    }
  }
  if (clock && stages.some(it => it.watermark === 'clock') && writersOf(topology, clock).length === 0) {
    faults.push(`nobody writes ${clock.topic}, and stages take their time from it; add the clock`)
  }
  return faults
}

function stepFaults(stage: Stage): string[] {
  if (typeof stage.run === 'string') return []
  const { handles, emits } = stage.run.step
  const differences = (
    known: readonly Stream[] | undefined,
    declared: readonly Stream[],
    verb: string,
    verbs: string,
  ) => [
    ...(known ?? declared)
      .filter(({ topic }) => !has(declared, topic))
      .map(
        ({ topic }) => `${stage.name}'s step ${verb} ${topic}, and the stage does not declare it; add it to ${verbs}`,
      ),
    ...declared
      .filter(({ topic }) => !has(known ?? declared, topic))
      .map(({ topic }) => `${stage.name} ${verbs} ${topic}, and its step never ${verb} it; take it out of ${verbs}`),
  ]
  return [
    ...differences(handles, stage.reads, 'handles', 'reads'),
    ...differences(emits, stage.writes, 'emits', 'writes'),
  ]
}

/** Whatever meets in one task has one key and one number of partitions. */
function joinFaults(topology: Topology, stage: Stage): string[] {
  if (stage.tasks !== 'per-partition') return []
  if (stage.reads.length === 0) return [`${stage.name} has a task per partition and reads nothing; give it a number`]
  const partitions = stage.reads.map(stream => `${stream.topic} ${partitionsOf(topology, stream)}`)
  const keys = stage.reads.map(({ topic, key }) => `${topic} ${key}`)
  const differ = (values: readonly unknown[]) => new Set(values).size > 1
  return [
    ...(differ(stage.reads.map(stream => partitionsOf(topology, stream)))
      ? [`${stage.name} joins ${partitions.join(', ')} partitions; equal keys would not meet: give them one number`]
      : []),
    ...(differ(stage.reads.map(({ key }) => key))
      ? [`${stage.name} joins by different keys: ${keys.join(', ')}; put a stage before it that re-keys one of them`]
      : []),
  ]
}

function timeFaults(topology: Topology, stage: Stage): string[] {
  const faults: string[] = []
  if (stage.watermark === 'streams' && upstreamTasks(topology, stage).length === 0) {
    faults.push(`${stage.name} waits for watermarks, and nobody before it forwards any; give one of them a watermark`)
  }
  if (stage.order === 'time' && stage.watermark !== 'clock') {
    faults.push(`${stage.name} takes its inputs in order of append time, which needs watermark: 'clock'`)
  }
  if (stage.watermark === 'clock' && stage.reads.some(it => !has(topology.entrances, it.topic))) {
    faults.push(`${stage.name} takes its time from the clock, and only an entrance may; use watermark: 'streams'`)
  }
  return faults
}
