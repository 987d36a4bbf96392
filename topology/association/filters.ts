import type { DiaSource, PipelineResult } from '../../schemas/avro/generated.ts'
import type { ImageBox } from './image-box.ts'

/** A source that is neither stored nor alerted, and the first of the reasons against it. */
export interface Dropped {
  readonly diaSourceId: bigint
  readonly reason: string
}

/** Science flux over its error. Where something got brighter, or fainter, the sky has light; a hole in it is an artefact. */
const MIN_SCIENCE_SNR = -2
const MIN_RELIABILITY = 0.5

/** 10 degrees a day, in arcseconds per second: what moves faster is no business of the alert stream. */
const MAX_MOTION = 36_000 / 86_400
/** Trails are judged as in the shortest exposure that Rubin takes: in a second even a fast one (0.4″) would be shorter than the seeing. */
const LEAST_EXPOSURE_SECONDS = 15

/**
 * What of an image's detections enters association at all, known objects or not, by id in ascending order; the rest with its reason. The rules are
 * those of Rubin's catalog filters, in their order, and after them what an alert cannot do without. Three of them look at what no DiaSource says (sky sources, a centre of high variance,
 * a trail that leaves the image); the pipeline makes no such sources.
 */
export function filterCatalog(
  { sources, exposureTime }: Pick<PipelineResult, 'sources' | 'exposureTime'>,
  { pixelScale }: ImageBox,
): { readonly kept: ReadonlyMap<bigint, DiaSource>; readonly dropped: readonly Dropped[] } {
  const kept = new Map<bigint, DiaSource>()
  const dropped: Dropped[] = []
  for (const source of [...sources].sort((a, b) => (a.diaSourceId < b.diaSourceId ? -1 : 1))) {
    const reason = objection(source, source.exposureTime ?? exposureTime, pixelScale)
    if (reason === undefined) kept.set(source.diaSourceId, source)
    else dropped.push({ diaSourceId: source.diaSourceId, reason })
  }
  return { kept, dropped }
}

/** Brokers refuse an alert in which one of these is null (BOOM does), so that a source without them would be stored and never seen. */
const wanted = ['psfFlux', 'psfFluxErr', 'apFlux', 'apFluxErr'] as const satisfies readonly (keyof DiaSource)[]

/** What was not measured is no objection, but for the position and the fluxes that every alert must have. */
function objection(source: DiaSource, seconds: number | null, pixelScale: number | undefined): string | undefined {
  const { centroid_flag, pixelFlags_crCenter, scienceFlux, scienceFluxErr, reliability, ra, dec } = source
  if (centroid_flag === true) return 'centroid_flag'
  if (pixelFlags_crCenter === true) return 'pixelFlags_crCenter'
  if (scienceFlux !== null && scienceFluxErr !== null && scienceFlux / scienceFluxErr < MIN_SCIENCE_SNR)
    return 'negative-science-flux'
  if (seconds !== null && trailOf(source, pixelScale) >= MAX_MOTION * Math.max(seconds, LEAST_EXPOSURE_SECONDS))
    return 'long-trail'
  if (reliability !== null && reliability < MIN_RELIABILITY) return 'low-reliability'
  if (!Number.isFinite(ra) || !Number.isFinite(dec)) return 'no-position'
  const unmeasured = wanted.find(name => !Number.isFinite(source[name]))
  return unmeasured && `no-${unmeasured}`
}

/** Arcseconds. Where the fit failed, the diagonal of the footprint's box; where nobody can say, 0. */
function trailOf({ trail_flag, trailLength, bboxSize }: DiaSource, pixelScale: number | undefined): number {
  if (trail_flag !== true) return trailLength ?? 0
  return pixelScale === undefined ? 0 : bboxSize * Math.SQRT2 * pixelScale
}

/** Sources that match nothing and carry one of these are artefacts too often to seed an object. A flag that was not measured is not raised. */
const marginal = [
  'pixelFlags_nodataCenter',
  'pixelFlags_interpolatedCenter',
  'pixelFlags_saturatedCenter',
  'pixelFlags_suspectCenter',
  'pixelFlags_streakCenter',
  'glint_trail',
] as const satisfies readonly (keyof DiaSource)[]

/**
 * Why an unmatched source may not become an object; undefined where it may. Rubin's list also has `centroid_flag`, `pixelFlags_crCenter` and
 * a reliability below 0.1, which the catalog filters have taken away before.
 */
export const marginOf = (source: DiaSource): string | undefined => marginal.find(flag => source[flag] === true)
