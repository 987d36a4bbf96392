import { ARCSEC, vectorOf } from '../sphere.ts'
import type { Edge } from './assignment.ts'

/** The only gate: sources and objects further apart than this are never the same thing, and nearer ones always may be. */
export const MAX_SEPARATION_ARCSEC = 1

/** Stands in for an error that is missing, or none: one pixel of LSSTCam. */
const UNKNOWN_ERROR_ARCSEC = 0.2
/** No pair is known better than this on either axis, whatever its errors say. */
const LEAST_ERROR_ARCSEC = 0.05

/** Costs are counted in billionths: exact in sums, and far below what any position is worth. */
const UNITS = 1e9

/** ICRS degrees; both errors on the sky, so that of the right ascension includes cos(dec) (docs/decisions/which-object-a-source-belongs-to.md). */
export interface Place {
  readonly ra: number
  readonly raErr: number | null
  readonly dec: number
  readonly decErr: number | null
}

/** Pairs by their numbers in the two lists, and what it costs a source to stay alone. */
export interface Candidates {
  readonly pairs: readonly Edge[]
  readonly alone: number
}

/**
 * Every pair within 1″ with its cost. Where both lists hold a usable error on either axis, that is the negative logarithm of the likelihood
 * that the two are one thing, up to a constant:
 *
 *   ½ (Δα² / σα² + Δδ² / σδ²) + ½ ln(σα² σδ²),  Δα and Δδ on the sky, σ² the sum of both squared errors
 *
 * The logarithm keeps a badly known object from winning by its error alone. Else the cost is the distance, as a share of the limit. To stay
 * alone is a little dearer than the dearest pair: a source does so only where pairing it would cost its competitors more than that.
 *
 * @param sources rows of the pairs
 * @param objects columns; may lie anywhere
 */
export function candidates(sources: readonly Place[], objects: readonly Place[]): Candidates {
  const byLikelihood = hasErrors(sources) && hasErrors(objects)
  const pairs: Edge[] = []
  let dearest = -Infinity
  forNeighbours(sources, objects, (row, column, offset) => {
    const cost = Math.round(
      UNITS *
        (byLikelihood
          ? improbability(offset, sources[row]!, objects[column]!)
          : Math.hypot(offset.east, offset.north) / MAX_SEPARATION_ARCSEC),
    )
    dearest = Math.max(dearest, cost)
    pairs.push({ row, column, cost })
  })
  return { pairs, alone: byLikelihood && pairs.length > 0 ? dearest + UNITS : 1.01 * UNITS }
}

/** From a source to an object, arcseconds on the sky. */
interface Offset {
  readonly east: number
  readonly north: number
}

function improbability({ east, north }: Offset, source: Place, object: Place): number {
  const varianceOf = (a: number | null, b: number | null) => Math.max(squared(a) + squared(b), LEAST_ERROR_ARCSEC ** 2)
  const [alongRa, alongDec] = [varianceOf(source.raErr, object.raErr), varianceOf(source.decErr, object.decErr)]
  return (east ** 2 / alongRa + north ** 2 / alongDec + Math.log(alongRa * alongDec)) / 2
}

const isUsable = (error: number | null): error is number => error !== null && error > 0 && Number.isFinite(error ** 2)
const squared = (error: number | null): number => (isUsable(error) ? error * 3600 : UNKNOWN_ERROR_ARCSEC) ** 2
const hasErrors = (places: readonly Place[]): boolean =>
  places.some(({ raErr }) => isUsable(raErr)) && places.some(({ decErr }) => isUsable(decErr))

/**
 * Calls back for each pair within the limit. The objects lie sorted by declination, so that each source looks only at a thin zone of them.
 * Distances and offsets come from unit vectors: those know no wrap at 0/360 and no pole.
 */
function forNeighbours(
  sources: readonly Place[],
  objects: readonly Place[],
  found: (source: number, object: number, offset: Offset) => void,
): void {
  const limit = (MAX_SEPARATION_ARCSEC * ARCSEC) ** 2
  // A touch more than the limit: the distance decides.
  const zone = (MAX_SEPARATION_ARCSEC * (1 + 1e-6)) / 3600
  const { order, heights, vectors } = byDeclination(objects)
  for (const [source, { ra, dec }] of sources.entries()) {
    const [x, y, z] = vectorOf(ra, dec)
    const { east, north } = axes(ra, dec)
    for (let i = firstAtOrAbove(heights, dec - zone); i < heights.length && heights[i]! <= dec + zone; i++) {
      const dx = vectors[3 * i]! - x
      const dy = vectors[3 * i + 1]! - y
      const dz = vectors[3 * i + 2]! - z
      if (dx * dx + dy * dy + dz * dz > limit) continue
      found(source, order[i]!, {
        east: (dx * east[0] + dy * east[1]) / ARCSEC,
        north: (dx * north[0] + dy * north[1] + dz * north[2]) / ARCSEC,
      })
    }
  }
}

/** Numbers in the list, declinations and unit vectors, from south to north; flat, since a crowded field goes through them a million times. */
function byDeclination(objects: readonly Place[]) {
  const unsorted = Float64Array.from(objects, object => object.dec)
  const order = Uint32Array.from(unsorted.keys()).sort((a, b) => unsorted[a]! - unsorted[b]!)
  const vectors = new Float64Array(3 * order.length)
  order.forEach((object, i) => vectors.set(vectorOf(objects[object]!.ra, objects[object]!.dec), 3 * i))
  return { order, heights: unsorted.sort(), vectors }
}

/** The unit vectors of growing right ascension and declination at a place: along them an offset is Δra · cos(dec) and Δdec. */
function axes(ra: number, dec: number) {
  const [east, north] = [vectorOf(ra + 90, 0), vectorOf(ra, dec + 90)]
  return { east, north }
}

function firstAtOrAbove(heights: Float64Array, height: number): number {
  let [low, high] = [0, heights.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (heights[middle]! < height) low = middle + 1
    else high = middle
  }
  return low
}
