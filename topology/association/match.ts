import { angleOfChord, ARCSEC, chord, type Vector, vectorOf } from '../sphere.ts'

/** Sources and objects further apart than this are never the same thing. */
export const MAX_SEPARATION_ARCSEC = 1

export interface Place {
  readonly ra: number
  readonly dec: number
}

interface Candidate {
  readonly source: bigint
  readonly object: bigint
  readonly apart: number
}

/**
 * Which source belongs to which object: source id → object id. Each source takes at most one object and each object at most one source.
 *
 * Nearest first: of all pairs within 1.0″ the closest is matched, then the closest of what is left, and so on; equal distances go by the
 * lower ids, so the order of the input is of no matter. Example: source A is 0.2″ from object P and 0.4″ from Q, source B 0.3″ from P and
 * far from Q. A–P (0.2″) is taken first; B, whose only candidate is gone, stays unmatched. (A minimum-cost matching would give A–Q, B–P.)
 *
 * @param sources by id; positions in degrees, finite
 * @param objects by id; may lie anywhere
 */
export function match(sources: ReadonlyMap<bigint, Place>, objects: ReadonlyMap<bigint, Place>): Map<bigint, bigint> {
  const matched = new Map<bigint, bigint>()
  const taken = new Set<bigint>()
  for (const { source, object } of candidates(sources, objects).sort(nearestFirst)) {
    if (matched.has(source) || taken.has(object)) continue
    matched.set(source, object)
    taken.add(object)
  }
  return matched
}

const nearestFirst = (a: Candidate, b: Candidate): number =>
  a.apart - b.apart || compare(a.source, b.source) || compare(a.object, b.object)
const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * Every pair within the limit. The objects lie sorted by height above the equator, so that each source looks only at a thin zone of them;
 * unit vectors know no wrap at 0/360 and no pole.
 */
function candidates(sources: ReadonlyMap<bigint, Place>, objects: ReadonlyMap<bigint, Place>): Candidate[] {
  const zones = [...objects]
    .map(([id, { ra, dec }]) => ({ id, vector: vectorOf(ra, dec) }))
    .sort((a, b) => a.vector[2] - b.vector[2])
  const limit = MAX_SEPARATION_ARCSEC * ARCSEC
  const found: Candidate[] = []
  for (const [source, { ra, dec }] of sources) {
    const vector = vectorOf(ra, dec)
    for (let i = firstAtOrAbove(zones, vector[2] - limit); i < zones.length; i++) {
      const { id, vector: other } = zones[i]!
      if (other[2] > vector[2] + limit) break
      const apart = chord(vector, other)
      if (angleOfChord(apart) <= limit) found.push({ source, object: id, apart })
    }
  }
  return found
}

function firstAtOrAbove(zones: readonly { readonly vector: Vector }[], z: number): number {
  let [low, high] = [0, zones.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (zones[middle]!.vector[2] < z) low = middle + 1
    else high = middle
  }
  return low
}
