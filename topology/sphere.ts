/** A direction on the sky as a unit vector: no wrap at 0/360, no trouble at the poles. */
export type Vector = readonly [x: number, y: number, z: number]

const DEG = Math.PI / 180
export const ARCSEC = DEG / 3600

/** The unit vector of an ICRS position in degrees. */
export function vectorOf(ra: number, dec: number): Vector {
  const cosDec = Math.cos(dec * DEG)
  return [cosDec * Math.cos(ra * DEG), cosDec * Math.sin(ra * DEG), Math.sin(dec * DEG)]
}

/** The ICRS position in degrees, ra in [0, 360), of a vector of any length but zero. */
export function positionOf([x, y, z]: Vector): { readonly ra: number; readonly dec: number } {
  const ra = Math.atan2(y, x) / DEG
  return { ra: ra < 0 ? (ra + 360) % 360 : ra, dec: Math.atan2(z, Math.hypot(x, y)) / DEG }
}

/** Straight distance of two unit vectors; exact where the angle is tiny, unlike the arc cosine of their product. */
export const chord = (a: Vector, b: Vector): number => length([a[0] - b[0], a[1] - b[1], a[2] - b[2]])

/** Not `Math.hypot`, whose care about overflow costs ten times as much: no vector here is longer than a few thousand. */
const length = ([x, y, z]: Vector): number => Math.sqrt(x * x + y * y + z * z)

/** Angle in radians that a chord subtends. */
export const angleOfChord = (c: number): number => 2 * Math.asin(Math.min(1, c / 2))

export const angle = (a: Vector, b: Vector): number => angleOfChord(chord(a, b))

export function sum(vectors: readonly Vector[]): Vector {
  let [x, y, z] = [0, 0, 0]
  for (const v of vectors) [x, y, z] = [x + v[0], y + v[1], z + v[2]]
  return [x, y, z]
}

export function unit(v: Vector): Vector {
  const l = length(v)
  return [v[0] / l, v[1] / l, v[2] / l]
}

/** A cap on the sky; `radius` in radians. */
export interface Circle {
  readonly center: Vector
  readonly radius: number
}

/** The circle around the mean of some directions that holds them all, grown by `padding` radians. */
export function circleAround(vectors: readonly Vector[], padding: number): Circle {
  const center = unit(sum(vectors))
  return { center, radius: Math.max(...vectors.map(v => angle(center, v))) + padding }
}

/**
 * How deep a direction lies inside a convex polygon smaller than a hemisphere: radians to its nearest edge, prolonged; negative outside.
 * `corners` in either sense, at least three.
 */
export function depthInside(corners: readonly Vector[]): (v: Vector) => number {
  const middle = sum(corners)
  const inward = corners.map((a, i) => {
    const normal = unit(cross(a, corners[(i + 1) % corners.length]!))
    return dot(normal, middle) < 0 ? scale(normal, -1) : normal
  })
  return v => Math.asin(inward.reduce((least, normal) => Math.min(least, dot(normal, v)), 1))
}

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
const scale = ([x, y, z]: Vector, by: number): Vector => [x * by, y * by, z * by]
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
]

/** Whether v lies to the left of, or on, the arc from a to b: the sign of v·(a×b). */
export const leftOf = (v: Vector, a: Vector, b: Vector): boolean =>
  v[0] * (a[1] * b[2] - a[2] * b[1]) + v[1] * (a[2] * b[0] - a[0] * b[2]) + v[2] * (a[0] * b[1] - a[1] * b[0]) >= 0
