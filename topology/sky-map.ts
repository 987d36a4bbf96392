import { pixelOf, type Ordering } from './healpix.ts'
import { vectorOf, type Vector } from './sphere.ts'

/** A map of the whole sky that says yes or no, for rules that name it. Read from a file by whoever starts the process. */
export interface SkyMap {
  readonly nside: number
  readonly ordering: Ordering
  readonly frame: Frame
  /** One byte a pixel, 12·nside² of them. */
  readonly values: Uint8Array
}

/** Coordinates of a map, J2000: C equatorial (ICRS), G galactic, E mean ecliptic. */
export type Frame = 'C' | 'G' | 'E'

/** Values of a pixel; whatever else a file holds is unknown too. */
export const NO = 0
export const YES = 1
export const UNKNOWN = 16

/** The maps that rules name, by the path they name them by. */
export type SkyMaps = ReadonlyMap<string, SkyMap>

type Rotation = readonly [Vector, Vector, Vector]

/** Its rows are the axes of galactic coordinates, seen in ICRS (Hipparcos and Tycho catalogues 1997, volume 1, eq. 1.5.11). */
const GALACTIC: Rotation = [
  [-0.0548755604, -0.8734370902, -0.4838350155],
  [0.4941094279, -0.44482963, 0.7469822445],
  [-0.867666149, -0.1980763734, 0.4559837762],
]

/** Mean obliquity at J2000, 84381.406″ (IAU 2006). The 0.02″ between the ICRS and the equator of J2000 are left out. */
const OBLIQUITY = ((84_381.406 / 3600) * Math.PI) / 180
const ECLIPTIC: Rotation = [
  [1, 0, 0],
  [0, Math.cos(OBLIQUITY), Math.sin(OBLIQUITY)],
  [0, -Math.sin(OBLIQUITY), Math.cos(OBLIQUITY)],
]

const ROTATIONS: Readonly<Record<Frame, Rotation | undefined>> = { C: undefined, G: GALACTIC, E: ECLIPTIC }

/** An ICRS direction in the coordinates of a frame; good to a tenth of an arcsecond, and pixels are minutes wide. */
export function inFrame(frame: Frame, direction: Vector): Vector {
  const rotation = ROTATIONS[frame]
  if (!rotation) return direction
  const along = ([x, y, z]: Vector) => x * direction[0] + y * direction[1] + z * direction[2]
  return [along(rotation[0]), along(rotation[1]), along(rotation[2])]
}

/** What the map says of an ICRS position, degrees: `NO`, `YES`, or `UNKNOWN`. */
export function valueAt({ nside, ordering, frame, values }: SkyMap, ra: number, dec: number): number {
  return values[pixelOf(nside, ordering, inFrame(frame, vectorOf(ra, dec)))]!
}
