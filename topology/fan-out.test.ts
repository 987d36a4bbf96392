import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Control, LogeventNextVisit, LogeventNextVisitCanceled } from '../schemas/avro/generated.ts'
import { fanOut } from './fan-out.ts'
import { taiSecondsOfInstant } from './model/time.ts'
import { activeDetectors, defaultSettings, type Settings } from './settings.ts'
import { control, detectorVisit, nextVisit, nextVisitCanceled, visit } from './streams.ts'
import { announcementAt, NIGHT, nextVisitAt } from './testing/announcements.ts'
import { drive } from './testing/drive.ts'

const settings: Settings = defaultSettings
const group = '2026-02-25T04:00:20.000'
const cancellation: LogeventNextVisitCanceled = {
  private_sndStamp: taiSecondsOfInstant(NIGHT),
  private_rcvStamp: 0,
  private_seqNum: 1n,
  private_identity: 'ScriptQueue:2',
  private_origin: 1n,
  private_revCode: 'c9aab3df',
  private_efdStamp: NIGHT / 1000,
  private_kafkaStamp: 0,
  salIndex: 2n,
  scriptSalIndex: 200023n,
  groupId: group,
}
const mask = (more: Partial<Control> = {}): Control => ({
  kind: 'mask',
  instrument: 'LATISS',
  detector: 0,
  reason: 'hot',
  by: 'ann',
  until: null,
  ...more,
})
const announce = (more: Partial<LogeventNextVisit> = {}) =>
  drive(fanOut(settings)).send(nextVisit, '', NIGHT, nextVisitAt(NIGHT, more))

it('knows its night', () => {
  expect(NIGHT).toBe(Date.parse('2026-02-25T04:00:00Z'))
})

describe('an announcement', () => {
  it('becomes one visit and one unit per detector, the deadline counted from its publication', () => {
    const run = announce()
    const announcement = announcementAt(NIGHT)
    const deadline = NIGHT + 2 * 35_000 + 120_000
    expect(run.written).toEqual([
      {
        stream: 'visit',
        key: `LATISS/${group}`,
        at: NIGHT,
        replay: 0,
        value: { announcement, detectors: [0], masked: [], deadline },
      },
      {
        stream: 'detector-visit',
        key: `LATISS/${group}/0`,
        at: NIGHT,
        replay: 0,
        value: {
          kind: 'announced',
          detector: 0,
          announcement,
          verdict: 'wanted',
          reason: null,
          pipelines: ['ApPipe', 'SingleFrame', 'Isr'],
          deadline,
        },
      },
    ])
  })
  it('of LSSTCam becomes 172 units, none for a detector that is off', () => {
    const units = announce({ instrument: 'LSSTCam' }).to(detectorVisit)
    expect(units.map(it => it.detector)).toEqual(activeDetectors(settings, 'LSSTCam'))
    expect(units).toHaveLength(172)
  })
  it('of HSC becomes 103 units, none for the dead detector 9', () => {
    const units = announce({ instrument: 'HSC' }).to(detectorVisit)
    expect(units.map(it => it.detector)).toEqual(Array.from({ length: 104 }, (_, i) => i).filter(id => id !== 9))
  })
  it('that no pipeline wants is ignored, with the reason', () => {
    expect(announce({ survey: '' }).to(detectorVisit)).toMatchObject([
      { verdict: 'ignored', pipelines: [], reason: 'survey "" takes pipeline rule 10, which runs nothing' },
    ])
  })
  it.each([
    [-23, 337],
    [360, 0],
    [383, 23],
  ])('with RA %d means %d', (ra, normal) => {
    expect(announce({ position: [ra, 1] }).to(visit)[0]!.announcement.ra).toBe(normal)
  })
  it('without position or rotation has nulls, whatever the numbers beside say', () => {
    const run = announce({ coordinateSystem: 1n, position: [], rotationSystem: 1n, cameraAngle: NaN })
    expect(run.to(visit)[0]!.announcement).toMatchObject({ ra: null, dec: null, rotation: null })
  })
  it('without an instrument is no observation: nothing is written and nothing refused', () => {
    const run = announce({ instrument: ' ' })
    expect([run.written, run.refused, run.states.size]).toEqual([[], [], 0])
    expect(run.notes).toEqual([`group "${group}" names no instrument: not an observation`])
  })
})

describe('rules that look at the sky', () => {
  const nside = 512
  const values = new Uint8Array(12 * nside * nside)
  values.fill(1, values.length / 2)
  const maps = new Map([['sky.fits', { nside, ordering: 'RING' as const, frame: 'C' as const, values }]])
  const pipelines = [
    { survey: 'BLOCK-365', binaryMap: 'sky.fits', pipelines: ['SingleFrame'] },
    ...defaultSettings.pipelines.slice(0, -1).map(rule => ({ ...rule, ra: { min: 350, max: 10 } })),
    { pipelines: [] },
  ]
  const step = fanOut({ ...settings, pipelines }, maps)
  const equator = nextVisitAt(NIGHT, { instrument: 'LSSTCam', position: [100, 0], cameraAngle: 0 })

  it('split the detectors of one visit, each by where it looks', () => {
    const units = drive(step).send(nextVisit, '', NIGHT, equator).to(detectorVisit)
    const verdictOf = (id: number) => units.find(it => it.detector === id)!
    // Below the middle of the focal plane R10 to R14, above it R30 to R34.
    expect(verdictOf(27 + 4)).toMatchObject({ verdict: 'wanted', pipelines: ['SingleFrame'] })
    expect(verdictOf(117 + 4)).toMatchObject({
      verdict: 'ignored',
      reason: expect.stringContaining('rule 11') as string,
    })
    expect(units.filter(it => it.verdict === 'wanted').length).toBeGreaterThan(70)
    expect(units.filter(it => it.verdict === 'ignored').length).toBeGreaterThan(70)
  })
  it('take a visit of 172 detectors less than 20 ms of the processor', () => {
    const once = () => {
      const began = process.cpuUsage()
      step.on(
        undefined,
        { stream: nextVisit.topic, key: '', at: NIGHT, replay: 0, value: equator },
        undefined,
        () => undefined,
      )
      const { user, system } = process.cpuUsage(began)
      return (user + system) / 1000
    }
    const took = Array.from({ length: 15 }, once).sort((a, b) => a - b)
    expect(took[7]).toBeLessThan(20)
  })
})

describe('a wrong announcement is refused with what, its value, and what is allowed:', () => {
  it.each<[Partial<LogeventNextVisit>, string, string]>([
    [{ instrument: 'Kepler' }, 'unknown-instrument', 'instrument is "Kepler"; processed here are LATISS, LSSTComCam'],
    [{ instrument: 'LSST-TS8' }, 'unknown-instrument', 'processed here are'],
    [{ groupId: '' }, 'bad-group', 'groupId is blank'],
    [{ groupId: 'x'.repeat(257) }, 'bad-group', '257 characters'],
    [{ groupId: 'a\nb' }, 'bad-text', 'groupId is "a\\nb"; allowed is text without control characters'],
    [{ survey: 'a\0' }, 'bad-text', 'survey is "a\\u0000"'],
    [{ filters: '\x1b[2J' }, 'bad-text', 'filters is'],
    [{ coordinateSystem: 0n }, 'bad-enum', 'coordinateSystem is 0; allowed are 1 NONE, 2 ICRS, 3 OBSERVED, 4 MOUNT'],
    [{ coordinateSystem: 3n }, 'unsupported-system', 'coordinateSystem is 3 OBSERVED; usable are 1 NONE and 2 ICRS'],
    [{ coordinateSystem: 4n }, 'unsupported-system', '4 MOUNT'],
    [{ coordinateSystem: 42n }, 'bad-enum', '42'],
    [{ rotationSystem: 0n }, 'bad-enum', 'rotationSystem is 0'],
    [{ rotationSystem: 3n }, 'unsupported-system', 'rotationSystem is 3 HORIZON; usable are 1 NONE and 2 SKY'],
    [{ rotationSystem: -1n }, 'bad-enum', '-1'],
    [{ dome: 4n }, 'bad-enum', 'dome is 4; allowed are 1 CLOSED, 2 OPEN, 3 EITHER'],
    [{ position: [] }, 'bad-position', 'position has 0 numbers; ICRS needs 2'],
    [{ position: [1, 2, 3] }, 'bad-position', '3 numbers'],
    [{ position: [NaN, 0] }, 'bad-number', 'RA, is NaN'],
    [{ position: [0, -90.5] }, 'bad-position', '-90.5; allowed is -90 to 90'],
    [{ cameraAngle: Infinity }, 'bad-number', 'cameraAngle is Infinity'],
    [{ duration: -1 }, 'bad-duration', 'duration is -1 s; allowed is 0 to 3600'],
    [{ duration: 3600.5 }, 'bad-duration', '3600.5'],
    [{ duration: NaN }, 'bad-duration', 'NaN'],
    [{ nimages: -1n }, 'bad-number', 'nimages is -1; allowed are the integers 0 to 100'],
    [{ nimages: 101n }, 'bad-number', 'nimages is 101; allowed are the integers 0 to 100'],
    [{ nimages: 2n ** 31n - 1n }, 'bad-number', 'nimages is 2147483647; allowed are the integers 0 to 100'],
    [{ startTime: NaN }, 'bad-number', 'startTime is NaN'],
    [{ private_efdStamp: NaN }, 'bad-number', 'private_efdStamp is NaN'],
    [{ scriptSalIndex: 1n << 40n }, 'bad-number', 'scriptSalIndex'],
  ])('%o', (wrong, code, sentence) => {
    const run = announce(wrong)
    expect(run.written).toEqual([])
    expect(run.states.size).toBe(0)
    expect(run.refused).toHaveLength(1)
    expect(run.refused[0]).toMatchObject({ code })
    expect(run.refused[0]!.message).toContain(sentence)
  })
})

describe('staleness is the age of the message when it was delivered', () => {
  const deliver = (ageSeconds: number, limit: number, more: Partial<LogeventNextVisit> = {}, replay = 0) =>
    drive(fanOut({ ...settings, messageExpirationSeconds: limit })).send(
      nextVisit,
      '',
      NIGHT + ageSeconds * 1000,
      nextVisitAt(NIGHT, more),
      replay,
    )
  it.each([610, 600])('600 s are accepted where %d are allowed', limit => {
    expect(deliver(600, limit).to(visit)).toHaveLength(1)
  })
  it.each([599.9, 550, 510, 100])('600 s are refused where %d are allowed', limit => {
    const run = deliver(600, limit)
    expect(run.written).toEqual([])
    expect(run.refused[0]).toMatchObject({ code: 'stale' })
    expect(run.refused[0]!.message).toContain(`came 600 s after it was published; allowed are ${limit} s`)
  })
  it('counts from the TAI stamp, 37 s ahead, where the UTC stamp was not set', () => {
    expect(deliver(601, 600, { private_efdStamp: 0 }).refused).toHaveLength(1)
    const timely = deliver(599, 600, { private_efdStamp: 0 })
    expect(timely.to(visit)[0]!.announcement.publishedAt).toBe(NIGHT)
    expect(timely.notes).toEqual([])
  })
  it('counts in whole seconds', () => {
    expect(deliver(600.49, 600).to(visit)).toHaveLength(1)
    expect(deliver(600.5, 600).refused).toMatchObject([{ code: 'stale' }])
  })
  it('is unknown without a stamp: such a visit is processed, which is noted, its deadline counted from its arrival', () => {
    const run = deliver(600, 100, { private_efdStamp: 0, private_sndStamp: 0 })
    const [only] = run.to(visit)
    expect(run.notes).toEqual([
      `LATISS ${group} does not say when it was published: whether it is stale is not known, and it is processed`,
    ])
    expect(only).toMatchObject({ deadline: NIGHT + 600_000 + 190_000, announcement: { publishedAt: null } })
  })
  it('does not move a deadline beyond what the arrival allows, where the publisher is ahead of us', () => {
    expect(deliver(-50, 600).to(visit)[0]!.deadline).toBe(NIGHT - 50_000 + 190_000)
  })
  it('does not stop what an operator replays', () => {
    expect(deliver(600, 100, {}, NIGHT + 900_000).to(visit)).toHaveLength(1)
  })
})

describe('a group announced again', () => {
  it('changes nothing, even with other contents', () => {
    const run = announce()
      .send(nextVisit, '', NIGHT + 5, nextVisitAt(NIGHT, { duration: 99, position: [20, 5] }))
      .send(nextVisit, '', NIGHT + 6, nextVisitAt(NIGHT, { instrument: 'LATISS', nimages: -1n }))
    expect(run.written).toHaveLength(2)
    expect(run.refused).toEqual([])
  })
  it('by another instrument is another visit', () => {
    const run = announce().send(
      nextVisit,
      '',
      NIGHT + 5,
      nextVisitAt(NIGHT, { instrument: 'LSSTComCam', salIndex: 1n }),
    )
    expect(run.to(visit)).toHaveLength(2)
    expect(run.send(nextVisitCanceled, '', NIGHT + 6, cancellation).to(detectorVisit)).toHaveLength(20)
  })
  it('by a replay asks for the same units once more, with the masks of its day', () => {
    const replay = NIGHT + 3_600_000
    const run = drive(fanOut(settings))
      .send(control, 'LSSTComCam', NIGHT - 5, mask({ instrument: 'LSSTComCam', detector: 4 }))
      .send(nextVisit, '', NIGHT, nextVisitAt(NIGHT, { instrument: 'LSSTComCam' }))
      .send(control, 'LSSTComCam', NIGHT + 5, mask({ instrument: 'LSSTComCam', detector: 4, kind: 'unmask' }))
    const before = run.written.map(it => it.value)
    for (let i = 0; i < 2; i++) {
      run.send(nextVisit, '', NIGHT, nextVisitAt(NIGHT, { instrument: 'LSSTComCam' }), replay)
    }
    expect(run.written.map(it => it.value)).toEqual([...before, ...before])
    expect(run.written.at(-1)!.replay).toBe(replay)
  })
  it('is new again when its memory of 48 h is over', () => {
    const forgetAt = NIGHT + 190_000 + 48 * 3_600_000
    expect(announce().advance(forgetAt - 1).states.size).toBe(1)
    expect(announce().advance(forgetAt).states.size).toBe(0)
  })
})

describe('a cancellation', () => {
  const withdrawn = { kind: 'withdrawn', detector: 0, reason: 'the observatory cancelled the group' }
  it('after its announcement withdraws each unit once', () => {
    const run = announce()
      .send(nextVisitCanceled, '', NIGHT + 9, cancellation)
      .send(nextVisitCanceled, '', NIGHT + 10, cancellation)
    expect(run.to(detectorVisit)).toMatchObject([{ kind: 'announced' }, withdrawn])
  })
  it('before its announcement does the same', () => {
    const run = drive(fanOut(settings))
      .send(nextVisitCanceled, '', NIGHT - 9, cancellation)
      .send(nextVisit, '', NIGHT, nextVisitAt(NIGHT))
    expect(run.to(detectorVisit)).toMatchObject([{ kind: 'announced' }, withdrawn])
    expect(run.to(visit)).toHaveLength(1)
  })
  it('in any order with announcements, each as often as you like, withdraws each unit once', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<'announce' | 'cancel'>('announce', 'cancel')), events => {
        const run = drive(fanOut(settings))
        events.forEach((event, i) => {
          if (event === 'cancel') run.send(nextVisitCanceled, '', NIGHT + i, cancellation)
          else run.send(nextVisit, '', NIGHT + i, nextVisitAt(NIGHT, { instrument: 'LSSTComCam' }))
        })
        const [announced, cancelled] = (['announce', 'cancel'] as const).map(kind => events.includes(kind))
        const of = (kind: string) => run.to(detectorVisit).flatMap(it => (it.kind === kind ? [it.detector] : []))
        const each = [0, 1, 2, 3, 4, 5, 6, 7, 8]
        expect(of('announced')).toEqual(announced ? each : [])
        expect(of('withdrawn')).toEqual(announced && cancelled ? each : [])
      }),
    )
  })
  it('is said again when a replay announces the group again', () => {
    const run = announce()
      .send(nextVisitCanceled, '', NIGHT + 9, cancellation)
      .send(nextVisit, '', NIGHT, nextVisitAt(NIGHT), NIGHT + 500)
    expect(run.to(detectorVisit).map(it => it.kind)).toEqual(['announced', 'withdrawn', 'announced', 'withdrawn'])
  })
  it('of a group that never comes is forgotten, and a blank one refused', () => {
    const run = drive(fanOut(settings)).send(nextVisitCanceled, '', NIGHT, cancellation)
    expect(run.advance(NIGHT + 48 * 3_600_000).states.size).toBe(0)
    run.send(nextVisitCanceled, '', NIGHT, { ...cancellation, groupId: '' })
    expect(run.refused).toMatchObject([{ code: 'bad-group' }])
  })
})

describe('a mask', () => {
  const visitAt = (at: number, name: string) => nextVisitAt(at, { groupId: name, instrument: 'LSSTComCam' })
  const comCam = (more: Partial<Control> = {}) => mask({ instrument: 'LSSTComCam', detector: 3, ...more })
  const masked = (run: ReturnType<typeof announce>) => run.to(visit).map(it => it.masked)
  const hot = { detector: 3, reason: 'hot (ann)' }

  it('affects later visits only, and its units are said masked and not counted', () => {
    const run = drive(fanOut(settings))
      .send(nextVisit, '', NIGHT, visitAt(NIGHT, 'a'))
      .send(control, 'LSSTComCam', NIGHT + 1, comCam())
      .send(nextVisit, '', NIGHT + 2, visitAt(NIGHT, 'b'))
      .send(control, 'LSSTComCam', NIGHT + 3, comCam({ kind: 'unmask' }))
      .send(nextVisit, '', NIGHT + 4, visitAt(NIGHT, 'c'))
    expect(masked(run)).toEqual([[], [hot], []])
    expect(run.to(visit)[1]!.detectors).toEqual([0, 1, 2, 4, 5, 6, 7, 8])
    const units = run.to(detectorVisit).filter(it => it.announcement.group === 'b')
    expect(units).toHaveLength(9)
    expect(units.filter(it => it.verdict === 'masked')).toMatchObject([{ detector: 3, reason: 'hot (ann)' }])
  })
  it('ends by itself, and is then forgotten', () => {
    const run = drive(fanOut(settings))
      .send(control, 'LSSTComCam', NIGHT, comCam({ until: NIGHT + 100 }))
      .send(control, 'LSSTComCam', NIGHT, comCam({ until: NIGHT + 200, detector: 5 }))
      .send(nextVisit, '', NIGHT + 99, visitAt(NIGHT, 'a'))
      .send(nextVisit, '', NIGHT + 100, visitAt(NIGHT, 'b'))
    expect(masked(run).map(it => it.map(one => one.detector))).toEqual([[3, 5], [5]])
    expect(run.advance(NIGHT + 200).states.has('masks/LSSTComCam')).toBe(false)
  })
  it('without a detector pauses them all, and leaves the mask of one in place when it ends', () => {
    const run = drive(fanOut(settings))
      .send(control, 'LSSTComCam', NIGHT, comCam())
      .send(control, 'LSSTComCam', NIGHT, comCam({ detector: null, reason: 'storm' }))
      .send(nextVisit, '', NIGHT + 1, visitAt(NIGHT, 'a'))
      .send(control, 'LSSTComCam', NIGHT + 2, comCam({ detector: null, kind: 'unmask' }))
      .send(nextVisit, '', NIGHT + 3, visitAt(NIGHT, 'b'))
    expect(masked(run)[0]).toHaveLength(9)
    expect(masked(run)[1]).toEqual([hot])
  })
  it('ordered later does not reach back into a replayed visit that was forgotten', () => {
    const run = drive(fanOut(settings))
      .send(control, 'LSSTComCam', NIGHT + 1000, comCam())
      .send(nextVisit, '', NIGHT, visitAt(NIGHT, 'a'), NIGHT + 2000)
    expect(masked(run)).toEqual([[]])
  })
  it.each([
    [{ instrument: 'Kepler' }, 'unknown-instrument'],
    [{ detector: 9 }, 'unknown-detector'],
    [{ detector: -1 }, 'unknown-detector'],
    [{ until: NIGHT }, 'mask-over'],
    [{ kind: 'hold' as const, instrument: '', detector: null, until: NIGHT }, 'bad-hold'],
    [{ kind: 'hold' as const, instrument: '', detector: null, until: NIGHT + 13 * 3_600_000 }, 'bad-hold'],
  ])('%o is refused', (more, code) => {
    const run = drive(fanOut(settings)).send(control, '', NIGHT, comCam(more))
    expect(run.refused).toMatchObject([{ code }])
    expect(run.states.size).toBe(0)
  })
})
