import type { Codec } from '../../schemas/codec.ts'
import { encodeTick } from '../../schemas/json/clock-tick.ts'
import { partitionsOf, type Stage, type Topology } from '../../topology/model/topology.ts'
import { clock, control, type ClockTick } from '../../topology/streams.ts'
import type { LogClient, TopicPartition } from '../log-client.ts'
import type { Log } from '../log.ts'
import type { Meter } from '../meter.ts'
import { runService, type ServiceTask } from '../run-service.ts'
import { sleep, systemScheduler, type Scheduler } from '../scheduler.ts'
import { eventHeaders } from '../task/records.ts'
import { Holds } from './holds.ts'

export interface ClockOptions {
  readonly periodMs: number
  /** ε: how far a broker's append time may lag behind our clock. What was appended before `t` surely lies below `end`. */
  readonly epsilonMs: number
}
export const defaultClockOptions: ClockOptions = { periodMs: 1_000, epsilonMs: 1_000 }

export interface ClockRun {
  readonly topology: Topology
  readonly stage: Stage
  readonly client: LogClient
  readonly codec: Codec
  readonly app: string
  readonly options?: Partial<ClockOptions>
  /** After this long without a heartbeat another instance takes over; the runtime's default where it is not said. */
  readonly sessionTimeoutMs?: number
  readonly scheduler?: Scheduler
  readonly log: Log
  readonly meter?: Meter
  readonly onFatal: (error: Error) => void
}

/**
 * The clock service: the only place where wall clock enters. Every period it writes `{ t, end, hold }` to `clock`, `t` read before
 * the ends, less ε. So a reader that has processed an entrance up to `end` has seen all that was appended there before `t`.
 * Several may be started: the group gives its one task to one of them, and the fence keeps any other from writing.
 */
export function runClock(run: ClockRun): Promise<{ stop(): Promise<void> }> {
  const { topology, stage, client, codec, log, scheduler = systemScheduler } = run
  const options = { ...defaultClockOptions, ...run.options }
  const entrances = timedEntrances(topology)
  const start = async (task: ServiceTask) => {
    const holds = new Holds(codec, log)
    let deaf: { readonly error: unknown } | undefined
    if (stage.reads.some(({ topic }) => topic === control.topic))
      await holds.follow(client, task.signal, error => (deaf = { error }))
    for (let next = scheduler.now(); !task.signal.aborted;) {
      if (deaf) throw deaf.error
      const { epsilonMs } = options
      const now = scheduler.now()
      await tick(task, client, entrances, { t: now - epsilonMs, ...holds.said(now), epsilonMs })
      next = Math.max(next + options.periodMs, scheduler.now())
      await sleep(scheduler, next - scheduler.now(), task.signal)
    }
  }
  const { sessionTimeoutMs } = run
  return runService({ ...run, start, scheduler, options: sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs } })
}

async function tick(
  task: ServiceTask,
  client: LogClient,
  entrances: readonly TopicPartition[],
  said: Pick<ClockTick, 't' | 'hold' | 'heldUntil' | 'epsilonMs'>,
): Promise<void> {
  const ends = await client.offsets(entrances, 'latest')
  const end = Object.fromEntries([...ends].map(([input, offset]) => [input, String(offset)]))
  const value = encodeTick({ ...said, end })
  await task.commit([{ topic: clock.topic, partition: 0, key: null, value, headers: eventHeaders(said.t, 0) }])
}

/** Partitions of what stages read by the clock. */
function timedEntrances(topology: Topology): TopicPartition[] {
  const streams = topology.stages
    .filter(({ watermark }) => watermark === 'clock')
    .flatMap(({ reads }) => reads.filter(({ topic }) => topic !== clock.topic))
  const once = [...new Map(streams.map(stream => [stream.topic, stream])).values()]
  return once.flatMap(stream =>
    Array.from({ length: partitionsOf(topology, stream) }, (_, partition) => ({ topic: stream.topic, partition })),
  )
}
