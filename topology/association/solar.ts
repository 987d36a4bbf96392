import type { DiaSource, Ephemeris, MpcOrbits, PipelineResult, SsSource } from '../../schemas/avro/generated.ts'
import { eclipticOf, galacticOf } from '../sky-frames.ts'
import { angle, angleOfChord, ARCSEC, chord, dot, unit, type Vector, vectorOf } from '../sphere.ts'
import { ssObjectId } from '../ss-object-id.ts'
import type { ImageBox } from './image-box.ts'
import { faultOf, lengthOf, placeOf, predict, type Prediction, velocityOf } from './ephemeris.ts'

/** A prediction and a source that lie farther apart are not the same. */
const MAX_SEPARATION_ARCSEC = 1
/** How far beyond the image's edge a body counts as expected: the uncertainty that Rubin gives every ephemeris, and never more than so many pixels. */
const MARGIN_ARCSEC = 2
const MAX_MARGIN_PIXELS = 100

const DEG = Math.PI / 180

/** A known body, seen. */
export interface SolarMatch {
  readonly ssSource: SsSource
  readonly orbit: MpcOrbits
}

export interface SolarSystem {
  /** By the id of the source that each body was seen as. */
  readonly matches: ReadonlyMap<bigint, SolarMatch>
  /** Known bodies that the image should show, bright enough or not; undefined where there were no ephemerides. */
  readonly expected: number | undefined
}

interface Body {
  readonly ephemeris: Ephemeris
  readonly predicted: Prediction
  readonly vector: Vector
}

/**
 * Finds the known bodies of the solar system among the sources of an image, before anything else is made of them: each body's
 * candidate is the source nearest to where it is predicted at mid-exposure, within 1″; candidates are taken by ascending distance, each source and each body
 * once. A body that loses its nearest source to another stays unseen: it must not be told as the nearest (`diaDistanceRank` 1) of one that is not.
 *
 * Worked example: bodies A and B are predicted 0.2″ and 0.3″ from the only source. A is seen as it, B is not seen.
 *
 * @param sources by id in ascending order, each with a finite position
 */
export function matchSolarSystem(
  { ephemerides, midpointMjdTai }: Pick<PipelineResult, 'ephemerides' | 'midpointMjdTai'>,
  sources: ReadonlyMap<bigint, DiaSource>,
  box: ImageBox,
): SolarSystem {
  if (ephemerides === null) return { matches: new Map(), expected: undefined }
  const bodies = bodiesOn(box, ephemerides, midpointMjdTai!)
  const places = [...sources.values()].map(source => ({ source, vector: vectorOf(source.ra, source.dec) }))
  const pairs = bodies.flatMap(body => nearest(body, places)).sort((a, b) => a.apart - b.apart)
  const matches = new Map<bigint, SolarMatch>()
  const seen = new Set<string>()
  for (const { body, source } of pairs) {
    const name = nameOf(body)
    if (matches.has(source.diaSourceId) || seen.has(name)) continue
    seen.add(name)
    matches.set(source.diaSourceId, { ssSource: ssSourceOf(body, source), orbit: orbitOf(body.ephemeris.orbit) })
  }
  return { matches, expected: new Set(bodies.map(nameOf)).size }
}

const nameOf = ({ ephemeris }: Body): string => ephemeris.orbit.packed_primary_provisional_designation

/** Bodies on the image or just beyond, by designation, so that the order in which they were told changes nothing. */
function bodiesOn({ pixelScale, holds }: ImageBox, ephemerides: readonly Ephemeris[], mjdTai: number): Body[] {
  const margin = Math.min(MARGIN_ARCSEC / (pixelScale ?? Infinity), MAX_MARGIN_PIXELS)
  return ephemerides
    .flatMap(ephemeris => {
      const predicted = faultOf(ephemeris) === undefined ? predict(ephemeris, mjdTai) : undefined
      return predicted && holds(predicted, margin)
        ? [{ ephemeris, predicted, vector: unit(placeOf(predicted.topo)) }]
        : []
    })
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
}

interface Located {
  readonly source: DiaSource
  readonly vector: Vector
}

/** The pair of a body with the source nearest to it, if that is near enough. Hundreds of bodies meet thousands of sources: all are looked at. */
function nearest(body: Body, places: readonly Located[]) {
  let [best, apart]: [Located | undefined, number] = [undefined, Infinity]
  for (const place of places) {
    const distance = chord(body.vector, place.vector)
    if (distance < apart) [best, apart] = [place, distance]
  }
  if (!best || angleOfChord(apart) > MAX_SEPARATION_ARCSEC * ARCSEC) return []
  return [{ body, source: best.source, apart }]
}

/** What is said of a body's detection: where it is, where it was predicted, and how Sun, observer and body stand. */
function ssSourceOf({ ephemeris, predicted }: Body, { diaSourceId, ra, dec }: DiaSource): SsSource {
  const { helio, topo } = predicted
  const { packed_primary_provisional_designation: packed, designation } = ephemeris.orbit
  const [ecliptic, galactic] = [eclipticOf(ra, dec), galacticOf(ra, dec)]
  return {
    ...{ diaSourceId, ssObjectId: ssObjectId(packed), designation },
    ...{ eclLambda: ecliptic.lon, eclBeta: ecliptic.lat, galLon: galactic.lon, galLat: galactic.lat },
    ...geometryOf(predicted),
    ...{ ephRa: predicted.ra, ephDec: predicted.dec, ephVmag: finiteOrNull(ephemeris.vmag) },
    ...offsetsOf(predicted, ra, dec),
    ...{ helio_x: helio.x, helio_y: helio.y, helio_z: helio.z },
    ...{ helio_vx: helio.vx, helio_vy: helio.vy, helio_vz: helio.vz, helio_vtot: lengthOf(velocityOf(helio)) },
    ...{ topo_x: topo.x, topo_y: topo.y, topo_z: topo.z },
    ...{ topo_vx: topo.vx, topo_vy: topo.vy, topo_vz: topo.vz, topo_vtot: lengthOf(velocityOf(topo)) },
    diaDistanceRank: 1,
  }
}

/** Angles in degrees, ranges in AU, their rates in km/s, positive where the distance grows. */
function geometryOf({ helio, topo }: Prediction) {
  const [fromSun, fromObserver] = [placeOf(helio), placeOf(topo)]
  const sunFromObserver: Vector = [topo.x - helio.x, topo.y - helio.y, topo.z - helio.z]
  const between = (a: Vector, b: Vector) => angle(unit(a), unit(b)) / DEG
  return {
    elongation: between(fromObserver, sunFromObserver),
    phaseAngle: between(fromSun, fromObserver),
    topoRange: lengthOf(fromObserver),
    topoRangeRate: dot(unit(fromObserver), velocityOf(topo)),
    helioRange: lengthOf(fromSun),
    helioRangeRate: dot(unit(fromSun), velocityOf(helio)),
  }
}

/**
 * Observed less predicted, arcseconds: along right ascension (times cos(dec)) and declination, and along and across the predicted motion; across is
 * a quarter turn from right ascension towards declination. A body that stands still has no track.
 */
function offsetsOf({ ra: ephRa, dec: ephDec, rateRa, rateDec }: Prediction, ra: number, dec: number) {
  const turn = ((ra - ephRa + 540) % 360) - 180
  const ephOffsetRa = turn * Math.cos(dec * DEG) * 3600
  const ephOffsetDec = (dec - ephDec) * 3600
  const ephRate = Math.hypot(rateRa, rateDec)
  const onTrack = (value: number) => (ephRate > 0 ? value / ephRate : null)
  return {
    ...{ ephRate, ephRateRa: rateRa, ephRateDec: rateDec },
    ...{ ephOffset: Math.hypot(ephOffsetRa, ephOffsetDec), ephOffsetRa, ephOffsetDec },
    ephOffsetAlongTrack: onTrack(ephOffsetRa * rateRa + ephOffsetDec * rateDec),
    ephOffsetCrossTrack: onTrack(ephOffsetDec * rateRa - ephOffsetRa * rateDec),
  }
}

/** The body's orbit as Rubin's alerts have it: without the catalogue's own row number, times and type; what is not finite is null. */
function orbitOf(orbit: MpcOrbits): MpcOrbits {
  const entries = Object.entries(orbit).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'number' ? finiteOrNull(value) : value,
  ])
  const own = { id: 0, created_at: 0n, updated_at: 0n, fitting_datetime: 0n, orbit_type_int: -1 }
  return { ...(Object.fromEntries(entries) as MpcOrbits), ...own }
}

const finiteOrNull = (value: number | null): number | null => (value !== null && Number.isFinite(value) ? value : null)
