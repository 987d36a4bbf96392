import type { RawWanted } from '../../schemas/avro/generated.ts'
import { dayObsOf, unitKey } from '../../topology/identifiers.ts'
import { type Event, type Out, to } from '../../topology/model/step.ts'
import { rawListed } from '../../topology/streams.ts'
import type { Listings } from './listings.ts'

/**
 * The effect `raw-reconcile`: what the bucket really holds for a unit whose window has passed its deadline.
 * The answer carries the attempt and everything found at once, so that answer and arrivals cannot be split. A listing
 * that fails throws: the request stays unanswered, is tried again, and the unit stays open and reported.
 */
export const rawReconcile =
  (listings: Listings) =>
  async (event: Event): Promise<{ out: readonly Out[] }> => {
    const wanted = event.value as RawWanted
    const { instrument, group, detector, attempt, until, announcedAt, deadline } = wanted
    // An exposure taken across 12 h UTC lies under the next day of observation; also where a reopened window counts without end.
    const days = [...new Set([announcedAt, deadline ?? until ?? announcedAt].map(dayObsOf))]
    const raws = (
      await Promise.all(days.map(dayObs => listings.of({ instrument, dayObs, group, detector, since: announcedAt })))
    ).flat()
    const found = raws
      .filter(it => it.raw.group === group && it.raw.detector === detector && (until === null || it.at <= until))
      .sort((a, b) => a.at - b.at || Number(a.raw.exposure - b.raw.exposure))
    return {
      out: [to(rawListed, unitKey(instrument, group, detector), { attempt, found: found })],
    }
  }
