import type { Codec } from '../../schemas/codec.ts'
import type { Event, Replay } from '../../topology/model/step.ts'
import { groupOf, topicsOf } from '../../topology/derive.ts'
import type { Stream } from '../../topology/model/stream.ts'
import type { Instant } from '../../topology/model/time.ts'
import {
  partitionsOf,
  stageOf,
  upstreamTasks,
  type AnyStep,
  type Stage,
  type Topology,
} from '../../topology/model/topology.ts'
import { clock, parked } from '../../topology/streams.ts'
import { at, type LogRecord, type TopicPartition } from '../log-client.ts'
import type { Log } from '../log.ts'
import type { Meter } from '../meter.ts'
import { MemoryBroker, type BrokerOptions } from '../memory/broker.ts'
import { MemoryClient } from '../memory/client.ts'
import type { Fate } from '../memory/wire.ts'
import { partitionFor } from '../partitioner.ts'
import { runService, type ServiceTask } from '../run-service.ts'
import { runStage, type StageOptions } from '../run-stage.ts'
import { encodeValue, eventHeaders, Reader, watermarkRecord } from '../task/records.ts'
import { planOf, taskPlans } from '../task/plan.ts'
import type { Effect } from '../task/effects.ts'
import { seeded, settle, VirtualTime } from './virtual-time.ts'

export interface DriverSetup {
  readonly topology: Topology
  /** Stages to run, by name; by default all steps, and all effects and services given here. */
  readonly stages?: readonly string[]
  readonly effects?: Readonly<Record<string, Effect>>
  /** Loops of the services to run, and the table of each that has one. */
  readonly services?: Readonly<
    Record<string, { readonly start: (task: ServiceTask) => Promise<void>; readonly table?: Stream }>
  >
  /** Configuration of each step. */
  readonly shared?: Readonly<Record<string, unknown>>
  readonly codec: Codec
  readonly options?: Partial<StageOptions>
  readonly startAt?: Instant
  /** Where the world around it needs the time too. */
  readonly time?: VirtualTime
  readonly seed?: number
  readonly broker?: BrokerOptions
  /** What each stage counts with. */
  readonly meter?: (stage: string) => Meter
  /** What each process is connected with; a plain `MemoryClient` when not said. */
  readonly client?: (broker: MemoryBroker, name: string, fate?: Fate) => MemoryClient
}

/** One process of the deployment: it can crash, freeze, stop cleanly. */
export interface DrivenProcess {
  readonly client: MemoryClient
  crash(): Promise<void>
  stop(): Promise<void>
}

/** A committed record, as a reader outside would see it. */
export interface Seen extends Event {
  readonly partition: number
  readonly offset: bigint
}

/**
 * Runs a topology, or some of its stages, in memory on the real task loop and on virtual time. Nothing moves but by its calls:
 *
 *     const night = await Driver.start({ topology, codec, stages: ['exposure-window'] })
 *     await night.feed(detectorVisit, key, announced, { at: 1000 })
 *     await night.watermark('exposure-window', 61_000)
 *     expect(night.outputs(rawWanted)).toEqual([…])
 *
 * Every state is frozen, so that a step which changes one in place fails.
 */
export class Driver {
  readonly time: VirtualTime
  readonly broker: MemoryBroker
  readonly log: { readonly level: string; readonly facts: object; readonly sentence: string }[] = []
  /** Faults that would stop a process. */
  readonly fatal: Error[] = []
  readonly #setup: DriverSetup
  #processes = 0

  private constructor(setup: DriverSetup) {
    this.#setup = setup
    this.time = setup.time ?? new VirtualTime(setup.startAt ?? 0, seeded(setup.seed ?? 1))
    this.broker = new MemoryBroker(() => this.time.now(), setup.broker)
    for (const spec of topicsOf(setup.topology)) this.broker.createTopic(spec)
  }

  /** With one process running. */
  static async start(setup: DriverSetup): Promise<Driver & { readonly first: DrivenProcess }> {
    const driver = new Driver(setup)
    return Object.assign(driver, { first: await driver.process() })
  }
  /** With no process yet. */
  static prepare(setup: DriverSetup): Driver {
    return new Driver(setup)
  }

  /** Starts one more process, which runs all the stages, or those that are named; `topology`: of another version than the others'. */
  async process(fate?: Fate, names?: readonly string[], topology = this.#setup.topology): Promise<DrivenProcess> {
    const name = `process-${++this.#processes}`
    const client = this.#setup.client?.(this.broker, name, fate) ?? new MemoryClient(this.broker, name, fate)
    const stages = names?.map(name => stageOf(topology, name)) ?? this.#stages(topology)
    const starting = stages.map(stage => this.#runStage(topology, stage, client))
    let refused: { readonly error: unknown } | undefined
    Promise.all(starting).catch((error: unknown) => (refused = { error }))
    await settle()
    if (refused) throw refused.error
    return {
      client,
      crash: async () => {
        client.crash()
        await settle()
      },
      stop: async () => {
        const stopping = Promise.all(starting).then(running => Promise.all(running.map(each => each.stop())))
        await settle()
        await stopping
      },
    }
  }

  /** Appends a record to a stream: at an entrance it enters now; elsewhere its header says when it entered (default: now). */
  async feed(
    stream: Stream,
    key: string,
    value: unknown,
    more: { at?: Instant; replay?: Replay; partition?: number } = {},
  ): Promise<void> {
    const bytes = encodeValue(this.#setup.codec, stream, value)
    await this.feedBytes(stream, key, bytes, more)
  }
  /** The same with bytes as they come: poison, for example. */
  async feedBytes(
    stream: Stream,
    key: string,
    value: Buffer | null,
    more: { at?: Instant; replay?: Replay; partition?: number } = {},
  ): Promise<void> {
    const partition = more.partition ?? partitionFor(key, partitionsOf(this.#setup.topology, stream))
    const headers = eventHeaders(more.at ?? this.time.now(), more.replay ?? 0)
    const tp = { topic: stream.topic, partition }
    this.broker.append([{ ...tp, key: key === '' ? null : Buffer.from(key), value, headers }])
    await settle()
  }

  /**
   * One tick of the clock, with the ends of all entrances as they are, or of other streams. Time passes until then: no tick is believed
   * that is ahead of the broker.
   */
  async tick(t: Instant = this.time.now(), hold = false, streams = this.#setup.topology.entrances): Promise<void> {
    await this.advance(Math.max(0, t - this.time.now()))
    const end = Object.fromEntries(
      streams
        .flatMap(stream => partitions(this.#setup.topology, stream))
        .map(tp => [at(tp), String(this.broker.partition(tp).highWatermark)]),
    )
    await this.feed(clock, '', { t, end, hold }, { partition: 0 })
  }
  /** Every task upstream of the stage says that its time is `t`, on every partition. */
  async watermark(stage: string, t: Instant): Promise<void> {
    const { topology } = this.#setup
    for (const { topic, task } of upstreamTasks(topology, stageOf(topology, stage))) {
      const stream = stageOf(topology, stage).reads.find(each => each.topic === topic)!
      this.broker.append(partitions(topology, stream).map(tp => watermarkRecord(tp, task, t)))
    }
    await settle()
  }
  /**
   * What `kafka-consumer-groups --reset-offsets --all-topics --to-datetime` does to a stage: it refuses a group with members, and sets
   * the offset of every partition for which the group has one. `only` some topics, where the operator names them.
   */
  reset(name: string, since: Instant, only?: readonly string[]): void {
    const { topology } = this.#setup
    const group = groupOf('test', name)
    if (this.broker.group(group).members().size > 0)
      throw new Error(`assignments can only be reset if ${group} is inactive`)
    const inputs = taskPlans('test', topology, stageOf(topology, name)).flatMap(plan => plan.inputs)
    const known = inputs.filter(tp => this.broker.committed(group, tp) && (only?.includes(tp.topic) ?? true))
    const offsets = known.map(tp => ({
      ...tp,
      offset: BigInt(this.broker.partition(tp).offset({ since })),
      metadata: '',
    }))
    this.broker.setOffsets({ group, offsets })
  }
  /** Lets time pass; timers fire in order. */
  async advance(ms: number): Promise<void> {
    await this.time.advanceTo(this.time.now() + ms)
  }

  /** Committed records of a stream, partition by partition, without watermarks. */
  outputs(stream: Stream): Seen[] {
    const { topology, codec } = this.#setup
    const reader = new Reader(planOf('test', topology, readingStage(stream), 0), codec)
    return this.records(stream).flatMap(record => {
      const move = reader.read(record)
      if (move?.kind === 'refusal') throw new Error(`${stream.topic}: ${move.reason}`)
      return move?.kind === 'event' ? [{ ...move.event, partition: record.partition, offset: record.offset }] : []
    })
  }
  /** Committed records of a topic as bytes, watermarks included. */
  records(stream: Stream): LogRecord[] {
    return partitions(this.#setup.topology, stream).flatMap(tp => this.broker.committedRecords(tp))
  }
  parked() {
    return this.outputs(parked).map(({ value }) => value as { topic: string; code: string; reason: string })
  }

  #stages(topology: Topology): Stage[] {
    const { stages, effects, services } = this.#setup
    if (stages) return stages.map(name => stageOf(topology, name))
    return topology.stages.filter(({ name, run }) => typeof run === 'object' || effects?.[name] || services?.[name])
  }
  #runStage(topology: Topology, stage: Stage, client: MemoryClient): Promise<{ stop(): Promise<void> }> {
    const { codec, options, shared, effects, services, meter } = this.#setup
    const service = services?.[stage.name]
    const effect = effects?.[stage.name]
    const step = typeof stage.run === 'object' ? stage.run.step : undefined
    const implementation = effect ? { effect } : step ? { step: frozen(step) } : undefined
    const note = (level: string) => (facts: object, sentence: string) => void this.log.push({ level, facts, sentence })
    const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
    const onFatal = (error: Error) => void this.fatal.push(error)
    const run = { topology, stage, client, codec, log, app: 'test', scheduler: this.time, onFatal }
    if (service) return runService({ ...run, ...service })
    if (!implementation) throw new Error(`${stage.name} is no step: give its effect to the driver`)
    return runStage({
      ...{ ...run, implementation },
      ...(meter && { meter: meter(stage.name) }),
      shared: shared?.[stage.name],
      options: { timeCommitMs: 0, ...options },
    })
  }
}

const partitions = (topology: Topology, stream: Stream): TopicPartition[] =>
  Array.from({ length: partitionsOf(topology, stream) }, (_, partition) => ({ topic: stream.topic, partition }))

/** A reader of one stream alone: nothing is expected of its time. */
const readingStage = (stream: Stream): Stage => ({
  name: 'test',
  summary: '',
  role: 'steps',
  reads: [stream],
  writes: [],
  tasks: 1,
  run: 'effect',
})

/** The same step, whose states cannot be changed in place. */
function frozen(step: AnyStep): AnyStep {
  const plain = step as unknown as { on(...args: unknown[]): { state: unknown } }
  return {
    ...step,
    on: (...args: unknown[]) => {
      const result = plain.on(...args)
      return { ...result, state: deepFreeze(result.state) }
    },
  } as unknown as AnyStep
}
function deepFreeze(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(deepFreeze)
  }
  return value
}
