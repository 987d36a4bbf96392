import { codecWith } from '../../schemas/codec.ts'
import { contractNames } from '../../schemas/schemas.ts'
import type { Stream } from '../../topology/model/stream.ts'
import type { Instant } from '../../topology/model/time.ts'
import { stageOf, upstreamTasks, type Topology } from '../../topology/model/topology.ts'
import { visitKey } from '../../topology/identifiers.ts'
import { promptTopology } from '../../topology/prompt.ts'
import {
  control,
  detectorJob,
  detectorResult,
  detectorVisit,
  nextVisit,
  nextVisitCanceled,
  rawLate,
  rawNotification,
  rawUnclaimed,
  visit,
  visitSummary,
} from '../../topology/streams.ts'
import { NIGHT } from '../../topology/testing/announcements.ts'
import { listings } from '../raws/listings.ts'
import { rawIntake } from '../raws/raw-intake.ts'
import { rawReconcile } from '../raws/raw-reconcile.ts'
import { sidecars } from '../raws/sidecars.ts'
import { memoryBucket } from '../raws/testing/bucket.ts'
import { encodeState } from '../task/json.ts'
import { watermarkRecord } from '../task/records.ts'
import { BUCKET, FULL, secondsOf, settings, type Deed } from './adverse-night.ts'
import { Driver, type DrivenProcess } from './driver.ts'
import { settle } from './virtual-time.ts'

/** The stages from the entrances to the decisions about a unit. Each runs in a process of its own, so that each can stop alone. */
export const FRONT_HALF = ['fan-out', 'raw-intake', 'exposure-window', 'raw-reconcile'] as const
/** With the stage behind the ledger that decides by time; the ledger and publish are played. */
export const WITH_VISITS = [...FRONT_HALF, 'visit-window'] as const
export type FrontStage = (typeof WITH_VISITS)[number]

export interface Stop {
  readonly stages: readonly FrontStage[]
  readonly at: Instant
  readonly until: Instant
  /** Whether the process is killed, or drained. */
  readonly kill: boolean
}

/** What was decided: when the stages had started again after the last stop and no time had passed since, and in the end. */
export interface Decided {
  readonly afterStop: readonly string[]
  readonly inTheEnd: readonly string[]
  /** Faults of the runtime, and records that were parked. */
  readonly wrong: readonly string[]
}

export interface FrontHalfSetup {
  readonly partitions?: number
  readonly tickMs?: number
  /** Records per transaction: with small ones a watermark taken too early shows, as what it overtook is not in the same transaction. */
  readonly maxBatch?: number
  /** Whether the listing tells what is in the bucket, or finds nothing. A truthful one hides a broken watermark. */
  readonly listing: 'truthful' | 'blind'
  /** Between two visits, seconds. */
  readonly gapS?: number
  /** Whether publish tells how detectors ended, and visits are summed up. */
  readonly results?: boolean
}

/** A sidecar comes so many turns after it was asked for, so that ticks pass by a raw whose group is not known yet. */
const SIDECAR_TURNS = 12
/** After a start so many turns are enough for all that may go on without time: transactions of one record, sidecars one after the other. */
const TURNS_UNTIL_QUIET = 400
/** The clock's ε. */
const EPSILON_MS = 1_000
export const codec = codecWith(new Map(contractNames.map((name, i) => [name, i + 1])))

/**
 * Plays a night to the front half of the real topology, on the real task loop in memory and on virtual time; the entrances and the
 * clock go on through the stop.
 */
export async function playNight(
  deeds: readonly Deed[],
  setup: FrontHalfSetup,
  stops: readonly Stop[] = [],
): Promise<Decided> {
  const { partitions = 6, tickMs = 1_000, maxBatch = 500, listing, gapS, results = false } = setup
  const topology: Topology = promptTopology({ partitions, settings })
  const store = memoryBucket()
  const driver = Driver.prepare({
    topology,
    codec,
    effects: effectsOn(store, () => listing),
    startAt: NIGHT - 60_000,
    options: { timeCommitMs: 0, maxBatch },
  })
  const processes = new Map<FrontStage, DrivenProcess>()
  const start = async (stages: readonly FrontStage[]) => {
    for (const stage of stages) processes.set(stage, await driver.process(undefined, [stage]))
  }
  const halt = async ({ stages, kill }: Stop) => {
    for (const stage of stages) await (kill ? processes.get(stage)!.crash() : processes.get(stage)!.stop())
  }
  let afterStop: string[] = []
  const resume = async (stop: Stop) => {
    await start(stop.stages)
    // Promises alone: not a millisecond of virtual time passes, so nothing here can have waited for it.
    await turns(TURNS_UNTIL_QUIET)
    if (stop === stops.at(-1)) afterStop = decisionsOf(driver)
  }
  const agenda = [
    ...deeds.map(deed => ({ t: deed.t, act: () => perform(driver, store, deed) })),
    ...ticksOf(tickMs, gapS).map(t => ({ t, act: () => driver.tick(t - EPSILON_MS) })),
    ...(results ? publishes(driver, topology, deeds, ticksOf(tickMs, gapS)) : []),
    ...stops.flatMap(stop => [
      { t: stop.at, act: () => halt(stop) },
      { t: stop.until, act: () => resume(stop) },
    ]),
  ].sort((a, b) => a.t - b.t)

  await start(results ? WITH_VISITS : FRONT_HALF)
  for (const { t, act } of agenda) {
    await driver.advance(Math.max(0, t - driver.time.now()))
    await act()
  }
  const wrong = [...driver.fatal.map(String), ...driver.parked().map(({ reason }) => reason)]
  return { afterStop, inTheEnd: decisionsOf(driver), wrong }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await settle()
}

/** What publish would tell: each third detector never ends, the others a while after their announcement; and its own time at each tick. */
function publishes(driver: Driver, topology: Topology, deeds: readonly Deed[], ticks: readonly Instant[]) {
  const announced = deeds.flatMap(deed => (deed.kind === 'announce' ? [{ t: deed.t, value: deed.value }] : []))
  const tell = ({ t, value }: (typeof announced)[number], detector: number) => ({
    t: t + 20_000 + 500 * detector,
    act: () =>
      driver.feed(detectorResult, visitKey(value.instrument, value.groupId), resultOf(value.groupId, detector)),
  })
  const own = upstreamTasks(topology, stageOf(topology, 'visit-window')).filter(it => it.topic === detectorResult.topic)
  const time = (t: Instant) => ({
    t,
    act: async () => {
      for (const { topic, task } of own)
        driver.broker.append(own.map((_, partition) => watermarkRecord({ topic, partition }, task, t - EPSILON_MS)))
    },
  })
  return [
    ...announced.flatMap(visited => [0, 1, 3, 4, 6, 7].map(detector => tell(visited, detector))),
    ...ticks.map(time),
  ]
}

const resultOf = (group: string, detector: number) => ({
  ...{ instrument: 'LSSTComCam', group, detector, attempt: 0, state: 'published', inputs: 'complete', reason: null },
  ...{ detail: null, visit: null, exposures: [], pipeline: 'ApPipe', diaSources: 1, diaObjects: 1, alerts: 1 },
  ...{ products: [], deadline: NIGHT, announcedAt: null, lastRawAt: null, readyAt: null, leasedAt: null },
  ...{ reportedAt: null, terminalAt: null, epoch: null, committedAtMjdTai: null },
})

const ticksOf = (tickMs: number, gapS?: number): Instant[] =>
  Array.from(
    { length: Math.ceil(((secondsOf({ ...FULL, ...(gapS !== undefined && { gapS }) }) + 60) * 1000) / tickMs) },
    (_, i) => NIGHT - 60_000 + i * tickMs,
  )

export type Store = ReturnType<typeof memoryBucket>

/** raw-intake and raw-reconcile on the bucket; `listing` is asked at each listing. */
export function effectsOn({ bucket }: Store, listing: () => FrontHalfSetup['listing']) {
  const slow = {
    ...bucket,
    get: async (name: string, key: string) => {
      await turns(SIDECAR_TURNS)
      return bucket.get(name, key)
    },
  }
  const known = sidecars({ bucket: slow, tries: 1, pauseMs: 0, pause: async () => {}, capacity: 1000 })
  const nothing = async function* (): AsyncGenerator<never> {}
  const listed: typeof bucket = {
    ...bucket,
    list: (...asked) => (listing() === 'blind' ? nothing() : bucket.list(...asked)),
    folders: (...asked) => (listing() === 'blind' ? nothing() : bucket.folders(...asked)),
  }
  const log = { warn: () => {} }
  return {
    'raw-intake': rawIntake(known, BUCKET),
    'raw-reconcile': rawReconcile(listings({ bucket: listed, rawBucket: BUCKET, sidecars: known, log })),
  }
}

const SAL = {
  ...{ private_sndStamp: 0, private_rcvStamp: 0, private_seqNum: 1n, private_identity: 'ScriptQueue:1' },
  ...{ private_origin: 1n, private_revCode: 'x', private_efdStamp: 0, private_kafkaStamp: 0 },
  ...{ salIndex: 1n, scriptSalIndex: 200_023n },
}

/** What the world does. */
export async function perform(driver: Driver, store: Store, deed: Deed): Promise<void> {
  switch (deed.kind) {
    case 'announce':
      return driver.feed(nextVisit, '', deed.value)
    case 'cancel':
      return driver.feed(nextVisitCanceled, '', { ...SAL, groupId: deed.group })
    case 'order':
      return driver.feed(control, deed.value.instrument, deed.value)
    case 'put':
      return void store.put(deed.key, deed.header ?? 'pixels', driver.time.now())
    case 'notify': {
      const object = { key: encodeURIComponent(deed.key), size: 6 }
      const event = { Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: BUCKET }, object } }] }
      return driver.feed(rawNotification, '', event, { partition: deed.partition })
    }
  }
}

/**
 * What fan-out and exposure-window have decided, as text, in no order. Without the numbers, and without `withdrawn`, which is a hint
 * to let a preload go: it is said only where the cancellation is read before the set is complete.
 */
function decisionsOf(driver: Driver): string[] {
  const decided = (stream: Stream) =>
    driver.outputs(stream).flatMap(({ key, at, value }) => {
      const { number: _, ...rest } = value as { number?: number; kind?: string }
      if (stream === detectorJob && rest.kind === 'withdrawn') return []
      return [`${stream.topic} ${key} @${at - NIGHT} ${encodeState(rest).toString()}`]
    })
  return [visit, detectorVisit, detectorJob, rawLate, rawUnclaimed, visitSummary].flatMap(decided).sort()
}
