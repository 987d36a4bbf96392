import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DetectorResult, VisitSummary } from '../../schemas/avro/generated.ts'
import { codecWith } from '../../schemas/codec.ts'
import { type ContractName, contractNames, wholeSchema } from '../../schemas/schemas.ts'
import { arbitraryOf } from '../../schemas/testing/arbitrary.ts'
import { Driver } from '../../streams/testing/driver.ts'
import { visitKey } from '../../topology/identifiers.ts'
import type { Stream } from '../../topology/model/stream.ts'
import { promptTopology } from '../../topology/prompt.ts'
import * as s from '../../topology/streams.ts'
import { announcementAt, NIGHT } from '../../topology/testing/announcements.ts'
import { DEPLOYMENT, ended } from '../../topology/testing/results.ts'
import type { Effect } from '../effect.ts'
import { event } from '../testing/builders.ts'
import { metrics } from './metrics.ts'

const codec = codecWith(new Map(contractNames.map((name, i) => [name, i + 1])))
const KEY = visitKey('LATISS', ended().group)
const silent = { warn: () => {} }
const measure = async <V>(stream: Stream<V>, value: V, at = NIGHT) =>
  (await metrics(silent)(event(stream, KEY, value, at))).out
const valueOf = async (topic: string, result: DetectorResult) =>
  (await measure(s.detectorResult, result)).find(({ stream }) => stream === topic)!.value

const summary = (more: Partial<VisitSummary> = {}): VisitSummary => ({
  instrument: 'LATISS',
  group: ended().group,
  number: 1,
  kind: 'partial',
  announcement: announcementAt(NIGHT),
  deadline: NIGHT + 190_000,
  results: [
    { detector: 0, attempt: 0, state: 'published', alerts: 7, visit: 2026022400043n },
    { detector: 1, attempt: 0, state: 'published', alerts: 5, visit: 2026022400042n },
    { detector: 2, attempt: 0, state: 'missed', alerts: 0, visit: null },
  ],
  missing: [4, 5],
  masked: [{ detector: 3, reason: 'dead' }],
  ...more,
})

describe('of a unit', () => {
  it('the outcome says how it ended, with what, and in which run', async () => {
    expect(await valueOf(s.detectorOutcome.topic, ended({ attempt: 0, detector: 0 }))).toMatchObject({
      ...{ timestamp: (NIGHT + 66_000) / 1000, run: `LATISS/prompt/output-2026-02-24/ApPipe/${DEPLOYMENT}` },
      ...{ dataset_type: 'detectorOutcome', dataset_tag: 'Live', instrument: 'LATISS', detector: '0' },
      ...{ visit: '2026022400042', group: ended().group, day_obs: '20260224', band: '', physical_filter: '' },
      ...{ attempt: 0, state: 'published', inputs: 'complete', reason: '', pipeline: 'ApPipe' },
      ...{ exposures: 1, products: 2, diaSources: 1, diaObjects: 1, alerts: 1 },
    })
  })
  it('latencies are seconds, and those of what never happened are null, not 0', async () => {
    const latencies = {
      ...{ announcedToReady: 60.25, lastRawToReady: 0.25, readyToLeased: 0.25, leasedToReported: 5 },
      ...{ reportedToTerminal: 0.5, lastRawToTerminal: 6, deadlineToTerminal: -124 },
    }
    expect(await valueOf(s.detectorLatency.topic, ended())).toMatchObject(latencies)
    const never = { inputs: null, lastRawAt: null, readyAt: null, leasedAt: null, reportedAt: null } as const
    const missed = ended({ state: 'missed', visit: null, pipeline: null, ...never, terminalAt: NIGHT + 191_500 })
    expect(await valueOf(s.detectorLatency.topic, missed)).toMatchObject({
      ...{ visit: '', run: '', inputs: '', day_obs: '20260224', deadlineToTerminal: 1.5 },
      ...{ announcedToReady: null, lastRawToReady: null, readyToLeased: null, leasedToReported: null },
      ...{ reportedToTerminal: null, lastRawToTerminal: null },
    })
  })
  it('products that cannot be registered have no run, and the unit its metrics', async () => {
    const products = [{ ...ended().products[0]!, key: 'elsewhere' }]
    expect(await valueOf(s.detectorOutcome.topic, ended({ products }))).toMatchObject({ run: '', products: 1 })
  })
})

it('of a visit, the outcome counts its detectors by how they ended, and those that are missing or were off', async () => {
  const [only, ...others] = await measure(s.visitSummary, summary(), NIGHT + 790_000)
  expect(others).toEqual([])
  expect(only!.value).toMatchObject({
    ...{ visit: '2026022400042', detector: '', day_obs: '20260224', survey: 'BLOCK-365', kind: 'partial', number: 1 },
    ...{ band: 'i', physical_filter: 'SDSSi_65mm~empty', detectors: 5, published: 2, missed: 1, failed: 0 },
    ...{ missing: 2, masked: 1, alerts: 12n, deadlineToSummary: 600, timestamp: (NIGHT + 790_000) / 1000 },
  })
})

describe('whatever a result or a summary may say', () => {
  it.each([
    ['detector-result', s.detectorResult],
    ['visit-summary', s.visitSummary],
  ] as const)(
    '%s: records are made, fit their contracts, and are the same when made again',
    async (contract, stream) => {
      await fc.assert(
        fc.asyncProperty(arbitraryOf(wholeSchema(contract)), async value => {
          const out = await measure(stream as Stream<unknown>, value)
          expect(out).toHaveLength(contract === 'detector-result' ? 2 : 1)
          const bytes = out.map(each => codec.encode(each.stream as ContractName, each.value as never))
          const again = await measure(stream as Stream<unknown>, value)
          expect(again.map(each => codec.encode(each.stream as ContractName, each.value as never))).toEqual(bytes)
        }),
      )
    },
  )
  it('different units, attempts and summaries have different ids', async () => {
    const results = [ended(), ended({ detector: 1 }), ended({ attempt: 5 }), ended({ group: 'other' })]
    const outs = await Promise.all([
      ...results.map(each => measure(s.detectorResult, each)),
      ...[summary(), summary({ number: 2 }), summary({ group: 'other' })].map(each => measure(s.visitSummary, each)),
    ])
    const ids = outs.flat().map(({ value }) => (value as { id: string }).id)
    expect(new Set(ids).size).toBe(2 * 4 + 3)
  })
})

describe('in the topology, in memory', () => {
  const start = (effect: Effect) =>
    Driver.start({
      topology: promptTopology(),
      codec,
      startAt: NIGHT,
      stages: ['visit-window', 'metrics'],
      effects: { metrics: effect },
    })
  const visitOf = (...detectors: number[]) => ({
    ...{ announcement: announcementAt(NIGHT), detectors, masked: [], deadline: NIGHT + 190_000 },
  })

  it('a visit and its units are measured once each, also when the process dies and its successor reads again', async () => {
    const night = await start(metrics(silent))
    await night.feed(s.visit, KEY, visitOf(0, 1))
    await night.feed(s.detectorResult, KEY, ended())
    await night.first.crash()
    await night.process()
    await night.feed(s.detectorResult, KEY, ended({ detector: 1 }))
    await night.advance(30_000)
    const detectors = (stream: Stream) =>
      night.outputs(stream).map(({ value }) => (value as { detector: string }).detector)
    expect(detectors(s.detectorOutcome).sort()).toEqual(['0', '1'])
    expect(detectors(s.detectorLatency).sort()).toEqual(['0', '1'])
    expect(night.outputs(s.visitOutcome)).toMatchObject([{ value: { kind: 'complete', published: 2, alerts: 2n } }])
    expect([night.fatal, night.parked()]).toEqual([[], []])
  })

  it('what cannot be measured is logged; its record is not parked, its neighbours and its visit are as ever', async () => {
    const warnings: object[] = []
    const honest = metrics({ warn: facts => warnings.push(facts) })
    const night = await start(async each => {
      const { value } = each as { value: DetectorResult }
      // A fault of ours, met in the middle of making a record.
      const broken = value.detector === 0 && new Proxy(value, { get: () => expect.fail('a fault') })
      return honest(broken ? { ...each, value: broken } : each)
    })
    await night.feed(s.visit, KEY, visitOf(0, 1))
    for (const detector of [0, 1]) await night.feed(s.detectorResult, KEY, ended({ detector }))
    expect(warnings).toMatchObject([{ key: KEY, stream: s.detectorResult.topic }])
    expect(night.outputs(s.detectorOutcome)).toMatchObject([{ value: { detector: '1' } }])
    expect(night.outputs(s.visitSummary)).toMatchObject([{ value: { kind: 'complete', missing: [] } }])
    expect([night.fatal, night.parked()]).toEqual([[], []])
  })

  it('a visit is summed up although nothing that measures answers', async () => {
    const night = await start(() => new Promise(() => {}))
    await night.feed(s.visit, KEY, visitOf(0))
    await night.feed(s.detectorResult, KEY, ended())
    expect(night.outputs(s.visitSummary)).toMatchObject([
      { value: { kind: 'complete', results: [{ state: 'published' }] } },
    ])
    expect(night.outputs(s.detectorOutcome)).toEqual([])
  })
})
