import { describe, expect, it } from 'vitest'
import { NIGHT } from '../topology/testing/announcements.ts'
import { adverseNight, FULL, WINDOW_S } from './testing/adverse-night.ts'
import {
  FRONT_HALF,
  playNight,
  WITH_VISITS,
  type Decided,
  type FrontHalfSetup,
  type FrontStage,
} from './testing/front-half.ts'
import { seeded } from './testing/virtual-time.ts'

type Listing = FrontHalfSetup['listing']

/** One, two, three or all of the stages. */
const combinations: readonly (readonly FrontStage[])[] = Array.from({ length: 2 ** FRONT_HALF.length - 1 }, (_, i) =>
  FRONT_HALF.filter((_, bit) => ((i + 1) >> bit) & 1),
)

/**
 * The entrance's watermark is the one that can overtake a record, since an effect takes several at once. That shows where the records behind
 * a stop lie in one partition and few fit a transaction, and not in every night.
 */
const ENTRANCE = { partitions: 1, seeds: 10, maxBatch: [1, 2, 3, 4, 5] } as const
const REST = { partitions: 6, seeds: 2, maxBatch: [5, 20, 500] } as const
const kindOf = (listing: Listing, stages: readonly FrontStage[]) =>
  listing === 'blind' && stages.includes('raw-intake') ? ENTRANCE : REST

/** Each combination begins with other nights than the one before, and shares the rest with it. */
const NIGHTS_APART = 2

/** The night without a stop is the same for all that stop in it. */
const calmNights = new Map<string, Promise<Decided>>()
function calmNight(seed: number, setup: FrontHalfSetup): Promise<Decided> {
  const id = JSON.stringify({ seed, setup })
  const calm = calmNights.get(id) ?? playNight(adverseNight(seed), setup, [{ ...stopOf(seed), stages: [] }])
  calmNights.set(id, calm)
  return calm
}

/** From some moment of the night, for longer than a window and up to four of them. */
function stopOf(seed: number) {
  const random = seeded(seed * 17 + 11)
  const at = NIGHT + Math.round((5 + random() * 90) * 1000)
  const until = at + Math.round((1.1 + random() * 3) * WINDOW_S * 1000)
  return { at, until, kill: random() < 0.5 }
}

/**
 * "A stop of any length changes no decision", for each stage alone, each pair, each three, and all of them, while entrances and clock go
 * on: the decisions and their times equal those of the night without a stop, and all that was due is decided as soon as the stages run
 * again, before a millisecond of virtual time has passed.
 */
describe.each(['blind', 'truthful'] as const)('with a %s listing', listing => {
  it.each(combinations.map((stages, i) => ({ stages, i, names: stages.join(', ') })))(
    'a stop of $names changes nothing',
    async ({ stages, i }) => {
      const { partitions, seeds, maxBatch } = kindOf(listing, stages)
      for (let seed = i * NIGHTS_APART + 1; seed <= i * NIGHTS_APART + seeds; seed++) {
        const setup = {
          ...{ listing, partitions },
          ...{ tickMs: [1000, 5000][seed % 2]!, maxBatch: maxBatch[seed % maxBatch.length]! },
        }
        const calm = await calmNight(seed, setup)
        const stopped = await playNight(adverseNight(seed), setup, [{ ...stopOf(seed), stages }])
        expect({ seed, found: differences(calm, stopped) }).toEqual({ seed, found: [] })
      }
    },
  )
})

/**
 * Two hours in which visits go on, a visit every twenty minutes, then a start; and visits that are summed up ten minutes after their
 * detectors should have ended. The listing is truthful: each window that closes late must still tell what was in time.
 */
describe('a stop of two hours changes nothing, and all of it is decided before a millisecond has passed:', () => {
  const SEED = 3
  const gapS = 1_320
  const setup: FrontHalfSetup = { listing: 'truthful', partitions: 2, tickMs: 10_000, gapS, results: true }
  const from = NIGHT + 150_000
  const stop = { at: from, until: from + 7_200_000, kill: true }
  const night = adverseNight(SEED, { ...FULL, gapS })
  const calm = playNight(night, setup, [{ ...stop, stages: [] }])
  it.each(
    [...WITH_VISITS.map(stage => [stage]), [...WITH_VISITS]].map(stages => ({ stages, names: stages.join(', ') })),
  )('$names', async ({ stages }) => {
    const stopped = await playNight(night, setup, [{ ...stop, stages }])
    expect(differences(await calm, stopped)).toEqual([])
  })
  it('and much of it was due in the stop', async () => {
    const { afterStop, inTheEnd } = await calm
    const inStop = (line: string) => {
      const at = Number(/ @(-?\d+) /.exec(line)![1]) + NIGHT
      return at > stop.at && at < stop.until
    }
    const kinds = new Set(afterStop.filter(inStop).map(line => line.split(' ')[0]))
    expect([...kinds].sort()).toEqual(
      expect.arrayContaining(['detector-job', 'detector-visit', 'visit', 'visit-summary']),
    )
    expect(inTheEnd.length).toBeGreaterThan(afterStop.length)
  })
})

describe('the same night decides the same', () => {
  const SEED = 5
  const night = adverseNight(SEED)
  const setup = { listing: 'blind' } as const
  const calm = playNight(night, setup)
  const each = (stages: readonly FrontStage[]) => night.map(({ t }) => ({ stages, at: t, until: t, kill: true }))
  it.each([
    ['on one partition', { ...setup, partitions: 1 }, []],
    ['with three ticks a second', { ...setup, tickMs: 333 }, []],
    ['with a tick in seven seconds', { ...setup, tickMs: 7000 }, []],
    ['with a transaction per record', { ...setup, maxBatch: 1 }, []],
    ['with a crash of the steps after every event', setup, each(['fan-out', 'exposure-window'])],
    ['with a crash of the effects after every event', setup, each(['raw-intake', 'raw-reconcile'])],
  ] as const)('%s', async (_, other, stops) => {
    const told = await playNight(night, other, stops)
    expect(differences({ ...(await calm), afterStop: [] }, { ...told, afterStop: [] })).toEqual([])
  })
})

it('is about nights in which every end happens', async () => {
  const ends = new Set<string>()
  for (let seed = 1; seed <= 6; seed++) {
    const { inTheEnd, wrong } = await playNight(adverseNight(seed), { listing: 'blind' })
    expect(wrong).toEqual([])
    for (const line of inTheEnd) {
      const [topic, , , ...json] = line.split(' ')
      const { kind, inputs, verdict } = JSON.parse(json.join(' ')) as Record<string, string | undefined>
      ends.add([topic, kind, inputs, verdict].filter(it => it).join(' '))
    }
  }
  expect([...ends].sort()).toEqual([
    'detector-job announced',
    'detector-job cancelled',
    'detector-job ignored',
    'detector-job missed',
    'detector-job ready complete',
    'detector-job ready partial',
    'detector-visit announced ignored',
    'detector-visit announced masked',
    'detector-visit announced wanted',
    'detector-visit withdrawn wanted',
    'raw-late',
    'raw-unclaimed',
    'visit',
  ])
})

/** What one night decided and the other did not, and what went wrong in either. */
function differences(calm: Decided, stopped: Decided): string[] {
  const between = (when: string, a: readonly string[], b: readonly string[]) => {
    const [inA, inB] = [new Set(a), new Set(b)]
    return [
      ...a.filter(it => !inB.has(it)).map(it => `${when}, missing: ${it}`),
      ...b.filter(it => !inA.has(it)).map(it => `${when}, too much: ${it}`),
      ...(a.length === b.length ? [] : [`${when}, ${b.length} decisions and not ${a.length}`]),
    ]
  }
  return [
    ...between('after the stop', calm.afterStop, stopped.afterStop),
    ...between('in the end', calm.inTheEnd, stopped.inTheEnd),
    ...calm.wrong,
    ...stopped.wrong,
  ]
}
