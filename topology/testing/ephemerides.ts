import type { Ephemeris, MpcOrbits, StateVector } from '../../schemas/avro/generated.ts'
import { type Vector, vectorOf } from '../sphere.ts'
import { blank } from './sources.ts'

/** What an observer sees of a body. */
export interface Apparent {
  /** Counts the bodies; 0 is `K26N00A`, 2026 NA. */
  readonly number: number
  readonly epochMjdTai: number
  /** ICRS degrees. */
  readonly ra: number
  readonly dec: number
  /** Degrees a day, cos(dec) included. */
  readonly rateRa?: number
  readonly rateDec?: number
  /** AU from the observer. */
  readonly range?: number
  readonly vmag?: number
}

const AU_KM = 149_597_870.7
const DEG = Math.PI / 180

/** The ephemeris of a body that is seen so: the inverse of `predict`. The observer is 1 AU from the Sun, which stands some 150° away from the body. */
export function ephemerisOf({
  number,
  epochMjdTai,
  ra,
  dec,
  rateRa = 0,
  rateDec = 0,
  range = 1.5,
  vmag = 20,
}: Apparent): Ephemeris {
  const kmPerSecond = (rate: number) => ((rate * DEG) / 86_400) * range * AU_KM
  const [towards, east, north] = [vectorOf(ra, dec), vectorOf(ra + 90, 0), vectorOf(ra, dec + 90)]
  const topo = state(
    [[range, towards]],
    [
      [kmPerSecond(rateRa), east],
      [kmPerSecond(rateDec), north],
    ],
  )
  const observer = state([[1, vectorOf(ra + 30, dec / 2)]], [[30, vectorOf(ra + 120, 0)]])
  return { epochMjdTai, vmag, topo, helio: added(topo, observer), orbit: orbitOf(number) }
}

type Terms = readonly (readonly [length: number, direction: Vector])[]
const state = (place: Terms, velocity: Terms): StateVector => {
  const along = (terms: Terms, axis: 0 | 1 | 2) => terms.reduce((sum, [length, v]) => sum + length * v[axis], 0)
  return {
    ...{ x: along(place, 0), y: along(place, 1), z: along(place, 2) },
    ...{ vx: along(velocity, 0), vy: along(velocity, 1), vz: along(velocity, 2) },
  }
}

const added = (a: StateVector, b: StateVector): StateVector => ({
  x: a.x + b.x,
  y: a.y + b.y,
  z: a.z + b.z,
  vx: a.vx + b.vx,
  vy: a.vy + b.vy,
  vz: a.vz + b.vz,
})

const LETTERS = 'ABCDEFGHJKLMNOPQRSTUVWXYZ'
const NAMES = 100 * LETTERS.length

/** Packed and unpacked provisional designations of a made-up discovery of July 2026: 26 is `K26N01B`, 2026 NB1. */
export function designationOf(number: number): { readonly packed: string; readonly unpacked: string } {
  if (!(number >= 0 && number < NAMES)) throw new RangeError(`body ${number}; there are names for 0 to ${NAMES - 1}`)
  const [cycle, letter] = [Math.floor(number / LETTERS.length), LETTERS[number % LETTERS.length]!]
  return { packed: `K26N${String(cycle).padStart(2, '0')}${letter}`, unpacked: `2026 N${letter}${cycle || ''}` }
}

function orbitOf(number: number): MpcOrbits {
  const { packed, unpacked } = designationOf(number)
  return {
    ...(blank('lsst.v11_1.mpc_orbits') as unknown as MpcOrbits),
    id: 4000 + number,
    designation: unpacked,
    packed_primary_provisional_designation: packed,
    unpacked_primary_provisional_designation: unpacked,
    orbit_type_int: 10,
    ...{ a: 2.5 + number / 1000, e: 0.1, i: 7, node: 80, argperi: 73, q: 2.25, mean_anomaly: 19, epoch_mjd: 61_300 },
    ...{ h: 17.2, g: 0.15, nobs_total: 40, arc_length_total: 700.5 },
  }
}
