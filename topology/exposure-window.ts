import type { DetectorVisit, RawArrival, RawListed } from '../schemas/avro/generated.ts'
import { to, type Step } from './model/step.ts'
import type { Settings } from './settings.ts'
import { detectorJob, detectorVisit, rawArrival, rawLate, rawListed, rawUnclaimed, rawWanted } from './streams.ts'
import type { Decision, Window } from './window/window.ts'
import { windowedJoin } from './window/windowed-join.ts'

export type ExposureWindow = Window<DetectorVisit, RawArrival>

/** A unit of work meets its raws: one per snap, the first to enter, before the deadline that fan-out gave. */
export const exposureWindow = (settings: Settings): Step<ExposureWindow> =>
  windowedJoin<DetectorVisit, RawArrival, RawListed>({
    name: 'exposure-window',
    left: detectorVisit,
    right: rawArrival,
    answer: rawListed,

    means: ({ kind, verdict }) => (kind === 'withdrawn' ? 'withdraws' : MEANINGS[verdict]),
    deadline: unit => unit.deadline,
    needs: unit => unit.announcement.nimages,
    slot: raw => raw.snap,
    id: raw => String(raw.exposure),
    found: answer => answer.found.map(({ at, raw }) => ({ at, value: raw })),

    holdMs: settings.unclaimedHoldSeconds * 1000,
    rememberMs: settings.closedMemoryHours * 3_600_000,

    emits: [detectorJob, rawWanted, rawLate, rawUnclaimed],
    say: {
      decision: (unit, decision, at) => to(detectorJob, unit, jobOf(decision), at),
      question: (unit, { left, ...asked }) => {
        const { instrument, group } = left.announcement
        const { detector, deadline } = left
        return to(rawWanted, unit, { instrument, group, detector, deadline, ...asked })
      },
      late: (unit, { at, value }, { left, attempt }) =>
        to(rawLate, unit, { raw: value, deadline: left.deadline, attempt }, at),
      unclaimed: (unit, { value }, at) => to(rawUnclaimed, unit, { raw: value }, at),
    },
  })

const MEANINGS = { wanted: 'opens', ignored: 'unwanted', masked: 'absent' } as const

function jobOf(decision: Decision<DetectorVisit, RawArrival>) {
  const { kind, left, announcedAt, attempt, number, inputs, rights } = decision
  const { detector, announcement, pipelines, deadline } = left
  const raws = rights.map(({ at, value }) => ({ at, raw: value }))
  return {
    attempt,
    number,
    kind,
    detector,
    announcement,
    pipelines,
    inputs,
    raws,
    deadline,
    reason: reasonOf(decision),
    announcedAt,
  }
}

/** Why, in a sentence, where the kind alone does not say it. */
function reasonOf({ kind, left, inputs, rights }: Decision<DetectorVisit, RawArrival>): string | null {
  const { nimages } = left.announcement
  switch (kind) {
    case 'ignored':
      return left.reason
    case 'missed':
      return 'no raw had come when the window closed, and none was in the bucket'
    case 'cancelled':
    case 'withdrawn':
      return 'the observatory cancelled the group'
    case 'ready':
      return inputs === 'partial' ? `${rights.length} of ${nimages} snaps had come when the window closed` : null
    case 'announced':
      return null
  }
}
