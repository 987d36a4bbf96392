import { unitKey } from '../../topology/identifiers.ts'
import { type Event, isOf, to } from '../../topology/model/step.ts'
import { detectorLatency, detectorOutcome, detectorResult, visitOutcome, visitSummary } from '../../topology/streams.ts'
import { type Effect, nothing } from '../effect.ts'
import { latencyOf, outcomeOf, visitOutcomeOf } from './records.ts'

/** Hears of what could not be measured. */
export interface MetricsLog {
  warn(facts: object, sentence: string): void
}

/**
 * detector-result, visit-summary → lsst.prompt.*. Metrics are the least valuable output: what cannot be made is logged and left out, and
 * neither parks its record nor holds up its neighbours. The same record gives the same metrics, and their transaction writes them once.
 */
export const metrics =
  (log: MetricsLog): Effect =>
  async event => {
    try {
      return { out: measured(event) }
    } catch (error) {
      log.warn({ key: event.key, stream: event.stream, err: error }, 'a metric could not be made; it is left out')
      return nothing
    }
  }

function measured(event: Event) {
  const { key, at } = event
  if (isOf(visitSummary, event)) return [to(visitOutcome, key, visitOutcomeOf(event.value, at))]
  if (!isOf(detectorResult, event)) throw new Error(`metrics reads no ${event.stream}`)
  const { value } = event
  const unit = unitKey(value.instrument, value.group, value.detector)
  return [to(detectorOutcome, unit, outcomeOf(value, at)), to(detectorLatency, unit, latencyOf(value, at))]
}
