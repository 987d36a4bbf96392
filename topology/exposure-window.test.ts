import { describe, expect, it } from 'vitest'
import type { RawArrival } from '../schemas/avro/generated.ts'
import { exposureWindow } from './exposure-window.ts'
import { defaultSettings } from './settings.ts'
import { detectorJob, detectorVisit, rawArrival, rawLate, rawListed, rawUnclaimed, rawWanted } from './streams.ts'
import { NIGHT } from './testing/announcements.ts'
import { drive } from './testing/drive.ts'
import { DEADLINE, rawOf, UNIT, unitVisit, withdrawnVisit } from './testing/unit.ts'

const HOUR = 3_600_000
const REPLAY = NIGHT + 5 * HOUR
const MAX_INT = 2 ** 31 - 1

/** A window with the words of this test: seconds are counted from the announcement. */
function window() {
  const run = drive(exposureWindow(defaultSettings))
  const self = {
    announced: (nimages = 1, s = 0, replay = 0) => (
      run.send(detectorVisit, UNIT, t(s), unitVisit(nimages), replay),
      self
    ),
    withdrawn: (nimages = 1, s = 1, replay = 0) => (
      run.send(detectorVisit, UNIT, t(s), withdrawnVisit(nimages), replay),
      self
    ),
    raw: (s: number, raw = rawOf(0), replay = 0) => (run.send(rawArrival, UNIT, t(s), raw, replay), self),
    advance: (s: number) => (run.advance(t(s)), self),
    listed: (attempt: number, ...found: (readonly [number, RawArrival])[]) => {
      run.send(rawListed, UNIT, DEADLINE, { attempt, found: found.map(([s, raw]) => ({ at: t(s), raw })) })
      return self
    },
    /** Each decision as `attempt.number kind inputs exposures @seconds`. */
    decisions: () =>
      run.written
        .filter(it => it.stream === detectorJob.topic)
        .map(it => {
          const job = it.value as ReturnType<typeof jobs>[number]
          const words = [job.kind, job.inputs, ...job.raws.map(({ raw }) => Number(raw.exposure % 1000n))]
          const attempt = job.attempt === 0 ? 'live' : 'again'
          return `${attempt} ${job.number} ${words.filter(it => it !== null).join(' ')} @${(it.at - NIGHT) / 1000}`
        }),
    jobs: () => jobs(),
    late: () => run.to(rawLate),
    unclaimed: () => run.to(rawUnclaimed),
    wanted: () => run.to(rawWanted),
    remembered: () => run.states.size,
  }
  const jobs = () => run.to(detectorJob)
  return self
}
const t = (seconds: number) => NIGHT + seconds * 1000

describe('a unit', () => {
  it('is announced at once and ready as soon as its set is complete, without a tick', () => {
    const unit = window().announced(2).raw(3, rawOf(0)).raw(5, rawOf(1))
    expect(unit.decisions()).toEqual(['live 1 announced @0', 'live 2 ready complete 1 2 @5'])
    expect(unit.jobs().map(job => job.announcedAt)).toEqual([NIGHT, NIGHT])
    expect(unit.jobs()[1]).toMatchObject({
      detector: 0,
      pipelines: ['ApPipe', 'SingleFrame', 'Isr'],
      deadline: DEADLINE,
      reason: null,
      announcement: { nimages: 2 },
      raws: [
        { at: t(3), raw: rawOf(0) },
        { at: t(5), raw: rawOf(1) },
      ],
    })
  })
  it('is the same whichever raw is read first', () => {
    const unit = window().announced(2).raw(5, rawOf(1)).raw(3, rawOf(0))
    expect(unit.decisions()[1]).toBe('live 2 ready complete 1 2 @5')
  })
  it('asks when its deadline has passed, and closes on the answer only', () => {
    const unit = window().announced(2).raw(3).advance(99)
    expect(unit.wanted()).toEqual([])
    unit.advance(100).advance(100_000)
    expect(unit.decisions()).toHaveLength(1)
    expect(unit.wanted()).toEqual([
      {
        instrument: 'LATISS',
        group: '2026-02-25T04:00:20.000',
        detector: 0,
        attempt: 0,
        until: DEADLINE,
        announcedAt: NIGHT,
        deadline: DEADLINE,
      },
    ])
    expect(unit.listed(0).decisions()[1]).toBe('live 2 ready partial 1 @100')
    expect(unit.jobs()[1]!.reason).toBe('1 of 2 snaps had come when the window closed')
  })
  it('counts a raw that was never notified, and becomes complete by it', () => {
    const unit = window()
      .announced(2)
      .raw(3)
      .advance(100)
      .listed(0, [4, rawOf(1)])
    expect(unit.decisions()[1]).toBe('live 2 ready complete 1 2 @100')
  })
  it('that needs more snaps than memory could count closes like any other', () => {
    const unit = window().announced(MAX_INT).raw(3).advance(100).listed(0)
    expect(unit.decisions()[1]).toBe('live 2 ready partial 1 @100')
  })
  it('with no raw at all is missed', () => {
    expect(window().announced().advance(100).listed(0).decisions()).toEqual([
      'live 1 announced @0',
      'live 2 missed @100',
    ])
  })
  it('without a known number of images runs to its deadline, and one raw is complete', () => {
    const unit = window().announced(0).raw(3).raw(5, rawOf(1))
    expect(unit.decisions()).toHaveLength(1)
    expect(unit.advance(100).listed(0).decisions()[1]).toBe('live 2 ready complete 1 2 @100')
    expect(window().announced(0).advance(100).listed(0).decisions()[1]).toBe('live 2 missed @100')
  })
  it('takes one raw per snap, the first, and no more than announced', () => {
    const two = window().announced(2).raw(3, rawOf(0)).raw(4, rawOf(0, 9)).raw(5, rawOf(1))
    expect(two.decisions()[1]).toBe('live 2 ready complete 1 2 @5')
    expect(two.late().map(it => it.raw)).toEqual([rawOf(0, 9)])
    const one = window().raw(1, rawOf(0)).raw(2, rawOf(1)).announced(1, 3)
    expect(one.decisions()[1]).toBe('live 2 ready complete 1 @3')
  })
  it('is partial where the snap that was announced did not come, and another did', () => {
    const unit = window().announced(1).raw(3, rawOf(1)).advance(100).listed(0)
    expect(unit.decisions()[1]).toBe('live 2 ready partial 2 @100')
  })
})

describe('in time or late is decided from `at`', () => {
  it('on the deadline is in time, a millisecond later is not', () => {
    expect(window().announced().raw(100).decisions()).toHaveLength(2)
    const late = window().announced().raw(100.001)
    expect(late.decisions()).toHaveLength(1)
    expect(late.advance(200).listed(0).decisions()[1]).toBe('live 2 missed @100')
    expect(late.late()).toEqual([{ raw: rawOf(0), deadline: DEADLINE, attempt: 0 }])
  })
  it('whatever time the task is at: a raw of before the deadline still counts while the answer is awaited', () => {
    const unit = window().announced().advance(500).raw(99)
    expect(unit.decisions()[1]).toBe('live 2 ready complete 1 @99')
    expect(unit.listed(0).decisions()).toHaveLength(2)
  })
  it('of notification and object the earlier counts', () => {
    const unit = window()
      .announced()
      .raw(101)
      .advance(200)
      .listed(0, [98, rawOf(0)])
    expect(unit.decisions()[1]).toBe('live 2 ready complete 1 @100')
    expect(unit.jobs()[1]!.raws[0]!.at).toBe(t(98))
    expect(unit.late()).toEqual([])
  })
  it('a listing cannot bring a raw in that came too late', () => {
    expect(
      window()
        .announced()
        .advance(200)
        .listed(0, [101, rawOf(0)])
        .decisions()[1],
    ).toBe('live 2 missed @100')
  })
  it('each late raw is said once, with the time it entered', () => {
    const unit = window().announced().advance(100).listed(0).raw(103).raw(103).raw(104)
    expect(unit.late()).toHaveLength(1)
  })
})

describe('duplicates', () => {
  it('of anything change nothing, as long as the window is remembered', () => {
    const unit = window().announced(2).announced(2).raw(3).raw(3).raw(4).raw(5, rawOf(1)).announced(2).raw(3)
    unit.raw(5, rawOf(1)).withdrawn(2, 6).withdrawn(2, 6).announced(2).advance(100).listed(0)
    expect(unit.decisions()).toEqual(['live 1 announced @0', 'live 2 ready complete 1 2 @5'])
    expect([unit.late(), unit.unclaimed(), unit.wanted()]).toEqual([[], [], []])
  })
  it('are new after 48 h', () => {
    const unit = window().announced().raw(3)
    expect(unit.advance(100 + 48 * 3600 - 1).remembered()).toBe(1)
    expect(unit.advance(100 + 48 * 3600).remembered()).toBe(0)
  })
})

describe('a cancellation', () => {
  it('is said at once and decides at the close', () => {
    const unit = window().announced().withdrawn()
    expect(unit.decisions()).toEqual(['live 1 announced @0', 'live 2 withdrawn @1'])
    expect(unit.advance(100).listed(0).decisions()[2]).toBe('live 3 cancelled @100')
  })
  it('is beaten by a raw in time, notified or found', () => {
    expect(window().announced().withdrawn().raw(99).decisions()[2]).toBe('live 3 ready complete 1 @99')
    expect(
      window()
        .announced()
        .withdrawn()
        .advance(100)
        .listed(0, [9, rawOf(0)])
        .decisions()[2],
    ).toBe('live 3 ready complete 1 @100')
  })
  it('is not beaten by a late one', () => {
    const unit = window().announced().withdrawn().raw(101).advance(100).listed(0)
    expect(unit.decisions()[2]).toBe('live 3 cancelled @100')
    expect(unit.late()).toHaveLength(1)
  })
  it('after the deadline decides nothing, even where it is read before the tick', () => {
    expect(window().announced().withdrawn(1, 101).advance(102).listed(0).decisions()[2]).toBe('live 3 missed @100')
  })
  it('changes nothing in a window that has closed', () => {
    expect(window().announced().raw(3).withdrawn().decisions()).toHaveLength(2)
  })
  it('before its announcement is said after it', () => {
    expect(window().withdrawn(1, -5).announced().decisions()).toEqual(['live 1 announced @0', 'live 2 withdrawn @0'])
  })
})

describe('a unit that is not wanted', () => {
  const reason = 'survey "" takes pipeline rule 10, which runs nothing'
  const run = () => drive(exposureWindow(defaultSettings))
  it('by any pipeline is ignored at once, and its raws are neither late nor unclaimed', () => {
    const unit = run()
      .send(rawArrival, UNIT, t(-5), rawOf(1))
      .send(detectorVisit, UNIT, NIGHT, unitVisit(1, { verdict: 'ignored', reason, pipelines: [] }))
      .send(rawArrival, UNIT, t(3), rawOf(0))
      .send(rawArrival, UNIT, t(300), rawOf(0))
      .send(detectorVisit, UNIT, t(4), withdrawnVisit(1))
      .advance(t(5000))
    expect(unit.to(detectorJob)).toMatchObject([{ kind: 'ignored', number: 1, reason, raws: [] }])
    expect(unit.written).toHaveLength(1)
  })
  it('because its detector is off is no unit: nothing is ever said', () => {
    const unit = run()
      .send(rawArrival, UNIT, t(-5), rawOf(1))
      .send(detectorVisit, UNIT, NIGHT, unitVisit(1, { verdict: 'masked', reason: 'hot', pipelines: [] }))
      .send(rawArrival, UNIT, t(3), rawOf(0))
      .send(rawArrival, UNIT, t(300), rawOf(0))
      .send(detectorVisit, UNIT, t(4), withdrawnVisit(1))
      .advance(t(5000))
    expect(unit.written).toEqual([])
    expect(unit.advance(t(100 + 48 * 3600)).states.size).toBe(0)
  })
})

describe('a raw without an announcement', () => {
  it('is held, and counts when the announcement comes', () => {
    expect(window().raw(-50).announced().decisions()).toEqual(['live 1 announced @0', 'live 2 ready complete 1 @0'])
  })
  it('is unclaimed after an hour, each by its own hour', () => {
    const unit = window().raw(-3600, rawOf(0)).raw(-1000, rawOf(1)).advance(-1)
    expect(unit.unclaimed()).toEqual([])
    expect(unit.advance(0).advance(1).unclaimed()).toEqual([{ raw: rawOf(0) }])
    expect(unit.advance(2600).advance(9999).unclaimed()).toEqual([{ raw: rawOf(0) }, { raw: rawOf(1) }])
    expect(unit.advance(-1000 + 49 * 3600).remembered()).toBe(0)
  })
  it('that waited too long is said so even if the announcement is read before the tick, and still counts', () => {
    const unit = window().raw(-3601).announced()
    expect(unit.unclaimed()).toHaveLength(1)
    expect(unit.decisions()[1]).toBe('live 2 ready complete 1 @0')
    expect(window().raw(-3600).announced().unclaimed()).toEqual([])
  })
})

describe('a replay', () => {
  it('reopens a closed window, keeps what it knew, and numbers its decisions anew', () => {
    const unit = window().announced(2).raw(3).advance(100).listed(0).raw(150, rawOf(1))
    expect(unit.late()).toHaveLength(1)
    unit.announced(2, 0, REPLAY)
    expect(unit.decisions().slice(2)).toEqual(['again 1 announced @0', 'again 2 ready complete 1 2 @150'])
    expect(unit.jobs().at(-1)!.attempt).toBe(REPLAY)
  })
  it('asks at once where the deadline is past, for all there is', () => {
    const unit = window().announced().advance(100).listed(0).announced(1, 0, REPLAY).advance(18_000)
    expect(unit.wanted()[1]).toMatchObject({ attempt: REPLAY, until: null })
    expect(unit.listed(0, [150, rawOf(0)]).decisions()).toHaveLength(3)
    expect(unit.listed(REPLAY, [150, rawOf(0)]).decisions()[3]).toBe('again 2 ready complete 1 @100')
    expect(unit.late()).toEqual([])
  })
  it('reopens once, also by a raw or a withdrawal, and says a cancellation again', () => {
    const unit = window().announced(2).withdrawn(2).advance(100).listed(0).raw(3, rawOf(0), REPLAY)
    unit.announced(2, 0, REPLAY).withdrawn(2, 1, REPLAY).raw(3, rawOf(0), REPLAY)
    expect(unit.decisions().slice(3)).toEqual(['again 1 announced @0', 'again 2 withdrawn @0'])
    const other = window().announced().advance(100).listed(0).withdrawn(1, 1, REPLAY)
    expect(other.decisions().slice(2)).toEqual(['again 1 announced @0', 'again 2 withdrawn @0'])
  })
  it('of a window that is forgotten opens it with the attempt of the replay, and it is remembered from then on', () => {
    const unit = window()
      .raw(3, rawOf(0), REPLAY)
      .advance(18_000 - 1)
    expect(unit.unclaimed()).toEqual([])
    unit.announced(1, 0, REPLAY)
    expect(unit.decisions()).toEqual(['again 1 announced @0', 'again 2 ready complete 1 @3'])
    expect(unit.advance(5 * 3600 + 48 * 3600 - 1).remembered()).toBe(1)
  })
  it('with an older order than the window has seen changes nothing', () => {
    const unit = window()
      .announced(1, 0, REPLAY)
      .raw(3, rawOf(0), REPLAY)
      .announced(1, 0, REPLAY - 1)
    expect(unit.decisions()).toHaveLength(2)
  })
  it('does not judge a listing late, nor reopen a window that is open', () => {
    const unit = window().announced().announced(1, 0, REPLAY).advance(100)
    expect(unit.wanted()).toMatchObject([{ attempt: 0 }])
  })
})
