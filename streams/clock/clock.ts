import type { Codec } from '../../schemas/codec.ts'
import { encodeTick } from '../../schemas/json/clock-tick.ts'
import { partitionsOf, type Stage, type Topology } from '../../topology/model/topology.ts'
import { clock } from '../../topology/streams.ts'
import type { LogClient, TopicPartition } from '../log-client.ts'
import type { Log } from '../log.ts'
import type { Meter } from '../meter.ts'
import { runService, type ServiceTask } from '../run-service.ts'
import { sleep, systemScheduler, type Scheduler } from '../scheduler.ts'
import { eventHeaders } from '../task/records.ts'

export interface ClockOptions {
  readonly periodMs: number
  /** ε: how far a broker's append time may lag behind our clock. What was appended before `t` surely lies below `end`. */
  readonly epsilonMs: number
  /** Whether an operator withholds time. */
  readonly isHeld: () => boolean
}
export const defaultClockOptions: ClockOptions = { periodMs: 1_000, epsilonMs: 1_000, isHeld: () => false }

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
  const { topology, client, scheduler = systemScheduler } = run
  const options = { ...defaultClockOptions, ...run.options }
  const entrances = timedEntrances(topology)
  const start = async (task: ServiceTask) => {
    for (let next = scheduler.now(); !task.signal.aborted;) {
      await tick(task, client, entrances, scheduler.now() - options.epsilonMs, options.isHeld())
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
  t: number,
  hold: boolean,
): Promise<void> {
  const ends = await client.offsets(entrances, 'latest')
  const end = Object.fromEntries([...ends].map(([input, offset]) => [input, String(offset)]))
  const value = encodeTick({ t, end, hold })
  await task.commit([{ topic: clock.topic, partition: 0, key: null, value, headers: eventHeaders(t, 0) }])
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
