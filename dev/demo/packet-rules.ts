import type { Alert, DiaForcedSource, DiaSource } from '../../schemas/avro/generated.ts'
import { WINDOW_DAYS } from '../../topology/association/associate.ts'

/** What a broker may rely on in every message of the stream, beyond its schema. Each rule gives a sentence per fault. */
type Rule = (alert: Alert, schemaId: number) => readonly (string | false)[]

/** Rubin writes 0, and others null, for "no such id". */
const isNone = (id: bigint | null): boolean => id === null || id === 0n

const rules = {
  'schema id': (_, schemaId) => [![1100, 1101].includes(schemaId) && `${schemaId} is not of schema 11.0 or 11.1`],

  'alert id': ({ diaSourceId, diaSource }) => [
    diaSourceId !== diaSource.diaSourceId && `the alert is ${diaSourceId}, its source ${diaSource.diaSourceId}`,
  ],

  /** Of an object of the sky, or of the solar system, whole. */
  'one kind': ({ diaObject, ssSource, mpc_orbits }) => {
    const has = [diaObject && 'diaObject', ssSource && 'ssSource', mpc_orbits && 'mpc_orbits']
      .filter(Boolean)
      .join(', ')
    return [!['diaObject', 'ssSource, mpc_orbits'].includes(has) && `it has ${has || 'neither'}`]
  },

  'object id': ({ diaObject, ssSource, diaSource }) => {
    const { diaObjectId, ssObjectId, diaSourceId } = diaSource
    return [
      diaObject !== null && diaObject.diaObjectId !== diaObjectId && `the source is of object ${diaObjectId}`,
      diaObject !== null && !isNone(ssObjectId) && `a source of an object is of ${ssObjectId} of the solar system`,
      ssSource !== null && ssSource.ssObjectId !== ssObjectId && `the source is of ssObject ${ssObjectId}`,
      ssSource !== null && ssSource.diaSourceId !== diaSourceId && `ssSource is of source ${ssSource.diaSourceId}`,
      ssSource !== null && isNone(ssSource.ssObjectId) && 'ssSource has no ssObjectId',
      ssSource !== null && !isNone(diaObjectId) && `a source of the solar system is of object ${diaObjectId}`,
    ]
  },

  /** All of the same object, without the trigger; by its exposure's time, and without an upper bound: visits may be taken in any order. */
  history: ({ diaObject, diaSource, prvDiaSources }) => {
    const history = prvDiaSources ?? []
    const ids = new Set(history.map(({ diaSourceId }) => diaSourceId))
    return [
      diaObject === null && prvDiaSources !== null && 'an alert without an object has a history',
      ids.size < history.length && 'a source is in it twice',
      ids.has(diaSource.diaSourceId) && 'the trigger is in it',
      ...history.flatMap(source => ofObject(source, source.diaSourceId, diaSource)),
    ]
  },

  count: ({ diaObject, prvDiaSources }) => {
    if (diaObject === null) return []
    const { nDiaSources } = diaObject
    const known = (prvDiaSources?.length ?? 0) + 1
    return [
      nDiaSources !== known && `nDiaSources is ${nDiaSources}, with ${known - 1} earlier sources`,
      prvDiaSources?.length === 0 && 'an empty history, where it is null',
    ]
  },

  'forced history': ({ diaObject, diaSource, prvDiaForcedSources }) => {
    const points = prvDiaForcedSources ?? []
    const places = points.map(({ diaObjectId, visit, detector }) => `${diaObjectId} ${visit} ${detector}`)
    return [
      diaObject === null && prvDiaForcedSources !== null && 'an alert without an object has forced photometry',
      diaObject !== null && prvDiaForcedSources === null && 'null, where it is an array, and may be empty',
      new Set(places).size < places.length && 'an object is measured twice on one detector of a visit',
      ...points.flatMap(point => ofObject(point, point.diaForcedSourceId, diaSource)),
    ]
  },

  stamps: ({ cutoutDifference, cutoutScience, cutoutTemplate }) =>
    Object.entries({ cutoutDifference, cutoutScience, cutoutTemplate }).map(
      ([name, bytes]) => !(bytes && bytes.length > 0 && bytes.length % 2880 === 0) && `${name} is no FITS file`,
    ),

  /** What is not known is null: BOOM, Lasair and whoever makes JSON of an alert would choke on NaN. */
  'finite numbers': alert => notFinite('', alert).map(field => `${field} is not finite`),
} satisfies Record<string, Rule>

export type RuleName = keyof typeof rules
export const ruleNames = Object.keys(rules) as RuleName[]

const ofObject = (
  { diaObjectId, midpointMjdTai }: DiaSource | DiaForcedSource,
  id: bigint,
  trigger: DiaSource,
): (string | false)[] => {
  const since = trigger.midpointMjdTai - WINDOW_DAYS
  return [
    diaObjectId !== trigger.diaObjectId && `${id} is of object ${diaObjectId}, not of ${trigger.diaObjectId}`,
    midpointMjdTai < since && `${id} is of MJD ${midpointMjdTai}, before ${since}`,
  ]
}

/** Paths of numbers that are NaN or infinite. */
function notFinite(path: string, value: unknown): string[] {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [path]
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return []
  return Object.entries(value).flatMap(([name, part]) => notFinite(path === '' ? name : `${path}.${name}`, part))
}

/** `rule: sentence` for each fault of a packet; empty where it keeps every rule. `schemaId` is that of its frame. */
export const packetFaults = (alert: Alert, schemaId: number): string[] =>
  Object.entries<Rule>(rules).flatMap(([name, rule]) =>
    rule(alert, schemaId).flatMap(fault => (fault === false ? [] : [`${name}: ${fault}`])),
  )
