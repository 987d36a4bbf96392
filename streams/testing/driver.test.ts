import { describe, expect, it } from 'vitest'
import { codecWith } from '../../schemas/codec.ts'
import { contractNames } from '../../schemas/schemas.ts'
import type { DetectorJob, RawArrival, RawWanted } from '../../schemas/avro/generated.ts'
import { unitKey } from '../../topology/identifiers.ts'
import { to } from '../../topology/model/step.ts'
import { promptTopology } from '../../topology/prompt.ts'
import { detectorJob, nextVisit, rawArrival, rawListed, rawLate } from '../../topology/streams.ts'
import { NIGHT, nextVisitAt } from '../../topology/testing/announcements.ts'
import { Driver } from './driver.ts'

const codec = codecWith(new Map(contractNames.map((name, i) => [name, i + 1])))
const group = '2026-02-25T04:00:20.000'
const unit = unitKey('LATISS', group, 0)
const raw: RawArrival = {
  ...{ instrument: 'LATISS', group, detector: 0, snap: 0, exposure: 2026022400042n },
  ...{ bucket: 'raws', key: 'LATISS/20260224/x.fits', size: null, eTag: null },
}
/** The steps of the real declaration; a bucket that holds `found` answers the questions. */
const start = (found: readonly RawArrival[] = []) =>
  Driver.start({
    topology: promptTopology(),
    ...{ codec, startAt: NIGHT },
    effects: {
      'raw-reconcile': async ({ key, value }) => {
        const { attempt } = value as RawWanted
        return { out: [to(rawListed, key, { attempt, found: found.map(raw => ({ at: NIGHT + 30_000, raw })) })] }
      },
    },
  })
const decisions = (night: Driver) =>
  night.outputs(detectorJob).map(({ key, value }) => {
    const { kind, inputs } = value as DetectorJob
    return `${key} ${kind}${inputs ? ` ${inputs}` : ''}`
  })
/** Both kinds of upstream tasks say their time: fan-out by the tick, raw-intake, which does not run here, by hand. */
const timeGoesTo = async (night: Driver, t: number) => {
  await night.tick(t)
  await night.watermark('exposure-window', t)
}

describe('the prompt topology on the task loop, in memory', () => {
  it('announces a unit a tick after its visit, and says ready as soon as its raw is there', async () => {
    const night = await start()
    await night.feed(nextVisit, '', nextVisitAt(NIGHT))
    expect(decisions(night)).toEqual([])
    await night.tick(NIGHT)
    expect(decisions(night)).toEqual([`${unit} announced`])
    await night.advance(60_000)
    await night.feed(rawArrival, unit, raw)
    expect(decisions(night)).toEqual([`${unit} announced`, `${unit} ready complete`])
    expect([night.fatal, night.parked()]).toEqual([[], []])
  })

  it('asks the bucket when the deadline has passed, and closes on its answer', async () => {
    for (const [found, last] of [
      [[raw], 'ready complete'],
      [[], 'missed'],
    ] as const) {
      const night = await start(found)
      await night.feed(nextVisit, '', nextVisitAt(NIGHT))
      await timeGoesTo(night, NIGHT + 189_999)
      expect(decisions(night)).toEqual([`${unit} announced`])
      await timeGoesTo(night, NIGHT + 190_000)
      expect(decisions(night)).toEqual([`${unit} announced`, `${unit} ${last}`])
      await night.feed(rawArrival, unit, { ...raw, exposure: raw.exposure + 1n }, { at: NIGHT + 190_001 })
      expect(night.outputs(rawLate)).toHaveLength(1)
    }
  })
})
