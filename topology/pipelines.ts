import type { Announcement } from '../schemas/avro/generated.ts'
import { detectorCentre, geometryOf, normaliseDegrees, type SkyPoint } from './camera.ts'
import { instruments } from './instruments.ts'
import { NO, valueAt, YES, type SkyMaps } from './sky-map.ts'

/**
 * Which pipelines a unit may run. Rules are tried in order and the first that matches wins, even where a later one is
 * tighter. A rule is its conditions, all of which must hold, and a ladder of pipelines, best first.
 */

/** Science first; each next one needs less: templates, reference catalogues, calibrations alone. */
export const PIPELINES = ['ApPipe', 'SingleFrame', 'Isr'] as const
export type Pipeline = (typeof PIPELINES)[number]

export interface PipelineRule {
  /** Exact name; absent: any instrument. */
  readonly instrument?: string
  /** Exact and case-sensitive; `""` matches an empty survey only; absent: any survey. */
  readonly survey?: string
  /** Right ascensions, degrees, both ends included: 350 to 10, like −10 to 10, goes through 0. */
  readonly ra?: Interval
  /** Declinations, degrees, both ends included. */
  readonly dec?: Interval
  /** Path of a map of the sky; matches where it says yes. */
  readonly binaryMap?: string
  /** Which point `ra`, `dec` and `binaryMap` look at, in any case: `detector`, the middle of it (default), or `boresight`. */
  readonly coordType?: string
  /** What to try, best first; empty, null or "None": the unit is ignored. */
  readonly pipelines: readonly string[] | null | 'None'
}
export interface Interval {
  readonly min: number
  readonly max: number
}

/** What a rule may look at. */
export interface Subject {
  readonly announcement: Announcement
  readonly detector: number
}

export interface Choice {
  readonly pipelines: readonly string[]
  /** Why the unit is ignored; null where it is wanted. */
  readonly reason: string | null
  /** Number of the rule that won, from 1; undefined where none did. */
  readonly rule: number | undefined
  /** One sentence for each rule that was tried and did not match. */
  readonly passedOver: readonly string[]
}

/** Where the subject looks, or why that cannot be known; worked out once for all rules. */
interface Sight {
  readonly boresight: SkyPoint | string
  readonly detector: SkyPoint | string
}

function sightOf({ announcement, detector }: Subject): Sight {
  const { ra, dec, rotation } = announcement
  if (ra === null || dec === null) {
    const none = 'the visit has no position'
    return { boresight: none, detector: none }
  }
  return { boresight: { ra, dec }, detector: middleOf(announcement.instrument, detector, { ra, dec, rotation }) }
}

function middleOf(name: string, id: number, { ra, dec, rotation }: SkyPoint & { rotation: number | null }) {
  if (rotation === null) return 'the visit has no rotation, so that where the detector looks is not known'
  const instrument = instruments.get(name)
  const detector = instrument?.detectors.find(it => it.id === id)
  const geometry = detector && geometryOf(instrument!, detector)
  if (!geometry) return `where detector ${id} of ${name} sits in the focal plane is not known`
  return detectorCentre(geometry, { ra, dec, rotation })
}

const looksAtSky = ({ ra, dec, binaryMap }: PipelineRule): boolean =>
  ra !== undefined || dec !== undefined || binaryMap !== undefined

const pointOf = (rule: PipelineRule): keyof Sight =>
  rule.coordType?.toLowerCase() === 'boresight' ? 'boresight' : 'detector'

/** A condition says why a rule that holds it does not match, or nothing where it does or the rule does not ask. */
type Condition = (rule: PipelineRule, subject: Subject) => string | undefined
/** Of a rule that looks at the sky, at the point it looks at. */
type SkyCondition = (rule: PipelineRule, at: SkyPoint, maps: SkyMaps) => string | undefined

const equals =
  (field: 'instrument' | 'survey'): Condition =>
  (rule, { announcement }) =>
    rule[field] === undefined || rule[field] === announcement[field]
      ? undefined
      : `${field} is "${announcement[field]}", not "${rule[field]}"`

const inRa: SkyCondition = ({ ra: wanted }, { ra }) => {
  if (!wanted) return undefined
  const [min, max] = [normaliseDegrees(wanted.min), normaliseDegrees(wanted.max)]
  const inside = min < max ? ra >= min && ra <= max : ra >= min || ra <= max
  return inside ? undefined : `is at RA ${degrees(ra)}, not within ${wanted.min} to ${wanted.max}`
}
const inDec: SkyCondition = ({ dec: wanted }, { dec }) =>
  !wanted || (dec >= wanted.min && dec <= wanted.max)
    ? undefined
    : `is at declination ${degrees(dec)}, not within ${wanted.min} to ${wanted.max}`

const onMap: SkyCondition = ({ binaryMap: path }, { ra, dec }, maps) => {
  if (path === undefined) return undefined
  const map = maps.get(path)
  if (!map) throw new Error(`the map ${path} of a pipeline rule was not read before the rules were used`)
  const value = valueAt(map, ra, dec)
  if (value === YES) return undefined
  const where = `at RA ${degrees(ra)}, declination ${degrees(dec)}`
  return value === NO ? `is ${where}, where ${path} says no` : `is ${where}, which ${path} does not know`
}
const degrees = (value: number): string => value.toFixed(4)

/** A new kind of condition is one more line here. */
const CONDITIONS: readonly Condition[] = [equals('instrument'), equals('survey')]
const SKY_CONDITIONS: readonly SkyCondition[] = [inRa, inDec, onMap]

/** The first reason why the rule does not match; undefined where it does. */
function whyNot(rule: PipelineRule, subject: Subject, sight: () => Sight, maps: SkyMaps): string | undefined {
  for (const condition of CONDITIONS) {
    const reason = condition(rule, subject)
    if (reason !== undefined) return reason
  }
  if (!looksAtSky(rule)) return undefined
  const point = pointOf(rule)
  const at = sight()[point]
  if (typeof at === 'string') return at
  for (const condition of SKY_CONDITIONS) {
    const reason = condition(rule, at, maps)
    if (reason !== undefined) return `the ${point} ${reason}`
  }
  return undefined
}

/**
 * Takes the first rule that matches; says of each rule before it why it did not. Where none does, the unit is ignored.
 * `maps` holds every map that a rule names: whoever loads the rules reads them.
 */
export function choosePipelines(rules: readonly PipelineRule[], subject: Subject, maps: SkyMaps): Choice {
  const passedOver: string[] = []
  let seen: Sight | undefined
  const sight = () => (seen ??= sightOf(subject))
  for (const [index, rule] of rules.entries()) {
    const reason = whyNot(rule, subject, sight, maps)
    if (reason === undefined) {
      const pipelines = ladderOf(rule)
      const survey = `survey "${subject.announcement.survey}"`
      const ignored = pipelines.length > 0 ? null : `${survey} takes pipeline rule ${index + 1}, which runs nothing`
      return { pipelines, reason: ignored, rule: index + 1, passedOver }
    }
    passedOver.push(`rule ${index + 1}: ${reason}`)
  }
  const reason = `no pipeline rule matches: ${passedOver.join('; ') || 'there are none'}`
  return { pipelines: [], reason, rule: undefined, passedOver }
}

/** What a rule that matched lets a unit try. */
export const ladderOf = ({ pipelines }: PipelineRule): readonly string[] =>
  pipelines === null || typeof pipelines === 'string' ? [] : pipelines

/** The maps that rules name, each once. */
export const mapsNamedBy = (rules: readonly PipelineRule[]): readonly string[] => [
  ...new Set(rules.flatMap(({ binaryMap }) => (binaryMap === undefined ? [] : [binaryMap]))),
]
