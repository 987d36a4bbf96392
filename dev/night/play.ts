import { setImmediate as breathe } from 'node:timers/promises'
import type { LogeventNextVisit } from '../../schemas/avro/generated.ts'
import type { Instant } from '../../topology/model/time.ts'
import { sidecarKey } from '../../topology/raw-key.ts'
import { realClock, type Clock } from './clock.ts'
import { nextVisitOf } from './next-visit.ts'
import { objectCreated, type S3Event } from './notification.ts'
import type { DetectorPlan, ExposurePlan, NightPlan, VisitPlan } from './plan.ts'
import { primaryHeader, rawFits, rawKeyOf, sidecarBytes } from './raw.ts'
import type { RenderedNight } from './render.ts'

/** The world that a night happens to. */
export interface NightPorts {
  announce(visit: LogeventNextVisit): Promise<void>
  putObject(key: string, bytes: Uint8Array): Promise<void>
  notify(event: S3Event): Promise<void>
}

export interface Night {
  readonly plan: NightPlan
  readonly rendered: RenderedNight
  /** Bucket named in the notifications. */
  readonly bucket: string
  readonly ports: NightPorts
  readonly clock?: Clock
  readonly signal?: AbortSignal
  readonly progress?: (event: NightEvent) => void
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
  /** When image and notification had been accepted. */
  readonly notifiedAt: Instant
}

/**
 * Plays a night in real time: announcements, then sidecars and raws with their notifications, each at its planned instant. The plan's
 * start must lie ahead: take `startingAt(plan, now + a second)`. Visits overlap as the plan has them; the detectors of an exposure
 * arrive at the same time. Resolves with every raw, in order of exposure and detector, when the last has been notified.
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
      return await playVisit({ ...night, clock, signal }, visit)
    } catch (error) {
      failure.abort(error)
      throw error
    }
  })
  await Promise.allSettled(visits)
  return (await Promise.all(visits)).flat()
}

type Playing = Night & { readonly clock: Clock; readonly signal: AbortSignal }

async function playVisit(night: Playing, visit: VisitPlan): Promise<PlayedRaw[]> {
  const { plan, ports, clock, signal, progress } = night
  await clock.until(visit.announceAt, signal)
  const at = clock.now()
  await ports.announce(nextVisitOf(plan, visit, at))
  progress?.({ kind: 'announced', visit, at })
  const played: PlayedRaw[] = []
  for (const exposure of visit.exposures) {
    const raws = await writeRaws(night, visit, exposure)
    await clock.until(exposure.opensAt, signal)
    progress?.({ kind: 'exposing', visit, snap: exposure.snap, at: clock.now() })
    await clock.until(exposure.putAt, signal)
    played.push(...(await Promise.all(raws.map(raw => arrive(night, visit, exposure, raw)))))
  }
  return played
}

interface RawFiles {
  readonly detector: DetectorPlan
  readonly key: string
  readonly image: Uint8Array
  readonly sidecar: Uint8Array
}

/** Files of one exposure, written while it is ahead: about 10 ms each, one a turn of the event loop, so that no other visit waits. */
async function writeRaws({ plan, rendered }: Playing, visit: VisitPlan, exposure: ExposurePlan): Promise<RawFiles[]> {
  const files: RawFiles[] = []
  for (const detector of plan.detectors) {
    await breathe()
    const header = primaryHeader(plan, visit, exposure, detector)
    const { raws } = rendered.exposure(visit, exposure, detector)
    const image = rawFits(header, rendered.chipOf(detector), raws)
    files.push({ detector, key: rawKeyOf(plan, visit, exposure, detector), image, sidecar: sidecarBytes(header) })
  }
  return files
}

/** The sidecar first, as at the summit; each object's notification follows it. */
async function arrive(
  { bucket, ports, clock, signal, progress }: Playing,
  visit: VisitPlan,
  exposure: ExposurePlan,
  { detector, key, image, sidecar }: RawFiles,
): Promise<PlayedRaw> {
  const putAt = clock.now()
  for (const [name, bytes] of [
    [sidecarKey(key), sidecar],
    [key, image],
  ] as const) {
    signal.throwIfAborted()
    await ports.putObject(name, bytes)
    await ports.notify(objectCreated(bucket, name, bytes, clock.now()))
  }
  const { group } = visit
  const raw = { group, exposure: exposure.id, detector: detector.id, key, closedAt: exposure.closesAt, putAt }
  const played = { ...raw, notifiedAt: clock.now() }
  progress?.({ kind: 'raw', visit, raw: played, at: played.notifiedAt })
  return played
}
