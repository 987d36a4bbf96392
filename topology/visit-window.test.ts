import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DetectorResult, Visit } from '../schemas/avro/generated.ts'
import { visitKey } from './identifiers.ts'
import { defaultSettings } from './settings.ts'
import { detectorResult, visit, visitSummary } from './streams.ts'
import { announcementAt, NIGHT } from './testing/announcements.ts'
import { drive } from './testing/drive.ts'
import { visitWindow } from './visit-window.ts'

const announcement = announcementAt(NIGHT, { instrument: 'LSSTComCam' })
const key = visitKey('LSSTComCam', announcement.group)
const deadline = NIGHT + 190_000
const CLOSE = deadline + 600_000
const announced = (...detectors: number[]): Visit => ({ announcement, detectors, masked: [], deadline })
const result = (detector: number, more: Partial<DetectorResult> = {}): DetectorResult => ({
  instrument: 'LSSTComCam',
  group: announcement.group,
  detector,
  attempt: 0,
  state: 'published',
  inputs: 'complete',
  reason: null,
  detail: null,
  visit: null,
  exposures: [],
  pipeline: 'ApPipe',
  diaSources: 1,
  diaObjects: 1,
  alerts: 1,
  products: [],
  deadline,
  announcedAt: null,
  lastRawAt: null,
  readyAt: null,
  leasedAt: null,
  reportedAt: null,
  terminalAt: null,
  epoch: 1,
  committedAtMjdTai: 61365.1,
  ...more,
})

const open = (...detectors: number[]) =>
  drive(visitWindow(defaultSettings)).send(visit, key, NIGHT, announced(...detectors))
const said = (run: ReturnType<typeof open>) =>
  run
    .to(visitSummary)
    .map(({ number, kind, results, missing }) => [
      `${number} ${kind}`,
      results.map(it => `${it.detector} ${it.state}`).join(', '),
      missing,
    ])

describe('a visit', () => {
  it('is complete when each of its detectors has ended, however', () => {
    const run = open(1, 2).send(detectorResult, key, NIGHT + 2, result(2, { state: 'missed', alerts: 0 }))
    expect(run.written).toEqual([])
    run.send(detectorResult, key, NIGHT + 3, result(1))
    expect(said(run)).toEqual([['1 complete', '1 published, 2 missed', []]])
    expect(run.to(visitSummary)[0]).toMatchObject({ instrument: 'LSSTComCam', group: announcement.group, deadline })
    expect(run.advance(CLOSE + 1).written).toHaveLength(1)
  })
  it('is partial ten minutes after the deadline of its units, and names who is missing', () => {
    const run = open(1, 2).send(detectorResult, key, NIGHT + 2, result(1))
    expect(run.advance(CLOSE - 1).written).toEqual([])
    expect(said(run.advance(CLOSE))).toEqual([['1 partial', '1 published', [2]]])
    expect(run.written[0]!.at).toBe(CLOSE)
  })
  it('tells every later result in one more summary', () => {
    const run = open(1, 2)
      .advance(CLOSE)
      .send(detectorResult, key, CLOSE + 5, result(1))
    run.send(detectorResult, key, CLOSE + 6, result(2, { state: 'deferred' }))
    expect(said(run).slice(1)).toEqual([
      ['2 late', '1 published', [2]],
      ['3 late', '1 published, 2 deferred', []],
    ])
  })
  it('takes a later attempt for an earlier, and no duplicate for news', () => {
    const run = open(1).send(detectorResult, key, NIGHT + 2, result(1, { state: 'missed' }))
    run.send(visit, key, NIGHT, announced(1, 2, 3))
    run.send(detectorResult, key, NIGHT + 2, result(1, { state: 'missed' }))
    run.send(detectorResult, key, NIGHT + 9, result(1, { attempt: NIGHT + 8 }))
    run.send(detectorResult, key, NIGHT + 2, result(1, { state: 'missed' }))
    expect(said(run)).toEqual([
      ['1 complete', '1 missed', []],
      ['2 late', '1 published', []],
    ])
  })
  it('of which all detectors are off is complete at once', () => {
    expect(said(open())).toEqual([['1 complete', '', []]])
  })
  it('that the observatory cancelled, or that no pipeline wants, is complete too, with that end of every detector', () => {
    for (const state of ['cancelled', 'ignored'] as const) {
      const run = open(1, 2)
      for (const detector of [2, 1])
        run.send(detectorResult, key, NIGHT + detector, result(detector, { state, inputs: null, alerts: 0 }))
      expect(said(run)).toEqual([['1 complete', `1 ${state}, 2 ${state}`, []]])
    }
  })
  it('names the detectors that were off, and misses nothing of them', () => {
    const masked = [{ detector: 3, reason: 'hot columns' }]
    const run = drive(visitWindow(defaultSettings)).send(visit, key, NIGHT, { ...announced(1), masked })
    run.send(detectorResult, key, NIGHT + 2, result(1, { visit: 2026022500042n }))
    expect(run.to(visitSummary)).toMatchObject([
      { kind: 'complete', masked, missing: [], results: [{ detector: 1, visit: 2026022500042n }] },
    ])
  })
  it('says the same of the same results in whatever order they come, dated by the latest of them', () => {
    const ends = ['published', 'missed', 'failed', 'deferred'] as const
    const whole = ends.map((state, detector) => ({ detector, state, at: NIGHT + 1000 * detector }))
    fc.assert(
      fc.property(fc.shuffledSubarray([...whole, ...whole], { minLength: 8 }), fc.nat(8), (order, before) => {
        const run = drive(visitWindow(defaultSettings))
        order.forEach(({ detector, state, at }, i) => {
          if (i === before) run.send(visit, key, NIGHT, announced(0, 1, 2, 3))
          run.send(detectorResult, key, at, result(detector, { state }))
        })
        if (before >= order.length) run.send(visit, key, NIGHT, announced(0, 1, 2, 3))
        expect(said(run)).toEqual([['1 complete', whole.map(it => `${it.detector} ${it.state}`).join(', '), []]])
        expect(run.written.map(({ at }) => at)).toEqual([NIGHT + 3000])
      }),
    )
  })
  it('announced again by a replay, when it had been forgotten, waits from the order to replay', () => {
    const replay = CLOSE + 100 * 3_600_000
    const run = drive(visitWindow(defaultSettings)).send(visit, key, NIGHT, announced(1), replay)
    expect(run.advance(replay + 600_000 - 1).written).toEqual([])
    expect(said(run.advance(replay + 600_000))).toEqual([['1 partial', '', [1]]])
    run.send(detectorResult, key, replay + 900_000, result(1, { attempt: replay }))
    expect(said(run).slice(1)).toEqual([['2 late', '1 published', []]])
  })
  it('may be announced after its results', () => {
    const run = drive(visitWindow(defaultSettings))
      .send(detectorResult, key, NIGHT + 2, result(1))
      .send(visit, key, NIGHT, announced(1))
    expect(said(run)).toEqual([['1 complete', '1 published', []]])
  })
  it('is remembered for 48 h, and results without a visit no longer', () => {
    const run = open(1).send(detectorResult, key, NIGHT + 2, result(1))
    expect(run.advance(CLOSE + 48 * 3_600_000 - 1).states.size).toBe(1)
    expect(run.advance(CLOSE + 48 * 3_600_000).states.size).toBe(0)
    const orphan = drive(visitWindow(defaultSettings)).send(detectorResult, key, NIGHT, result(1))
    expect(orphan.advance(NIGHT + 48 * 3_600_000).states.size).toBe(0)
    expect(orphan.written).toEqual([])
  })
})
