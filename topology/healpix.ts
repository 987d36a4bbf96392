import type { Vector } from './sphere.ts'

/**
 * HEALPix: the sphere cut into 12·nside² pixels of equal area (Górski et al. 2005, ApJ 622, 759, §4.1 and §5).
 * Twelve diamond faces, each a grid of nside × nside; a pixel has a number by rings of constant latitude from the north, or
 * one nested in its face, where the four children of pixel p are 4p to 4p + 3.
 */

export type Ordering = 'RING' | 'NESTED'

/** Where a pixel lies: its face, 0 to 11, and its place there, x to the north-east and y to the north-west, from the southern corner. */
interface Place {
  readonly face: number
  readonly x: number
  readonly y: number
}

/** Number of the pixel that holds a direction. `nside` is any positive integer; for NESTED a power of two. */
export function pixelOf(nside: number, ordering: Ordering, direction: Vector): number {
  const place = placeOf(nside, direction)
  return ordering === 'NESTED' ? nestedOf(nside, place) : ringOf(nside, place)
}

/**
 * On the belt |z| ≤ 2/3 the pixel edges are straight lines in z and longitude, on the caps in √(3(1 − |z|)) and longitude.
 * Counting both families of edges from the south gives the pixel.
 */
function placeOf(nside: number, [x, y, z]: Vector): Place {
  const turn = Math.atan2(y, x) / (Math.PI / 2)
  // In quarters of a turn, [0, 4); a tiny negative angle would round up to 4.
  const quarters = turn < 0 ? (turn + 4) % 4 : turn
  return Math.abs(z) <= 2 / 3 ? onBelt(nside, quarters, z) : onCap(nside, quarters, Math.hypot(x, y), z)
}

/** Worked example: nside 1, z 0, longitude 0: both families are at ½, so it is the equatorial face 4. */
function onBelt(nside: number, quarters: number, z: number): Place {
  const rising = Math.floor(nside * (0.5 + quarters - 0.75 * z))
  const falling = Math.floor(nside * (0.5 + quarters + 0.75 * z))
  const [risen, fallen] = [Math.floor(rising / nside), Math.floor(falling / nside)]
  const face = risen === fallen ? 4 + (risen % 4) : risen < fallen ? risen : fallen + 8
  return { face, x: falling % nside, y: nside - 1 - (rising % nside) }
}

/** `across` is the sine of the distance to the pole: near it 1 − |z| would have lost its digits. */
function onCap(nside: number, quarters: number, across: number, z: number): Place {
  const column = Math.min(3, Math.floor(quarters))
  const within = quarters - column
  const distance = nside * across * Math.sqrt(3 / (1 + Math.abs(z)))
  const rising = Math.min(nside - 1, Math.floor(within * distance))
  const falling = Math.min(nside - 1, Math.floor((1 - within) * distance))
  return z > 0
    ? { face: column, x: nside - 1 - falling, y: nside - 1 - rising }
    : { face: column + 8, x: rising, y: falling }
}

/** The bits of x and y in turns, behind the number of the face. */
function nestedOf(nside: number, { face, x, y }: Place): number {
  let number = face * nside * nside
  for (let bit = 1, weight = 1; bit < nside; bit *= 2, weight *= 4) {
    number += weight * ((x & bit ? 1 : 0) + (y & bit ? 2 : 0))
  }
  return number
}

/** Rings are counted from 1 at the north pole to 4·nside − 1; `middle` is the longitude of the face's middle in eighths of a turn. */
function ringOf(nside: number, { face, x, y }: Place): number {
  const row = Math.floor(face / 4)
  const ring = (row + 2) * nside - x - y - 1
  const middle = row === 1 ? 2 * (face % 4) : 2 * (face % 4) + 1
  if (ring < nside) return 2 * ring * (ring - 1) + placeInRing(middle, ring, x - y)
  const total = 12 * nside * nside
  const fromSouth = 4 * nside - ring
  if (fromSouth < nside) return total - 2 * fromSouth * (fromSouth + 1) + placeInRing(middle, fromSouth, x - y)
  const shift = (ring - nside) % 2
  return 2 * nside * (nside - 1) + 4 * nside * (ring - nside) + placeInRing(middle, nside, x - y, shift)
}

/** From 0, among 4·`quarter` pixels. Every second ring of the belt begins half a pixel later, hence `shift`. */
function placeInRing(middle: number, quarter: number, difference: number, shift = 0): number {
  const place = (middle * quarter + difference - 1 + shift) / 2
  return (place + 4 * quarter) % (4 * quarter)
}
