import type { Ephemeris } from '../../schemas/avro/generated.ts'
import { avroType } from '../../schemas/codec.ts'
import { wholeSchema } from '../../schemas/schemas.ts'
import { faultOf, placeOf } from '../../topology/association/ephemeris.ts'
import { angle, ARCSEC, circleAround, unit, vectorOf } from '../../topology/sphere.ts'
import type { Ephemerides, FoundBodies, ObjectStore, SkyPosition } from './ports.ts'

/** Where the ephemerides of a visit lie in the central repository: one file for all of its detectors. */
export const ephemeridesKey = (instrument: string, group: string): string => `${instrument}/ephemerides/${group}.json`

/** Ephemerides from the central repository: whoever computes them stores a file for each visit before it is announced. */
export const storedEphemerides = (store: Pick<ObjectStore, 'get'>, bucket: string): Ephemerides => ({
  of: async (instrument, group) => {
    const key = ephemeridesKey(instrument, group)
    return readEphemerides(await store.get(bucket, key), `${bucket}/${key}`)
  },
})

/** The file: `{"ephemerides": [...]}`, each as its contract has it; fields that may be null may be left out. */
export const ephemeridesFile = (ephemerides: readonly Ephemeris[]): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ ephemerides }, (name, value: unknown) => (instants.includes(name) ? undefined : value))) // prettier-ignore

/** Reads the file; a body that cannot be used is left out and told. Throws where there is no list of bodies at all. */
export function readEphemerides(bytes: Uint8Array, where: string): FoundBodies {
  const { ephemerides } = parsed(bytes, where)
  if (!Array.isArray(ephemerides)) throw new Error(`${where}: ephemerides are {"ephemerides": [...]}, one entry a body`)
  const bodies: Ephemeris[] = []
  const faults: string[] = []
  ephemerides.forEach((entry: unknown, i) => {
    try {
      bodies.push(bodyOf(entry))
    } catch (error) {
      faults.push(`${where}: entry ${i + 1}: ${(error as Error).message}`)
    }
  })
  return { bodies, faults }
}

function parsed(bytes: Uint8Array, where: string): { readonly ephemerides?: unknown } {
  try {
    return (JSON.parse(Buffer.from(bytes).toString('utf8')) ?? {}) as object
  } catch (error) {
    throw new Error(`${where}: this is not JSON: ${(error as Error).message}`, { cause: error })
  }
}

/** Not in the file: alerts do not carry the times of the catalogue's rows. */
const instants = ['created_at', 'updated_at', 'fitting_datetime']
const noOrbit = Object.fromEntries(
  wholeSchema('lsst.v11_1.mpc_orbits')
    .fields!.filter(({ type }) => Array.isArray(type))
    .map(({ name }) => [name, null]),
)
const withoutInstants = Object.fromEntries(instants.map(name => [name, null]))

function bodyOf(entry: unknown): Ephemeris {
  const { orbit, ...rest } = Object(entry) as { readonly orbit?: object }
  const body = { vmag: null, ...rest, orbit: { ...noOrbit, id: 0, ...orbit, ...withoutInstants } } as Ephemeris
  avroType('ephemeris').encode(body)
  const fault = faultOf(body)
  if (fault !== undefined) throw new Error(fault)
  return body
}

/** A body that moves ten degrees a day comes so far in the half hour by which an announcement may be early (Rubin's margin). */
const REACH = 0.208 * 3600 * ARCSEC

/** The bodies that may come to lie within a polygon (corners in ICRS degrees) by the time of the exposure. */
export function near(bodies: readonly Ephemeris[], polygon: readonly SkyPosition[]): Ephemeris[] {
  const { center, radius } = circleAround(
    polygon.map(({ ra, dec }) => vectorOf(ra, dec)),
    REACH,
  )
  return bodies.filter(({ topo }) => angle(unit(placeOf(topo)), center) <= radius)
}
