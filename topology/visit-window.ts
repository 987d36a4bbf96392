import type { DetectorEnd, DetectorResult, Visit, VisitSummary } from '../schemas/avro/generated.ts'
import { parseVisitKey } from './identifiers.ts'
import { isOf, to, type Event, type Out, type Step } from './model/step.ts'
import type { Instant } from './model/time.ts'
import type { Settings } from './settings.ts'
import { detectorResult, visit, visitSummary } from './streams.ts'

/** What is known of a visit: who takes part, and who has ended. */
export interface VisitWindow {
  readonly visit: Visit | null
  readonly ends: readonly DetectorEnd[]
  /** Summaries said. */
  readonly number: number
  /** The latest `at` of what is known, so that a summary does not tell in which order the results were read. */
  readonly at: Instant
  /** When it is summed up as partial, or, after that, forgotten. */
  readonly wakeAt: Instant
}

/**
 * A visit meets the results of its detectors. It is *complete* when each has ended, *partial* when its time is up before,
 * and every result after either is told in one more summary, *late*. A higher number replaces a lower one.
 * A later attempt of a detector replaces an earlier; a result of the same or an older one changes nothing.
 */
export const visitWindow = (settings: Settings): Step<VisitWindow> => {
  const graceMs = settings.visitGraceSeconds * 1000
  const rememberMs = settings.closedMemoryHours * 3_600_000
  return {
    name: 'visit-window',
    handles: [visit, detectorResult],
    emits: [visitSummary],
    on(known, event) {
      const window = known ?? { visit: null, ends: [], number: 0, at: event.at, wakeAt: event.at + rememberMs }
      if (isOf(visit, event)) {
        if (window.visit) return { state: window, out: [] }
        // What a replay announces again after it was forgotten has its time from the order to replay.
        const wakeAt = Math.max(event.value.deadline, event.replay) + graceMs
        return sumUp(event.key, { ...window, visit: event.value, at: Math.max(window.at, event.at), wakeAt })
      }
      if (isOf(detectorResult, event)) return end(event, window)
      if (!window.visit || window.number > 0) return { state: undefined, out: [] }
      return say(event.key, { ...window, at: event.at }, 'partial')
    },
    deadline: window => window.wakeAt,
  }

  function end({ key, at, value }: Event<DetectorResult>, window: VisitWindow) {
    const { detector, attempt, state, alerts, visit } = value
    const before = window.ends.find(it => it.detector === detector)
    if (before && before.attempt >= attempt) return { state: window, out: [] }
    const others = window.ends.filter(it => it !== before)
    const ends = [...others, { detector, attempt, state, alerts, visit }].sort((a, b) => a.detector - b.detector)
    const wakeAt = window.visit ? window.wakeAt : Math.max(window.wakeAt, at + rememberMs)
    const ended = { ...window, ends, at: Math.max(window.at, at), wakeAt }
    return window.number > 0 ? say(key, ended, 'late') : sumUp(key, ended)
  }

  function sumUp(key: string, window: VisitWindow): { state: VisitWindow; out: Out[] } {
    const whole = window.visit && missingOf(window.visit, window.ends).length === 0
    return whole ? say(key, window, 'complete') : { state: window, out: [] }
  }

  function say(key: string, window: VisitWindow, kind: VisitSummary['kind']): { state: VisitWindow; out: Out[] } {
    const { announcement, deadline, masked } = window.visit!
    const number = window.number + 1
    const results = window.ends
    const missing = missingOf(window.visit!, results)
    const summary = { ...parseVisitKey(key), number, kind, announcement, deadline, results, missing, masked }
    const wakeAt = Math.max(deadline, window.at, ...results.map(it => it.attempt)) + graceMs + rememberMs
    return { state: { ...window, number, wakeAt }, out: [to(visitSummary, key, summary, window.at)] }
  }
}

const missingOf = (it: Visit, ends: readonly DetectorEnd[]): number[] =>
  it.detectors.filter(detector => !ends.some(end => end.detector === detector))
