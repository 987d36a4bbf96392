import type {
  Announcement,
  Control,
  DetectorVisit,
  LogeventNextVisit,
  LogeventNextVisitCanceled,
} from '../schemas/avro/generated.ts'
import { checkAnnouncement, publishedAt } from './announcement.ts'
import { unitKey, visitKey } from './identifiers.ts'
import { applyControl, maskOf, masksKey, withoutExpired, nextExpiry, type Masks } from './masks.ts'
import { isOf, Rejection, to, type Event, type Out, type Replay, type Step, type Wake } from './model/step.ts'
import type { Instant } from './model/time.ts'
import { choosePipelines } from './pipelines.ts'
import { activeDetectors, type Settings } from './settings.ts'
import type { SkyMaps } from './sky-map.ts'
import { applyHold, isAboutTime } from './hold.ts'
import { control, detectorVisit, nextVisit, nextVisitCanceled, visit } from './streams.ts'

/** One state per group, because a cancellation names nothing else; and one per instrument with its masks. */
export type FanOutState = Group | Masks

/** What is remembered of an announced or cancelled group. */
export interface Group {
  readonly kind: 'group'
  readonly cancelled: boolean
  /** One per instrument: the main and the auxiliary telescope might use one group. */
  readonly visits: readonly Announced[]
  readonly forgetAt: Instant
}
interface Announced {
  readonly announcement: Announcement
  readonly replay: Replay
  readonly deadline: Instant
  /** Detectors with a unit of work, and those that were off. Kept, so that a replay asks for the same units. */
  readonly detectors: readonly number[]
  readonly masked: readonly { readonly detector: number; readonly reason: string }[]
}

const groupKey = (group: string) => `group/${group}`

/**
 * From one announcement, one event per active detector and one for the visit.
 * It takes its inputs in order of append time, so a mask is known before a later visit, and a cancellation at the same
 * millisecond as its visit comes first; both orders of announcement and cancellation end the same.
 */
export const fanOut = (settings: Settings, maps: SkyMaps = new Map()): Step<FanOutState> => ({
  name: 'fan-out',
  handles: [control, nextVisitCanceled, nextVisit],
  emits: [visit, detectorVisit],

  key(event) {
    if (isOf(control, event)) return masksKey(event.value.instrument)
    return groupKey((event as Event<LogeventNextVisit | LogeventNextVisitCanceled>).value.groupId)
  },

  on(state, event, _shared, look) {
    if (isOf(nextVisit, event)) return announce({ settings, maps, look }, state as Group | undefined, event)
    if (isOf(nextVisitCanceled, event)) return cancel(settings, state as Group | undefined, event)
    if (isOf(control, event)) return order(state as Masks | undefined, event)
    return { state: forget(state, event as Wake), out: [] }
  },

  deadline: state => (state.kind === 'group' ? state.forgetAt : nextExpiry(state)),
})

/** What a visit is announced into. */
interface Surroundings {
  readonly settings: Settings
  readonly maps: SkyMaps
  readonly look: (key: string) => FanOutState | undefined
}
type Turn = { readonly state: FanOutState | undefined; readonly out: readonly Out[]; readonly note?: string }

function announce(around: Surroundings, group: Group | undefined, event: Event<LogeventNextVisit>): Turn {
  const { settings } = around
  const { value, at, replay } = event
  if (value.instrument.trim() === '') {
    return { state: group, out: [], note: `group "${value.groupId}" names no instrument: not an observation` }
  }
  const known = group?.visits.find(it => it.announcement.instrument === value.instrument)
  if (known && replay <= known.replay) {
    return { state: group, out: [], note: `${value.instrument} ${value.groupId} was announced before: nothing changes` }
  }
  const announced = known ? { ...known, replay } : firstAnnounced(around, event)
  const visits = [...(group?.visits ?? []).filter(it => it !== known), announced]
  const cancelled = group?.cancelled ?? false
  const forgetAt = Math.max(group?.forgetAt ?? 0, Math.max(announced.deadline, at, replay) + rememberMs(settings))
  return {
    state: { kind: 'group', cancelled, visits, forgetAt },
    out: [...announcementOf(around, announced), ...(cancelled ? withdrawalOf(announced) : [])],
    ...(announced.announcement.publishedAt === null && { note: stampless(value) }),
  }
}

const stampless = ({ instrument, groupId }: LogeventNextVisit): string =>
  `${instrument} ${groupId} does not say when it was published: whether it is stale is not known, and it is processed`

/** Validates, refuses what was delivered stale, and splits the instrument's active detectors by today's masks. */
function firstAnnounced({ settings, look }: Surroundings, event: Event<LogeventNextVisit>): Announced {
  const announcement = checkAnnouncement(event.value, Object.keys(settings.instruments))
  refuseStale(settings, event)
  const masks = look(masksKey(announcement.instrument)) as Masks | undefined
  const active = activeDetectors(settings, announcement.instrument)!
  const masked = active.flatMap(detector => {
    const mask = maskOf(masks, detector, event.at)
    return mask ? [{ detector, reason: mask.reason }] : []
  })
  return {
    announcement,
    replay: event.replay,
    deadline: deadlineOf(settings, announcement, event.at),
    detectors: active.filter(detector => !masked.some(it => it.detector === detector)),
    masked,
  }
}

/**
 * When the units' windows close: the script may take twice as long as estimated, and then a raw needs its time to arrive.
 * Worked example: published 12:00:00.000, appended 12:00:00.040, duration 35 s, time-out 120 s: 12:03:10.000. A publisher
 * whose clock runs ahead cannot move it: the append time is then the smaller.
 */
export function deadlineOf(settings: Settings, announcement: Announcement, at: Instant): Instant {
  const from = Math.min(announcement.publishedAt ?? at, at)
  return from + Math.round((2 * announcement.duration + settings.imageTimeoutSeconds) * 1000)
}

/**
 * Stale is what was *delivered* late: a stop of ours makes nothing stale. What an operator replays is wanted anyway.
 * The age counts in whole seconds: 3600.4 s after its publication an announcement is 3600 s old.
 */
function refuseStale(settings: Settings, { value, at, replay }: Event<LogeventNextVisit>): void {
  const published = publishedAt(value)
  if (published === null || replay > 0) return
  const ageSeconds = Math.round((at - published) / 1000)
  if (ageSeconds > settings.messageExpirationSeconds) {
    throw new Rejection(
      'stale',
      `the announcement of ${value.instrument} ${value.groupId} came ${ageSeconds} s after it was published; ` +
        `allowed are ${settings.messageExpirationSeconds} s`,
    )
  }
}

function cancel(settings: Settings, group: Group | undefined, event: Event<LogeventNextVisitCanceled>): Turn {
  if (event.value.groupId.trim() === '') {
    throw new Rejection('bad-group', 'groupId is blank; the cancellation says of no group that it will not be used')
  }
  if (group?.cancelled) return { state: group, out: [] }
  const forgetAt = Math.max(group?.forgetAt ?? 0, event.at + rememberMs(settings))
  const visits = group?.visits ?? []
  return { state: { kind: 'group', cancelled: true, visits, forgetAt }, out: visits.flatMap(withdrawalOf) }
}

/** An operator's order. It acts on visits announced after it, never on units that exist. */
function order(masks: Masks | undefined, event: Event<Control>): Turn {
  if (isAboutTime(event.value)) {
    // The clock refuses the same ones, and has no place to park them.
    applyHold(undefined, event.value, event.at)
    return { state: masks, out: [], note: `${event.value.kind}: an order for the clock` }
  }
  return { state: applyControl(masks, event.value, event.at), out: [] }
}

const forget = (state: FanOutState | undefined, wake: Wake): FanOutState | undefined =>
  state?.kind === 'masks' ? withoutExpired(state, wake.at) : undefined

function announcementOf({ settings, maps }: Surroundings, visited: Announced): Out[] {
  const { announcement, detectors, masked, deadline } = visited
  const { instrument, group } = announcement
  const unit = (detector: number, more: Pick<DetectorVisit, 'verdict' | 'reason' | 'pipelines'>): Out =>
    to(detectorVisit, unitKey(instrument, group, detector), {
      kind: 'announced',
      detector,
      announcement,
      deadline,
      ...more,
    })
  return [
    to(visit, visitKey(instrument, group), { announcement, detectors, masked, deadline }),
    ...detectors.map(detector => {
      const { pipelines, reason } = choosePipelines(settings.pipelines, { announcement, detector }, maps)
      return unit(detector, { verdict: reason === null ? 'wanted' : 'ignored', reason, pipelines })
    }),
    ...masked.map(({ detector, reason }) => unit(detector, { verdict: 'masked', reason, pipelines: [] })),
  ]
}

const withdrawalOf = ({ announcement, detectors, deadline }: Announced): Out[] =>
  detectors.map(detector =>
    to(detectorVisit, unitKey(announcement.instrument, announcement.group, detector), {
      kind: 'withdrawn',
      detector,
      announcement,
      verdict: 'wanted',
      reason: 'the observatory cancelled the group',
      pipelines: [],
      deadline,
    }),
  )

const rememberMs = (settings: Settings) => settings.closedMemoryHours * 3_600_000
