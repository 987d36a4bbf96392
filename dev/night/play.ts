import { setImmediate as breathe } from 'node:timers/promises'
import type { LogeventNextVisit } from '../../schemas/avro/generated.ts'
import type { Instant } from '../../topology/model/time.ts'
import { sidecarKey } from '../../topology/raw-key.ts'
import { realClock, type Clock } from './clock.ts'
import { nextVisitOf } from './next-visit.ts'
import { objectCreated, type S3Event } from './notification.ts'
import type { DetectorPlan, ExposurePlan, NightPlan, VisitPlan } from './plan.ts'
import { headerFits, primaryHeader, rawFits, rawKeyOf, sidecarBytes } from './raw.ts'
import type { RenderedNight } from './render.ts'

/** The world that a night happens to. */
export interface NightPorts {
  readonly announce: (visit: LogeventNextVisit) => Promise<void>
  readonly putObject: (key: string, bytes: Uint8Array) => Promise<void>
  readonly notify: (event: S3Event) => Promise<void>
}

export interface Night {
  readonly plan: NightPlan
  readonly rendered: RenderedNight
  /** Bucket named in the notifications. */
  readonly bucket: string
  readonly ports: NightPorts
  /** How announcements and raws come about; as planned where it is not said. */
  readonly manner?: Manner
  readonly clock?: Clock
  readonly signal?: AbortSignal
  readonly progress?: (event: NightEvent) => void
}

/** One object on its way into the bucket. Each verb may be said more than once. */
export interface Upload {
  /** Changed on the way, where that is said. */
  readonly put: (change?: (bytes: Uint8Array) => Uint8Array) => Promise<void>
  /** Tells of the last put; `beside` are further records of the same notification. */
  readonly notify: (beside?: S3Event['Records']) => Promise<void>
}

/** One raw at the moment of its readout. */
export interface RawInHand {
  readonly visit: VisitPlan
  readonly exposure: ExposurePlan
  readonly detector: number
  readonly key: string
  /** When the visit was announced. */
  readonly announcedAt: Instant
  readonly sidecar: Upload
  readonly image: Upload
  readonly until: (instant: Instant) => Promise<void>
}

/** One announcement at its moment. */
export interface VisitInHand {
  readonly visit: VisitPlan
  readonly announcement: LogeventNextVisit
  readonly until: (instant: Instant) => Promise<void>
}

/** How things come about: a night's good manners, or adversity. */
export interface Manner {
  readonly announce: (it: VisitInHand, send: NightPorts['announce']) => Promise<void>
  readonly deliver: (raw: RawInHand) => Promise<void>
  /** Raws of the visit's first exposure that are there before it is announced. */
  readonly isEarly: (visit: VisitPlan, detector: number) => boolean
}

/** The sidecar first, as at the summit; each object's notification follows it. */
export async function arrive({ sidecar, image }: Pick<RawInHand, 'sidecar' | 'image'>): Promise<void> {
  for (const object of [sidecar, image]) {
    await object.put()
    await object.notify()
  }
}

const asPlanned: Manner = {
  announce: ({ announcement }, send) => send(announcement),
  deliver: arrive,
  isEarly: () => false,
}

/** What has just happened; `at` in ms UTC by the simulator's clock. */
export type NightEvent =
  | { readonly kind: 'announced'; readonly visit: VisitPlan; readonly at: Instant }
  | { readonly kind: 'exposing'; readonly visit: VisitPlan; readonly snap: number; readonly at: Instant }
  | { readonly kind: 'raw'; readonly visit: VisitPlan; readonly raw: PlayedRaw; readonly at: Instant }

/** When one raw came about, ms UTC. Latencies count from `putAt`, the end of the readout. */
export interface PlayedRaw {
  readonly group: string
  readonly exposure: bigint
  readonly detector: number
  readonly key: string
  readonly closedAt: Instant
  /** When the sidecar began to be put, right before the image. */
  readonly putAt: Instant
  /** When its last object or notification had been accepted. */
  readonly notifiedAt: Instant
}

/**
 * Plays a night in real time: announcements, then sidecars and raws with their notifications, each at its planned instant. The plan's
 * start must lie ahead: take `startingAt(plan, now + a second)`. Visits overlap as the plan has them; the detectors of an exposure
 * arrive at the same time, in the manner that was asked for. Resolves with every raw that came, in order of exposure and detector, when the last has been notified.
 * Rejects, and stops everything else, at the first port that fails, or with the signal's reason when aborted.
 */
export async function playNight(night: Night): Promise<readonly PlayedRaw[]> {
  const clock = night.clock ?? realClock
  const late = clock.now() - night.plan.options.start
  if (late > 0) throw new Error(`The night was to begin ${late} ms ago; a plan must start in the future (startingAt).`)
  const failure = new AbortController()
  const signal = night.signal ? AbortSignal.any([night.signal, failure.signal]) : failure.signal
  const visits = night.plan.visits.map(async visit => {
    try {
      return await playVisit({ ...night, clock, signal, manner: night.manner ?? asPlanned }, visit)
    } catch (error) {
      failure.abort(error)
      throw error
    }
  })
  await Promise.allSettled(visits)
  return (await Promise.all(visits)).flat()
}

type Playing = Night & { readonly clock: Clock; readonly signal: AbortSignal; readonly manner: Manner }

/** How long before the announcement an early raw is there, ms. */
const EARLY_MS = 1000

async function playVisit(night: Playing, visit: VisitPlan): Promise<PlayedRaw[]> {
  const { plan, ports, clock, signal, manner, progress } = night
  const until = (instant: Instant) => clock.until(instant, signal)
  const isEarly = ({ id }: DetectorPlan) => manner.isEarly(visit, id)
  const deliveries: Promise<PlayedRaw | undefined>[] = []
  const deliver = (exposure: ExposurePlan, files: readonly RawFiles[], announcedAt: Instant) => {
    const begun = files.map(raw => deliverRaw(night, visit, exposure, raw, announcedAt))
    deliveries.push(...begun)
    // Awaited at the end; a failure before must stop the night, and not the process.
    for (const delivery of begun) delivery.catch(() => undefined)
    return begun
  }
  const [first] = visit.exposures
  if (first && plan.detectors.some(isEarly)) {
    await until(visit.announceAt - EARLY_MS)
    const files = await writeRaws(night, visit, first, plan.detectors.filter(isEarly))
    await Promise.all(deliver(first, files, visit.announceAt))
  }
  await until(visit.announceAt)
  const at = clock.now()
  const announcement = nextVisitOf(plan, visit, at)
  await manner.announce({ visit, announcement, until }, ports.announce)
  progress?.({ kind: 'announced', visit, at })
  for (const exposure of visit.exposures) {
    const waiting = plan.detectors.filter(it => exposure !== first || !isEarly(it))
    const files = await writeRaws(night, visit, exposure, waiting)
    await until(exposure.opensAt)
    progress?.({ kind: 'exposing', visit, snap: exposure.snap, at: clock.now() })
    await until(exposure.putAt)
    void deliver(exposure, files, at)
  }
  await Promise.allSettled(deliveries)
  return (await Promise.all(deliveries)).filter(raw => raw !== undefined)
}

interface RawFiles {
  readonly detector: DetectorPlan
  readonly key: string
  readonly image: Uint8Array
  readonly sidecar: Uint8Array
}

/** Files of one exposure, written while it is ahead: about 10 ms each, one a turn of the event loop, so that no other visit waits. */
async function writeRaws(
  { plan, rendered }: Playing,
  visit: VisitPlan,
  exposure: ExposurePlan,
  detectors: readonly DetectorPlan[],
): Promise<RawFiles[]> {
  const files: RawFiles[] = []
  for (const detector of detectors) {
    await breathe()
    const header = primaryHeader(plan, visit, exposure, detector)
    const { raws } = rendered.exposure(visit, exposure, detector)
    const image = plan.options.pixels ? rawFits(header, rendered.chipOf(detector), raws) : headerFits(header)
    files.push({ detector, key: rawKeyOf(plan, visit, exposure, detector), image, sidecar: sidecarBytes(header) })
  }
  return files
}

/** Undefined for a raw that never came. */
async function deliverRaw(
  night: Playing,
  visit: VisitPlan,
  exposure: ExposurePlan,
  { detector, key, image, sidecar }: RawFiles,
  announcedAt: Instant,
): Promise<PlayedRaw | undefined> {
  const { clock, signal, manner, progress } = night
  let putAt: Instant | undefined
  const upload = (name: string, bytes: Uint8Array) => uploadOf(night, name, bytes, () => (putAt ??= clock.now()))
  await manner.deliver({
    ...{ visit, exposure, detector: detector.id, key, announcedAt },
    sidecar: upload(sidecarKey(key), sidecar),
    image: upload(key, image),
    until: instant => clock.until(instant, signal),
  })
  if (putAt === undefined) return undefined
  const { group } = visit
  const raw = { group, exposure: exposure.id, detector: detector.id, key, closedAt: exposure.closesAt, putAt }
  const played = { ...raw, notifiedAt: clock.now() }
  progress?.({ kind: 'raw', visit, raw: played, at: played.notifiedAt })
  return played
}

function uploadOf(
  { bucket, ports, clock, signal }: Playing,
  name: string,
  bytes: Uint8Array,
  begun: () => void,
): Upload {
  let created: S3Event | undefined
  return {
    put: async (change = whole => whole) => {
      signal.throwIfAborted()
      begun()
      await ports.putObject(name, change(bytes))
      // The store tells the size of the whole, also of a transfer that was cut.
      created = objectCreated(bucket, name, bytes, clock.now())
    },
    notify: async (beside = []) => {
      signal.throwIfAborted()
      if (!created) throw new Error(`${name} was never put: there is nothing to tell of it`)
      await ports.notify({ Records: [...beside, ...created.Records] })
    },
  }
}
