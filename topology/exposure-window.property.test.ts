import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { DetectorJob, DetectorVisit, RawArrival } from '../schemas/avro/generated.ts'
import { exposureWindow } from './exposure-window.ts'
import { defaultSettings } from './settings.ts'
import { detectorJob, detectorVisit, rawArrival, rawLate, rawListed, rawUnclaimed, rawWanted } from './streams.ts'
import { NIGHT } from './testing/announcements.ts'
import { drive } from './testing/drive.ts'
import { rawOf, UNIT, unitVisit, withdrawnVisit } from './testing/unit.ts'

/**
 * One unit's story, told twice: in order with a tick every five seconds, and then as a real night might: each source in its own
 * order but the sources against each other as they like, everything up to twice, ticks seldom and late, the answer
 * delayed. What may not change: the closing decision, and what is late or unclaimed.
 */
interface Story {
  readonly nimages: number
  readonly announcedS: number
  readonly cancelledS: number | null
  readonly verdict: DetectorVisit['verdict']
  /** Per snap: when the object was stored, and how long its notification took; null: it was lost. */
  readonly raws: readonly {
    readonly storedS: number
    readonly delayS: number | null
    /** When a second notification of the object came, seconds after the first; null: never. */
    readonly againS: number | null
  }[]
  /** Whether the bucket can be listed truthfully; a blind listing hides nothing of a wrong watermark. */
  readonly listed: boolean
}

type Told =
  | { readonly source: number; readonly at: number; readonly left: DetectorVisit }
  | { readonly source: number; readonly at: number; readonly raw: RawArrival }

const t = (seconds: number) => NIGHT + Math.round(seconds * 1000)
const seconds = (min: number, max: number) => fc.integer({ min: min * 10, max: max * 10 }).map(it => it / 10)

const storyWith = (againS: fc.Arbitrary<number | null>): fc.Arbitrary<Story> =>
  fc.record({
    nimages: fc.integer({ min: 0, max: 3 }),
    announcedS: fc.oneof(seconds(0, 5), seconds(3590, 3700)),
    cancelledS: fc.option(seconds(1, 150)),
    verdict: fc.constantFrom('wanted', 'wanted', 'wanted', 'ignored', 'masked'),
    // Around the deadline, 100 s after the announcement, to the millisecond; and so early that the hold runs out.
    raws: fc.array(
      fc.record({
        storedS: fc.oneof(seconds(-20, 130), fc.constantFrom(99.999, 100, 100.001), seconds(3580, 3810)),
        delayS: fc.option(fc.oneof(fc.constant(0), seconds(0, 40)), { freq: 6 }),
        againS,
      }),
      { maxLength: 4 },
    ),
    listed: fc.boolean(),
  })

function records({ nimages, announcedS, cancelledS, verdict, raws }: Story): Told[] {
  const deadline = t(announcedS + 100)
  const more = { deadline, verdict, pipelines: verdict === 'wanted' ? ['Isr'] : [] }
  const left: Told[] = [{ source: 0, at: t(announcedS), left: unitVisit(nimages, more) }]
  if (cancelledS !== null) {
    left.push({ source: 0, at: t(announcedS + cancelledS), left: { ...withdrawnVisit(nimages), deadline } })
  }
  const notified = raws.flatMap(({ storedS, delayS, againS }, snap): Told[] => {
    if (delayS === null) return []
    const raw = rawOf(snap)
    const first = { source: 1 + (snap % 2), at: t(storedS + delayS), raw }
    // The second notification lies in another partition, so either may be read first.
    return againS === null ? [first] : [first, { source: 2 - (snap % 2), at: first.at + againS * 1000, raw }]
  })
  return [...left, ...notified.sort((a, b) => a.at - b.at)]
}

/** Runs slots: before tick i, slot i's records. Answers every question `delay` slots after it was asked. */
function tell(it: Story, slots: readonly (readonly Told[])[], ticks: readonly number[], delay: number) {
  const run = drive(exposureWindow(defaultSettings))
  const due = new Map<number, number>()
  for (let slot = 0; slot < slots.length + delay + 1; slot++) {
    for (const record of slots[slot] ?? []) {
      if ('left' in record) run.send(detectorVisit, UNIT, record.at, record.left)
      else run.send(rawArrival, UNIT, record.at, record.raw)
    }
    if (ticks[slot] !== undefined) run.advance(ticks[slot]!)
    run.to(rawWanted).forEach((_, i) => due.has(i) || due.set(i, slot + delay))
    for (const [i, when] of due) {
      if (when !== slot) continue
      const { attempt, until } = run.to(rawWanted)[i]!
      const found = it.raws.flatMap(({ storedS }, snap) =>
        it.listed && (until === null || t(storedS) <= until) ? [{ at: t(storedS), raw: rawOf(snap) }] : [],
      )
      run.send(rawListed, UNIT, until ?? NIGHT, { attempt, found })
    }
  }
  const closing = run.written.filter(
    ({ stream, value }) =>
      stream === detectorJob.topic && !['announced', 'withdrawn'].includes((value as { kind: string }).kind),
  )
  const side = (topic: string) =>
    run.written
      .filter(({ stream }) => stream === topic)
      .map(({ at, value }) => [at, String((value as { raw: RawArrival }).raw.exposure)])
      .sort()
  return {
    closing: closing.map(({ at, value }) => ({ ...(value as object), number: undefined, at })),
    late: side(rawLate.topic),
    unclaimed: side(rawUnclaimed.topic),
    phases: [...run.states.values()].map(({ phase }) => phase),
  }
}

const END = 9000

function inOrder(it: Story) {
  const ticks = Array.from({ length: END / 5 }, (_, i) => t(5 * i - 100))
  const told = records(it).sort((a, b) => a.at - b.at || a.source - b.source)
  const slots = ticks.map((tick, i) => told.filter(({ at }) => at <= tick && (i === 0 || at > ticks[i - 1]!)))
  return tell(it, slots, ticks, 1)
}

/** How another run goes: ticks at other times; each record, and perhaps a second copy, in some slot not after its tick. */
const course = fc.record({
  gaps: fc.array(fc.integer({ min: 1000, max: 400_000 }), { minLength: 1, maxLength: 30 }),
  places: fc.array(fc.integer({ min: 0, max: 999 }), { minLength: 30, maxLength: 30 }),
  doubled: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
  delay: fc.integer({ min: 0, max: 5 }),
})

type Course = typeof course extends fc.Arbitrary<infer C> ? C : never

/** The story as that other course tells it. */
function tellAnother(it: Story, { gaps, places, doubled, delay }: Course) {
  const ticks: number[] = [t(-100)]
  for (let i = 0; ticks.at(-1)! < t(END); i++) ticks.push(ticks.at(-1)! + gaps[i % gaps.length]!)
  const slots: Told[][] = ticks.map(() => [])
  let drawn = 0
  const place = () => places[drawn++ % places.length]! / 1000
  let copies = 0
  for (const source of [0, 1, 2]) {
    let first = 0 // A source is one partition: its records stay in order, and so do the second copies.
    for (const record of records(it).filter(one => one.source === source)) {
      const last = ticks.findIndex(tick => tick >= record.at)
      first = Math.max(first, Math.floor(place() * (last + 1)))
      slots[Math.min(first, last)]!.push(record)
      if (doubled[copies++ % doubled.length])
        slots[Math.min(first + Math.floor(place() * 20), slots.length - 1)]!.push(record)
    }
  }
  const shuffled = slots.map(slot => interleaved(slot, place))
  return tell(it, shuffled, ticks, delay)
}

const once = fc.constant(null)

it('any order within the grace, duplicates, any rate of ticks, a restart after every event: the same closing decisions', () => {
  const kinds = new Map<string, number>()
  fc.assert(
    fc.property(storyWith(once), course, (it, other) => {
      const expected = inOrder(it)
      for (const { kind } of expected.closing as unknown as { kind: string }[]) {
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
      }
      expect(tellAnother(it, other)).toEqual(expected)
    }),
    { numRuns: 400 },
  )
  // The stories must be worth telling: each kind of end happens.
  expect([...kinds.keys()].sort()).toEqual(['cancelled', 'ignored', 'missed', 'ready'])
})

it('raws within one tick of the deadline, notified or listed: the same closing decisions', () => {
  const near = fc.record({
    storedS: fc.integer({ min: 98_500, max: 101_500 }).map(ms => ms / 1000),
    delayS: fc.option(fc.integer({ min: 0, max: 1500 }).map(ms => ms / 1000)),
    againS: once,
  })
  const stories = fc.record({
    nimages: fc.integer({ min: 0, max: 3 }),
    announcedS: fc.constant(0),
    cancelledS: fc.option(fc.integer({ min: 99_000, max: 101_000 }).map(ms => ms / 1000)),
    verdict: fc.constant('wanted' as const),
    raws: fc.array(near, { maxLength: 4 }),
    listed: fc.boolean(),
  })
  // Ticks a second apart, wherever they fall.
  const ticking = course.map(it => ({ ...it, gaps: [1000 + (it.gaps[0]! % 500)] }))
  fc.assert(
    fc.property(stories, ticking, (it, other) => {
      expect(tellAnother(it, other)).toEqual(inOrder(it))
    }),
    { numRuns: 200 },
  )
})

it('two notifications of one raw, either read first: the same ends with the same exposures, at a time of one of the two', () => {
  const ends = ({ closing, late, unclaimed, phases }: ReturnType<typeof tell>) => ({
    closing: (closing as unknown as DetectorJob[]).map(({ kind, inputs, raws }) => ({
      ...{ kind, inputs },
      exposures: raws.map(({ raw }) => raw.exposure).sort(),
    })),
    late: late.map(([, exposure]) => exposure).sort(),
    unclaimed: unclaimed.map(([, exposure]) => exposure).sort(),
    phases,
  })
  fc.assert(
    fc.property(storyWith(fc.option(seconds(0, 60), { freq: 3 })), course, (it, other) => {
      expect(ends(tellAnother(it, other))).toEqual(ends(inOrder(it)))
    }),
    { numRuns: 400 },
  )
})

/** Merges the sources of one slot at random, each in its own order. */
function interleaved(slot: readonly Told[], place: () => number): Told[] {
  const queues = [0, 1, 2].map(source => slot.filter(it => it.source === source))
  const merged: Told[] = []
  while (merged.length < slot.length) {
    const ready = queues.filter(queue => queue.length > 0)
    merged.push(ready[Math.floor(place() * ready.length)]!.shift()!)
  }
  return merged
}
