import { positionOf, type Vector, vectorOf } from './sphere.ts'

/**
 * Ecliptic and galactic coordinates of an ICRS direction. Both are rotations that do not change with time, written out as astropy 8.0.2 has
 * them (a test holds them against it): its rows are the axes of the frame, in ICRS.
 */
type Rotation = readonly [Vector, Vector, Vector]

/** The true ecliptic and equinox of J2000, nutation included: `barycentrictrueecliptic`, which is what Rubin's ssSource means. */
const ECLIPTIC: Rotation = [
  [0.999999997721103, 6.189986411236422e-5, 2.6948113596465767e-5],
  [-6.751135893482202e-5, 0.9174821278268589, 0.39777699853123216],
  [-1.0207044725483804e-7, -0.397776999444043, 0.9174821299149555],
]

/** The IAU's galactic system of 1958, by way of FK5. */
const GALACTIC: Rotation = [
  [-0.05487565771259168, -0.8734370519556163, -0.4838350736167155],
  [0.4941094371927275, -0.44482972122329517, 0.7469821839866676],
  [-0.8676661375596587, -0.19807633727300075, 0.4559838136873016],
]

/** Longitude in [0, 360) and latitude, degrees. */
export interface LonLat {
  readonly lon: number
  readonly lat: number
}

export const eclipticOf = (ra: number, dec: number): LonLat => turned(ECLIPTIC, vectorOf(ra, dec))
export const galacticOf = (ra: number, dec: number): LonLat => turned(GALACTIC, vectorOf(ra, dec))

function turned([x, y, z]: Rotation, v: Vector): LonLat {
  const along = (axis: Vector) => axis[0] * v[0] + axis[1] * v[1] + axis[2] * v[2]
  const { ra: lon, dec: lat } = positionOf([along(x), along(y), along(z)])
  return { lon, lat }
}
