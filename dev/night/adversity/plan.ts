import { instruments, scienceDetectorsOf } from '../../../topology/instruments.ts'
import type { SimulatedInstrument, Unusual } from '../options.ts'
import { randomOf, type Random } from '../random.ts'
import { poisons } from './poison.ts'
import {
  doubleFates,
  parkedFates,
  singleFates,
  type DoubleFate,
  type ParkedFate,
  type SingleFate,
  type Switch,
  type UnitFate,
  type VisitFate,
} from './switches.ts'

/** What goes wrong in a night, decided before it begins. Visits by their index in the night. */
export interface Adversity {
  readonly switches: readonly Switch[]
  /** Visits of the night in all: those asked for, and those that a switch adds. */
  readonly visits: number
  readonly unusual: Readonly<Record<number, Unusual>>
  /** One fate at most for a visit and detector. */
  readonly units: readonly { readonly fate: UnitFate; readonly visit: number; readonly detector: number }[]
  readonly whole: readonly {
    readonly fate: VisitFate
    readonly visit: number
    readonly cancelled?: 'before' | 'after'
  }[]
  /** Sent right before a visit is announced. */
  readonly parked: readonly { readonly fate: ParkedFate; readonly visit: number; readonly what: string }[]
}

export interface AdversityOptions {
  readonly seed: number
  readonly instrument: SimulatedInstrument
  /** Visits that are to be looked at; those that are cancelled or unwanted come on top. */
  readonly visits: number
  readonly switches: readonly Switch[]
}

/** Visits on which nothing at all goes wrong; the first of the night is one. */
const CLEAN_VISITS = 2
/** How often a fate of a unit is dealt where there is room; one is enough for these. */
const TIMES = 2
const ONCE: readonly Switch[] = ['masked-detector', 'worker-killed']
/** A programme that no rule wants. */
const UNWANTED = 'BLOCK-T999'

/**
 * Deals the fates by the seed. Worked example, LSSTComCam's nine detectors and six visits, all switches: two visits stay clean; one has
 * two snaps, and four of its units a fate; 18 fates are spread over the other three, six each; three visits, cancelled and unwanted, are added.
 * @throws RangeError where there are too few visits, saying how many it takes.
 */
export function planAdversity(options: AdversityOptions): Adversity {
  const random = randomOf(options.seed, 'adversity')
  const on = (name: Switch) => options.switches.includes(name)
  const detectors = scienceDetectorsOf(instruments.get(options.instrument)!).map(({ id }) => id)
  const dealt = deal(options, detectors.length)
  const added: readonly (Unusual & { readonly fate: VisitFate; readonly cancelled?: 'before' | 'after' })[] = [
    ...(on('cancelled-visit') ? (['before', 'after'] as const) : []).map(cancelled => ({
      ...{ fate: 'cancelled-visit' as const, snaps: 0 as const, cancelled },
    })),
    ...(on('unwanted-survey') ? [{ fate: 'unwanted-survey' as const, survey: UNWANTED }] : []),
  ]
  const visits = options.visits + added.length
  // The first visit stays clean: an early raw would come before the night.
  const places = shuffled(range(1, visits), random).slice(0, added.length)
  const asked = range(0, visits).filter(visit => !places.includes(visit))
  const others = shuffled(asked.slice(1), random)
  const ofTwoSnaps = others.slice(0, dealt.doubleVisits)
  const troubled = others.slice(dealt.doubleVisits, dealt.doubleVisits + dealt.troubledVisits)
  const twice = [...troubled, ...others, 0][0]!
  return {
    switches: options.switches,
    visits,
    unusual: Object.fromEntries([
      ...ofTwoSnaps.map(visit => [visit, { snaps: 2 }]),
      ...places.map((visit, i) => [visit, unusualOf(added[i]!)]),
    ]) as Record<number, Unusual>,
    units: [
      ...spread(dealt.doubles, ofTwoSnaps, detectors, random),
      ...spread(dealt.singles, troubled, detectors, random),
    ],
    whole: [
      ...(on('duplicate-announcement') ? [{ fate: 'duplicate-announcement' as const, visit: twice }] : []),
      ...places.map((visit, i) => {
        const { fate, cancelled } = added[i]!
        return { fate, visit, ...(cancelled && { cancelled }) }
      }),
    ],
    parked: parkedFates
      .filter(on)
      .flatMap(fate => Object.keys(poisons[fate]).map(what => ({ fate, what, visit: pick(asked, random) }))),
  }
}

const unusualOf = ({ snaps, survey }: Unusual): Unusual => ({
  ...(snaps !== undefined && { snaps }),
  ...(survey !== undefined && { survey }),
})

interface Dealt {
  readonly singles: readonly SingleFate[]
  readonly doubles: readonly DoubleFate[]
  readonly doubleVisits: number
  readonly troubledVisits: number
}

/** Twice each where there is room, else once. */
function deal({ visits, switches }: AdversityOptions, detectors: number): Dealt {
  for (const times of [TIMES, 1]) {
    const repeated = <F extends Switch>(fates: readonly F[]) =>
      fates
        .filter(fate => switches.includes(fate))
        .flatMap(fate => Array.from({ length: ONCE.includes(fate) ? 1 : times }, () => fate))
    const [singles, doubles] = [repeated(singleFates), repeated(doubleFates)]
    if (singles.length + doubles.length === 0) return { singles, doubles, doubleVisits: 0, troubledVisits: 0 }
    const doubleVisits = Math.ceil(doubles.length / detectors)
    const least = Math.ceil(singles.length / detectors)
    const room = visits - CLEAN_VISITS - doubleVisits
    if (least <= room) return { singles, doubles, doubleVisits, troubledVisits: Math.min(room, singles.length) }
    if (times === 1)
      throw new RangeError(
        `${visits} visits of ${detectors === 1 ? 'one detector' : `${detectors} detectors`} have no room for the ` +
          `adversity asked for; it takes ${least + doubleVisits + CLEAN_VISITS} visits, ` +
          `${CLEAN_VISITS} of which stay clean. Ask for more visits or for fewer switches.`,
      )
  }
  throw new Error('unreachable')
}

/** Fates to units: evenly over the visits, and in each to detectors that have none yet. */
function spread<F extends UnitFate>(
  fates: readonly F[],
  visits: readonly number[],
  detectors: readonly number[],
  random: Random,
) {
  const free = new Map(visits.map(visit => [visit, shuffled(detectors, random)]))
  return shuffled(fates, random).map((fate, i) => {
    const visit = visits[i % visits.length]!
    return { fate, visit, detector: free.get(visit)!.pop()! }
  })
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const pick = <T>(from: readonly T[], random: Random): T => from[Math.floor(from.length * random.uniform())]!

/** Fisher and Yates. */
function shuffled<T>(list: readonly T[], random: Random): T[] {
  const left = [...list]
  return list.map(() => left.splice(Math.floor(left.length * random.uniform()), 1)[0]!)
}
