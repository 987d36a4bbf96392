import type { Ephemeris } from '../../schemas/avro/generated.ts'
import { normaliseDegrees, skyOfPixel, type SkyPoint, type TanWcs } from '../../topology/camera.ts'
import { mjdTaiOfInstant, type Instant } from '../../topology/model/time.ts'
import { designationOf, ephemerisOf } from '../../topology/testing/ephemerides.ts'
import { fluxOfSnr, type Depth } from './field.ts'
import type { NightOptions } from './options.ts'
import type { DetectorPlan, NightPlan, VisitPlan } from './plan.ts'
import { randomOf, type Random } from './random.ts'

/** A body of the solar system that crosses the night's sky, and whose ephemeris is known. */
export interface MovingBody {
  readonly number: number
  /** Packed designation. */
  readonly name: string
  /** Where it is when the night begins, ICRS degrees. */
  readonly start: SkyPoint
  /** Degrees a day; that along right ascension includes cos(dec). */
  readonly rateRa: number
  readonly rateDec: number
  /** AU. */
  readonly range: number
  /** nJy, all night. */
  readonly flux: number
}

/** Degrees a day: slow enough that a body is a point in an exposure, and seen at another place in each visit. */
const [SLOWEST, FASTEST] = [0.3, 2]
const DAY_MS = 86_400_000

/** All bodies of a night: moving ones in the pixels, or, where there are none, such as stand where a recorded result has detections. */
export function bodiesOf(
  options: Required<NightOptions>,
  detectors: readonly DetectorPlan[],
  visits: readonly VisitPlan[],
  depth: Depth,
): MovingBody[] {
  const { seed, bodies: count, size, start, still, pixels } = options
  if (!pixels) return stillBodies(still, detectors, depth)
  const ends = visits.map(({ announceAt, exposures }) => exposures.at(-1)?.closesAt ?? announceAt)
  const spec = { seed, count, size, depth, lengthMs: Math.max(...ends) - start }
  return detectors.flatMap(({ id, nominalWcs }, i) =>
    movingBodies({ ...spec, detector: id, before: i * count, wcs: nominalWcs }),
  )
}

interface BodySpec {
  readonly seed: number
  readonly detector: number
  readonly count: number
  /** How many bodies other detectors have. */
  readonly before: number
  readonly size: number
  readonly wcs: TanWcs
  readonly depth: Depth
  /** How long the night is. */
  readonly lengthMs: number
}

/** Bodies of SNR 15 to 100 that are somewhere on the chip in the middle of the night; before and after they may be beside it. */
function movingBodies({ seed, detector, count, before, size, wcs, depth, lengthMs }: BodySpec): MovingBody[] {
  const random = randomOf(seed, 'bodies', detector)
  return Array.from({ length: count }, (_, i) => {
    const middle = skyOfPixel(wcs, 0.5 + size * random.uniform(), 0.5 + size * random.uniform())
    const rate = SLOWEST * (FASTEST / SLOWEST) ** random.uniform()
    const course = 2 * Math.PI * random.uniform()
    const moving = { rateRa: rate * Math.sin(course), rateDec: rate * Math.cos(course) }
    const start = onTrack({ start: middle, ...moving }, -lengthMs / 2)
    return { ...named(before + i), start, ...moving, ...lit(random, depth) }
  })
}

/** On every ninth detector: some have bodies, and their neighbours have none. */
const stillBodies = (
  still: Required<NightOptions>['still'],
  detectors: readonly DetectorPlan[],
  depth: Depth,
): MovingBody[] =>
  detectors
    .filter((_, i) => i % 9 === 0)
    .flatMap(({ nominalWcs }) => still.map(({ x, y }) => skyOfPixel(nominalWcs, x, y)))
    .map((start, number) => ({
      ...{ ...named(number), start, rateRa: 0, rateDec: 0 },
      ...lit(randomOf(number, 'still'), depth),
    }))

const named = (number: number) => ({ number, name: designationOf(number).packed })
const lit = (random: Random, depth: Depth) => ({
  range: 0.5 + 2.5 * random.uniform(),
  flux: fluxOfSnr(15 * (100 / 15) ** random.uniform(), depth),
})

/** `elapsedMs` after it was at its start: tracks are linear in right ascension and declination. */
function onTrack(
  { start, rateRa, rateDec }: Pick<MovingBody, 'start' | 'rateRa' | 'rateDec'>,
  elapsedMs: number,
): SkyPoint {
  const days = elapsedMs / DAY_MS
  const ra = start.ra + (rateRa * days) / Math.cos((start.dec * Math.PI) / 180)
  return { ra: normaliseDegrees(ra), dec: start.dec + rateDec * days }
}

export const placeAt = ({ options }: Pick<NightPlan, 'options'>, body: MovingBody, at: Instant): SkyPoint =>
  onTrack(body, at - options.start)

/** The middle of a visit, from the first opening of the shutter to the last closing; of one that is never taken, its announcement. */
export function middleOf({ exposures, announceAt }: Pick<VisitPlan, 'exposures' | 'announceAt'>): Instant {
  const [first, last] = [exposures[0], exposures.at(-1)]
  return first && last ? (first.opensAt + last.closesAt) / 2 : announceAt
}

/** Predictions are for a moment a little before the exposure's middle, as nobody knows that one beforehand. */
const EARLY_MS = 3000

/** What an ephemeris service would answer for a visit: all bodies of the night, wherever they are. */
export function ephemeridesOf(plan: NightPlan, visit: VisitPlan): Ephemeris[] {
  const at = middleOf(visit) - EARLY_MS
  return plan.bodies.map(body => {
    const { number, rateRa, rateDec, range, flux } = body
    const vmag = 31.4 - 2.5 * Math.log10(flux)
    return ephemerisOf({ number, epochMjdTai: mjdTaiOfInstant(at), ...placeAt(plan, body, at), rateRa, rateDec, range, vmag }) // prettier-ignore
  })
}
