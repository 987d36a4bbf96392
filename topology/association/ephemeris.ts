import type { Ephemeris, StateVector } from '../../schemas/avro/generated.ts'
import { dot, positionOf, type Vector } from '../sphere.ts'
import { ssObjectId } from '../ss-object-id.ts'

/** Kilometres of an astronomical unit (IAU 2012 resolution B2). */
const AU_KM = 149_597_870.7
const DAY_S = 86_400
const DEG = Math.PI / 180

/**
 * Seconds around its epoch for which an ephemeris is used. Body and observer are moved on straight lines; what that leaves out is the turning
 * of the Earth, 1.5 km in five minutes, or 0.02″ at 0.1 AU.
 */
export const HOLDS_S = 300

/** Where a body is at a moment, seen from the Sun and from the observer, when the light left it. */
export interface Prediction {
  readonly helio: StateVector
  readonly topo: StateVector
  /** ICRS degrees, astrometric. */
  readonly ra: number
  readonly dec: number
  /** Degrees a day; that along right ascension includes cos(dec). */
  readonly rateRa: number
  readonly rateDec: number
}

/** Moves an ephemeris to the moment of observation; undefined where it does not reach so far. */
export function predict({ epochMjdTai, helio, topo }: Ephemeris, mjdTai: number): Prediction | undefined {
  const seconds = (mjdTai - epochMjdTai) * DAY_S
  if (!(Math.abs(seconds) <= HOLDS_S)) return undefined
  const now = moved(topo, seconds)
  const { ra, dec } = positionOf(placeOf(now))
  return { helio: moved(helio, seconds), topo: now, ra, dec, ...ratesOf(now, ra, dec) }
}

const moved = ({ x, y, z, vx, vy, vz }: StateVector, seconds: number): StateVector => {
  const t = seconds / AU_KM
  return { x: x + vx * t, y: y + vy * t, z: z + vz * t, vx, vy, vz }
}

export const placeOf = ({ x, y, z }: StateVector): Vector => [x, y, z]
export const velocityOf = ({ vx, vy, vz }: StateVector): Vector => [vx, vy, vz]

export const lengthOf = (v: Vector): number => Math.sqrt(dot(v, v))

/** The part of the velocity across the line of sight, by the unit vectors to east and north, over the distance. */
function ratesOf(topo: StateVector, ra: number, dec: number) {
  const [a, d] = [ra * DEG, dec * DEG]
  const east: Vector = [-Math.sin(a), Math.cos(a), 0]
  const north: Vector = [-Math.sin(d) * Math.cos(a), -Math.sin(d) * Math.sin(a), Math.cos(d)]
  const degreesPerDay = DAY_S / AU_KM / lengthOf(placeOf(topo)) / DEG
  const velocity = velocityOf(topo)
  return { rateRa: dot(velocity, east) * degreesPerDay, rateDec: dot(velocity, north) * degreesPerDay }
}

/** Why an ephemeris is of no use; undefined where it is. */
export function faultOf({ epochMjdTai, helio, topo, orbit }: Ephemeris): string | undefined {
  const numbers = { epochMjdTai, ...named('helio', helio), ...named('topo', topo) }
  const bad = Object.entries(numbers).find(([, value]) => !Number.isFinite(value))
  if (bad) return `${bad[0]} is ${bad[1]}; a finite number is needed`
  for (const [name, state] of Object.entries({ helio, topo }))
    if (lengthOf(placeOf(state)) === 0) return `${name} has no length: a body is neither in the Sun nor at the observer`
  try {
    ssObjectId(orbit.packed_primary_provisional_designation)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const named = (name: string, state: StateVector) =>
  Object.fromEntries(Object.entries(state).map(([axis, value]) => [`${name}.${axis}`, value as number]))
