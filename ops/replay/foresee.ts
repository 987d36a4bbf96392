import { setTimeout as sleep } from 'node:timers/promises'
import type { Codec } from '../../schemas/codec.ts'
import type { DetectorJob } from '../../schemas/avro/generated.ts'
import { topicsOf } from '../../topology/derive.ts'
import type { Instant } from '../../topology/model/time.ts'
import { partitionsOf, stageOf, upstreamTasks, type Stage, type Topology } from '../../topology/model/topology.ts'
import { clock, detectorJob } from '../../topology/streams.ts'
import { at, type LogClient, type Place, type TopicPartition } from '../../streams/log-client.ts'
import type { Log } from '../../streams/log.ts'
import { Overlay } from '../../streams/memory/overlay.ts'
import { runStage } from '../../streams/run-stage.ts'
import { systemScheduler, type Scheduler } from '../../streams/scheduler.ts'
import type { Effect } from '../../streams/task/effects.ts'
import type { Commit } from '../../streams/task/journal.ts'
import { taskPlans, type TaskPlan } from '../../streams/task/plan.ts'
import { watermarkRecord } from '../../streams/task/records.ts'

export interface Foresight {
  readonly topology: Topology
  readonly app: string
  readonly client: LogClient
  readonly codec: Codec
  /** Effects that only look at the world: raw-intake and raw-reconcile. */
  readonly effects: Readonly<Record<string, Effect>>
  /** Stages that are to be reset, and to when. */
  readonly stages: readonly string[]
  readonly since: Instant
  readonly now: Instant
  readonly log: Log
  readonly scheduler?: Scheduler
  /** How long it may take. */
  readonly patienceMs?: number
}

/** A decision that a window would take. */
export interface Foreseen {
  readonly unit: string
  readonly job: DetectorJob
}

/** Where a decision about units begins; everything up to the decision runs with it. */
const ENTRANCES: readonly string[] = ['fan-out', 'raw-intake']
const WINDOWS = ['exposure-window', 'raw-reconcile'] as const

/** Whether a reset of the stage brings units before their windows again. */
export const reopensUnits = (stage: string): boolean => ENTRANCES.includes(stage) || stage === 'exposure-window'

/**
 * What the windows would decide after these resets: the very tasks run on the recorded topics, from the journals as they are, under
 * orders that nobody else sees, and nothing that they write leaves this process. Time is data, so they need no longer than it takes to read.
 *
 * @throws what would stop the task: `OrderRefused`, `DataLoss`
 */
export async function foresee(foresight: Foresight): Promise<Foreseen[]> {
  const { topology, client, codec, stages, now, scheduler = systemScheduler } = foresight
  const overlay = await Overlay.over(client, topicsOf(topology), () => scheduler.now())
  const running = [...ENTRANCES.filter(name => stages.includes(name)), ...WINDOWS].map(name => stageOf(topology, name))
  for (const stage of running) await order(overlay, foresight, stage)
  await overlay.produce(await timeUpTo(overlay, topology, running, now))
  const faults: Error[] = []
  const started = await Promise.all(running.map(stage => start(overlay, foresight, stage, it => faults.push(it))))
  try {
    const plans = running.flatMap(stage => taskPlans(foresight.app, topology, stage))
    await untilQuiet(overlay, plans, faults, foresight.patienceMs ?? 15 * 60_000)
  } finally {
    await Promise.all(started.map(each => each.stop()))
    await overlay.close()
  }
  return overlay
    .written(detectorJob.topic)
    .flatMap(({ key, value }) => (value ? [{ unit: String(key), job: codec.decode('detector-job', value) }] : []))
}

/** The offsets that Kafka's tool would set for a stage. */
export async function offsetsAt(client: LogClient, plans: readonly TaskPlan[], place: Place) {
  const inputs = [...new Map(plans.flatMap(plan => plan.inputs).map(tp => [at(tp), tp])).values()]
  const offsets = await client.offsets(inputs, place)
  return inputs.map(tp => ({ ...tp, offset: offsets.get(at(tp))!, metadata: '' }))
}

/** A stage that is not to be reset has an order too, to where it stands: by that its tasks say at once that they are there. */
async function order(overlay: Overlay, { topology, app, stages, since }: Foresight, stage: Stage): Promise<void> {
  const plans = taskPlans(app, topology, stage)
  const offsets = await offsetsAt(overlay, plans, stages.includes(stage.name) ? { since } : 'latest')
  overlay.setOffsets({ group: plans[0]!.group, offsets })
}

/** One tick with the ends as they are, and the watermarks of those who are not run. */
async function timeUpTo(overlay: Overlay, topology: Topology, running: readonly Stage[], now: Instant) {
  const entrances = topology.entrances.flatMap(stream =>
    partitions(topology, stream.topic, partitionsOf(topology, stream)),
  )
  const ends = await overlay.offsets(entrances, 'latest')
  const end = Object.fromEntries([...ends].map(([tp, offset]) => [tp, String(offset)]))
  const tick = {
    topic: clock.topic,
    partition: 0,
    key: null,
    value: Buffer.from(JSON.stringify({ t: now, end, hold: false })),
  }
  const isRun = (task: string) => running.some(stage => task.startsWith(`${stage.name}#`))
  const marks = running
    .filter(stage => stage.watermark === 'streams')
    .flatMap(stage => upstreamTasks(topology, stage))
    .filter(({ task }) => !isRun(task))
    .flatMap(({ topic, task }) => partitions(topology, topic).map(tp => watermarkRecord(tp, task, now)))
  return [tick, ...marks]
}

function partitions(topology: Topology, topic: string, count?: number): TopicPartition[] {
  const declared = () => {
    const stream = topology.stages.flatMap(({ writes }) => writes).find(it => it.topic === topic)!
    return partitionsOf(topology, stream)
  }
  return Array.from({ length: count ?? declared() }, (_, partition) => ({ topic, partition }))
}

function start(overlay: Overlay, foresight: Foresight, stage: Stage, onFatal: (error: Error) => void) {
  const { topology, app, codec, effects, log, scheduler } = foresight
  const implementation = typeof stage.run === 'object' ? { step: stage.run.step } : { effect: effects[stage.name]! }
  return runStage({
    ...{ topology, stage, app, codec, implementation, log, onFatal },
    ...(scheduler && { scheduler }),
    client: overlay,
    options: { timeCommitMs: 0 },
  })
}

/** Every task has committed that it is at the end of all its inputs; what it had written by then lies below the ends asked for after. */
async function untilQuiet(overlay: Overlay, plans: readonly TaskPlan[], faults: Error[], patienceMs: number) {
  const until = performance.now() + patienceMs
  for (;;) {
    if (faults[0]) throw faults[0]
    const commits = plans.map(({ journal }) => overlay.lastWritten(journal))
    const ends = await overlay.offsets(
      plans.flatMap(({ inputs }) => inputs),
      'latest',
    )
    const behind = plans.filter(({ inputs }, i) => {
      const commit = commits[i] && (JSON.parse(String(commits[i].value)) as Commit)
      return !commit || inputs.some(tp => BigInt(commit.offsets[at(tp)]!) < ends.get(at(tp))!)
    })
    if (behind.length === 0) return
    if (performance.now() > until)
      throw new Error(
        `not all was read within ${patienceMs / 1000} s; behind are ${behind.map(({ name }) => name).join(', ')}`,
      )
    await sleep(50)
  }
}
