import type {
  DetectorLatency,
  DetectorOutcome,
  DetectorResult,
  TerminalState,
  VisitOutcome,
  VisitSummary,
} from '../../schemas/avro/generated.ts'
import { dayObsOf, unitKey, visitKey } from '../../topology/identifiers.ts'
import { bandOf, instrumentOf } from '../../topology/instruments.ts'
import { Rejection } from '../../topology/model/step.ts'
import type { Instant } from '../../topology/model/time.ts'
import { dayObsOfVisit, registrationOf } from '../../topology/registration.ts'
import { detectorLatency, detectorOutcome, visitOutcome } from '../../topology/streams.ts'
import { uuidOf } from '../uuid.ts'

/**
 * Records in the convention of the observatory's metrics store (Sasquatch): what a record is about stands in text fields, empty where it
 * is not known; counts are 0 where nothing was counted; a duration that does not exist is null, which the store skips.
 */

const NAMESPACE = 'lsst.prompt.'

interface About {
  readonly topic: string
  readonly at: Instant
  /** What the record is the only one of, within its topic. */
  readonly only: string
  readonly instrument: string
  readonly group: string
  readonly detector?: number
  readonly visit: bigint | null
  readonly deadline: Instant
  readonly run?: string
  readonly filter?: string
}

/** The fields that all records have. The day is that of the visit's first exposure: the clock has no part in it. */
function about({ topic, at, only, instrument, group, detector, visit, deadline, run = '', filter = '' }: About) {
  const day = visit === null ? undefined : dayObsOfVisit(visit)
  const camera = instrumentOf(instrument)
  return {
    timestamp: at / 1000,
    id: uuidOf(`${topic},${only}`),
    run,
    dataset_type: topic.slice(NAMESPACE.length),
    dataset_tag: 'Live',
    instrument,
    visit: String(visit ?? ''),
    detector: String(detector ?? ''),
    group,
    day_obs: String(day ?? dayObsOf(deadline)),
    band: (camera && bandOf(camera, filter)) ?? '',
    physical_filter: filter,
  }
}

/** How one attempt at a unit ended. `at` (ms UTC) is when, where the result itself does not say. */
export function outcomeOf(result: DetectorResult, at: Instant): DetectorOutcome {
  const { attempt, state, inputs, reason, pipeline, exposures, products, diaSources, diaObjects, alerts } = result
  return {
    ...aboutUnit(detectorOutcome.topic, result, at),
    ...{ attempt, state, inputs: inputs ?? '', reason: reason ?? '', pipeline: pipeline ?? '' },
    ...{ exposures: exposures.length, products: products.length, diaSources, diaObjects, alerts },
  }
}

/**
 * Where its time went, in seconds. The moments are of two clocks: what entered the system is dated by the brokers, the rest by the database.
 * Worked example: the last raw entered at 12:00:31.2, the unit was ready at 12:00:31.5 and ended at 12:00:38.2: lastRawToReady 0.3,
 * lastRawToTerminal 7.0.
 */
export function latencyOf(result: DetectorResult, at: Instant): DetectorLatency {
  const { attempt, state, inputs, announcedAt, lastRawAt, readyAt, leasedAt, reportedAt, terminalAt, deadline } = result
  return {
    ...aboutUnit(detectorLatency.topic, result, at),
    ...{ attempt, state, inputs: inputs ?? '' },
    announcedToReady: seconds(announcedAt, readyAt),
    lastRawToReady: seconds(lastRawAt, readyAt),
    readyToLeased: seconds(readyAt, leasedAt),
    leasedToReported: seconds(leasedAt, reportedAt),
    reportedToTerminal: seconds(reportedAt, terminalAt),
    lastRawToTerminal: seconds(lastRawAt, terminalAt),
    deadlineToTerminal: seconds(deadline, terminalAt),
  }
}

/**
 * How a visit stands as of one summary. Its name is its detectors' earliest: some may have missed the first snap. Numbers begin anew
 * when a visit is replayed after it was forgotten, so a record is told by its moment too.
 */
export function visitOutcomeOf(summary: VisitSummary, at: Instant): VisitOutcome {
  const { instrument, group, number, kind, announcement, deadline, results, missing, masked } = summary
  const visits = results.flatMap(({ visit }) => visit ?? [])
  const ended = (state: TerminalState) => results.filter(result => result.state === state).length
  return {
    ...about({
      ...{ topic: visitOutcome.topic, at, only: `${visitKey(instrument, group)},${number},${at}` },
      ...{ instrument, group, deadline, filter: announcement.filters },
      visit: visits.length === 0 ? null : visits.reduce((a, b) => (a < b ? a : b)),
    }),
    ...{ survey: announcement.survey, kind, number, detectors: results.length + missing.length },
    ...{ published: ended('published'), missed: ended('missed'), cancelled: ended('cancelled') },
    ...{ ignored: ended('ignored'), failed: ended('failed'), expired: ended('expired'), deferred: ended('deferred') },
    ...{ missing: missing.length, masked: masked.length },
    alerts: results.reduce((sum, { alerts }) => sum + BigInt(alerts), 0n),
    deadlineToSummary: (at - deadline) / 1000,
  }
}

const aboutUnit = (topic: string, result: DetectorResult, at: Instant) => {
  const { instrument, group, detector, attempt, visit, deadline, terminalAt } = result
  const only = `${unitKey(instrument, group, detector)},${attempt}`
  return about({
    ...{ topic, at: terminalAt ?? at, only, instrument, group, detector, visit, deadline },
    run: runNameOf(result, at),
  })
}

/** The run that its products are registered in. That they cannot be is for repo-sync to say. */
function runNameOf(result: DetectorResult, at: Instant): string {
  try {
    return registrationOf(result, at)?.run.name ?? ''
  } catch (error) {
    if (error instanceof Rejection) return ''
    throw error
  }
}

const seconds = (from: Instant | null, until: Instant | null): number | null =>
  from === null || until === null ? null : (until - from) / 1000
