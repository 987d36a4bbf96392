import { isLeftOrOn } from './orientation.ts'
import { angle, type Circle, sum, unit, type Vector, vectorOf } from './sphere.ts'

/**
 * The Hierarchical Triangular Mesh: eight spherical triangles (trixels), each divided into four at every level. An index is 1, the
 * trixel's path in base 4 below a root of 3 bits: 4 + 2·level bits. Level 20, of which `pixelId` is made, needs 44: a number is exact.
 * Numbering as in Kunszt, Szalay & Thakar 2001, which is what Rubin's `sphgeom` follows; every vertex is rounded as there, and no
 * rounding decides on which side of an edge a direction lies, so that each unit vector has the index that `sphgeom` gives it.
 */
export const PIXEL_LEVEL = 20

type Trixel = readonly [Vector, Vector, Vector]

const [X, Y, Z]: [Vector, Vector, Vector] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
]
const minus = ([x, y, z]: Vector): Vector => [-x, -y, -z]

/** S0 to S3, N0 to N3, with the indices 8 to 15. */
const roots: readonly Trixel[] = [
  [X, minus(Z), Y],
  [Y, minus(Z), minus(X)],
  [minus(X), minus(Z), minus(Y)],
  [minus(Y), minus(Z), X],
  [X, Z, minus(Y)],
  [minus(Y), Z, minus(X)],
  [minus(X), Z, Y],
  [Y, Z, X],
]

/** Middle of an edge, normalised in two steps: by the largest component, then by the length of what comes of it. */
function mid(a: Vector, b: Vector): Vector {
  const [x, y, z] = [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
  const largest = Math.max(Math.abs(x), Math.abs(y), Math.abs(z))
  const [u, v, w] = [x / largest, y / largest, z / largest]
  // The square of the largest is 1 and comes last.
  const others = Math.abs(w) === 1 ? u * u + v * v : Math.abs(v) === 1 ? u * u + w * w : v * v + w * w
  const norm = Math.sqrt(1 + others)
  return [u / norm, v / norm, w / norm]
}

function children([v0, v1, v2]: Trixel): readonly [Trixel, Trixel, Trixel, Trixel] {
  const [w0, w1, w2] = [mid(v1, v2), mid(v2, v0), mid(v0, v1)]
  return [
    [v0, w2, w1],
    [v1, w0, w2],
    [v2, w1, w0],
    [w0, w1, w2],
  ]
}

/** Octant of a direction; points on an edge belong to the trixel that sphgeom gives them. */
function rootOf([x, y, z]: Vector): number {
  if (z < 0) {
    if (y > 0) return x > 0 ? 0 : 1
    if (y === 0) return x >= 0 ? 0 : 2
    return x < 0 ? 2 : 3
  }
  if (y > 0) return x > 0 ? 7 : 6
  if (y === 0) return x >= 0 ? 7 : 5
  return x < 0 ? 5 : 4
}

/** Index of the trixel of the level (0 to 20) that holds a direction. */
export function htmIndexOf(v: Vector, level: number): number {
  const root = rootOf(v)
  let index = 8 + root
  let trixel = roots[root]!
  for (let depth = 0; depth < level; depth++) {
    const parts = children(trixel)
    const [w0, w1, w2] = parts[3]
    const child = isLeftOrOn(v, w2, w1) ? 0 : isLeftOrOn(v, w0, w2) ? 1 : isLeftOrOn(v, w1, w0) ? 2 : 3
    index = index * 4 + child
    trixel = parts[child]
  }
  return index
}

/** Index of the trixel that holds an ICRS position in degrees. */
export const htmIndex = (ra: number, dec: number, level = PIXEL_LEVEL): number => htmIndexOf(vectorOf(ra, dec), level)

/** Inclusive at both ends, as BETWEEN is. */
export type IndexRange = readonly [first: number, last: number]

/**
 * Ranges of indices of the level that together hold the whole circle: ascending, disjoint, at most `maxRanges` of them. A superset: what
 * is read by them must be trimmed. Trixels are divided from the top, a generation at a time, as long as the ranges stay few enough.
 */
export function coverCircle(circle: Circle, level: number, maxRanges = 64): readonly IndexRange[] {
  let border = roots.map((trixel, i) => ({ index: 8 + i, trixel })).filter(({ trixel }) => relation(trixel, circle) > 0)
  let inside: IndexRange[] = []
  let ranges = toRanges(inside, border, level)
  for (let depth = 0; depth < level && border.length > 0; depth++) {
    const parts = border.flatMap(({ index, trixel }) =>
      children(trixel).map((part, i) => ({ index: index * 4 + i, trixel: part, relation: relation(part, circle) })),
    )
    const below = level - depth - 1
    inside = [...inside, ...parts.filter(part => part.relation === 2).map(part => rangeBelow(part.index, below))]
    border = parts.filter(part => part.relation === 1)
    const finer = toRanges(inside, border, below)
    if (finer.length > maxRanges) break
    ranges = finer
  }
  return ranges
}

/** Every trixel of the level that touches the circle (a superset), ascending. Meant for levels where they are few. */
export function pixelsOfCircle(circle: Circle, level: number): readonly number[] {
  return coverCircle(circle, level, Infinity).flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  )
}

/** 0 outside, 1 perhaps on the border, 2 surely inside; by the circle around the trixel, so on the safe side. */
function relation(trixel: Trixel, { center, radius }: Circle): 0 | 1 | 2 {
  const middle = unit(sum(trixel))
  const reach = Math.max(...trixel.map(vertex => angle(middle, vertex)))
  const apart = angle(middle, center)
  if (apart > radius + reach + 1e-12) return 0
  return apart + reach <= radius ? 2 : 1
}

/** Indices, `below` levels further down, of what lies inside a trixel. */
const rangeBelow = (index: number, below: number): IndexRange => [index * 4 ** below, (index + 1) * 4 ** below - 1]

function toRanges(inside: readonly IndexRange[], border: readonly { index: number }[], below: number): IndexRange[] {
  const all = [...inside, ...border.map(({ index }) => rangeBelow(index, below))].sort(([a], [b]) => a - b)
  const merged: [number, number][] = []
  for (const [first, last] of all) {
    const previous = merged.at(-1)
    if (previous !== undefined && previous[1] + 1 >= first) previous[1] = Math.max(previous[1], last)
    else merged.push([first, last])
  }
  return merged
}
