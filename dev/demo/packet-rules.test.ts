import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Alert, Contracts, DiaForcedSource, DiaObject, DiaSource, SsSource } from '../../schemas/avro/generated.ts'
import { type ContractName, wholeSchema } from '../../schemas/schemas.ts'
import { arbitraryOf } from '../../schemas/testing/arbitrary.ts'
import { packetFaults, type RuleName, ruleNames } from './packet-rules.ts'

const arbitrary = <Name extends ContractName>(name: Name) =>
  arbitraryOf(wholeSchema(name)) as fc.Arbitrary<Contracts[Name]>
const midpoints = fc.double({ min: 60_000, max: 60_359, noNaN: true })

/** Rows of object 7 with ids of their own, in no order of time. */
const sources = arbitrary('lsst.v11_1.diaSource').chain(row => midpoints.map(at => ({ ...row, midpointMjdTai: at })))
const rowsOf = <T>(rows: fc.Arbitrary<T>, name: (row: T, n: number) => T) =>
  fc.array(rows, { minLength: 1, maxLength: 4 }).map(list => list.map((row, n) => name(row, n)))
const history = rowsOf(sources, (row, n) => ({ ...row, diaSourceId: BigInt(100 + n), diaObjectId: 7n }))
const forced = rowsOf(arbitrary('lsst.v11_1.diaForcedSource'), (row, n) => ({
  ...{ ...row, diaObjectId: 7n, visit: BigInt(n >> 1), detector: n & 1, midpointMjdTai: 60_100 },
}))
/** Some FITS file; a counterexample is printed without its bytes. */
const fits = (blocks: number) =>
  Object.assign(Buffer.alloc(2880 * blocks), { [fc.toStringMethod]: () => `fits(${blocks})` })
const stamp = { cutoutDifference: fits(1), cutoutScience: fits(2), cutoutTemplate: fits(1) }

/** A good alert of an object with a history, and one of the solar system, with whatever else the schema allows. */
const parts = fc.record({
  any: arbitrary('lsst.v11_1.alert'),
  ...{ diaSource: sources, history, forced, none: fc.constantFrom(null, 0n) },
  diaObject: arbitrary('lsst.v11_1.diaObject'),
  ssSource: arbitrary('lsst.v11_1.ssSource'),
  mpc_orbits: arbitrary('lsst.v11_1.mpc_orbits'),
})
const ofObject = parts.map(({ any, diaSource, diaObject, history, forced, none }): Alert => ({
  ...{ ...any, ...stamp, diaSourceId: 1n, ssSource: null, mpc_orbits: null },
  diaSource: { ...diaSource, diaSourceId: 1n, diaObjectId: 7n, ssObjectId: none },
  diaObject: { ...diaObject, diaObjectId: 7n, nDiaSources: history.length + 1 },
  ...{ prvDiaSources: history, prvDiaForcedSources: forced },
}))
const ofSolarSystem = parts.map(({ any, diaSource, ssSource, mpc_orbits, none }): Alert => ({
  ...{ ...any, ...stamp, diaSourceId: 1n, diaObject: null, prvDiaSources: null, prvDiaForcedSources: null, mpc_orbits },
  diaSource: { ...diaSource, diaSourceId: 1n, diaObjectId: none, ssObjectId: 9n },
  ssSource: { ...ssSource, diaSourceId: 1n, ssObjectId: 9n },
}))

type Edit = (alert: Alert) => Alert
const edit =
  (change: (alert: Alert) => Partial<Alert>): Edit =>
  alert => ({ ...alert, ...change(alert) })
const source = (more: Partial<DiaSource>) => edit(({ diaSource }) => ({ diaSource: { ...diaSource, ...more } }))
const object = (more: Partial<DiaObject>) => edit(({ diaObject }) => ({ diaObject: { ...diaObject!, ...more } }))
const ss = (more: Partial<SsSource>) => edit(({ ssSource }) => ({ ssSource: { ...ssSource!, ...more } }))
const changed = <Row>(rows: readonly Row[] | null, more: Partial<Row>): Row[] =>
  rows!.map((row, n) => (n === 0 ? { ...row, ...more } : row))
const first = (more: Partial<DiaSource>) => edit(({ prvDiaSources: rows }) => ({ prvDiaSources: changed(rows, more) }))
const point = (more: Partial<DiaForcedSource>) =>
  edit(({ prvDiaForcedSources: rows }) => ({ prvDiaForcedSources: changed(rows, more) }))
const ssOfNobody: Edit = alert => ss({ ssObjectId: 0n })(source({ ssObjectId: 0n })(alert))
const tooOld: Edit = alert => first({ midpointMjdTai: alert.diaSource.midpointMjdTai - 360.001 })(alert)
const twice: Edit = alert => {
  const rows = alert.prvDiaSources!
  return object({ nDiaSources: rows.length + 2 })({ ...alert, prvDiaSources: [...rows, rows[0]!] })
}
const emptyHistory: Edit = alert => object({ nDiaSources: 1 })({ ...alert, prvDiaSources: [] })

/** Each breaks the rule that it stands under, and no other. */
const broken: Record<
  Exclude<RuleName, 'schema id'>,
  { readonly object?: readonly Edit[]; readonly ss?: readonly Edit[] }
> = {
  'alert id': { object: [edit(() => ({ diaSourceId: 2n }))], ss: [edit(() => ({ diaSourceId: 2n }))] },
  'one kind': {
    object: [edit(() => ({ mpc_orbits: {} as never }))],
    ss: [edit(() => ({ mpc_orbits: null })), edit(() => ({ ssSource: null }))],
  },
  'object id': {
    object: [object({ diaObjectId: 8n }), source({ ssObjectId: 9n })],
    ss: [source({ ssObjectId: 8n }), ss({ diaSourceId: 2n }), source({ diaObjectId: 7n }), ssOfNobody],
  },
  history: {
    object: [first({ diaObjectId: 8n }), first({ diaObjectId: null }), first({ diaSourceId: 1n }), tooOld, twice],
    ss: [edit(() => ({ prvDiaSources: [] }))],
  },
  count: { object: [object({ nDiaSources: 1 }), object({ nDiaSources: 0 }), emptyHistory] },
  'forced history': {
    object: [
      ...[point({ diaObjectId: 8n }), point({ midpointMjdTai: 59_000 }), edit(() => ({ prvDiaForcedSources: null }))],
      edit(({ prvDiaForcedSources: rows }) => ({
        prvDiaForcedSources: [...rows!, { ...rows![0]!, diaForcedSourceId: 5n }],
      })),
    ],
    ss: [edit(() => ({ prvDiaForcedSources: [] }))],
  },
  stamps: {
    object: [edit(() => ({ cutoutScience: null })), edit(() => ({ cutoutTemplate: Buffer.alloc(0) }))],
    ss: [edit(() => ({ cutoutDifference: Buffer.alloc(2881) }))],
  },
  'finite numbers': {
    object: [source({ psfFlux: NaN }), first({ ra: Infinity }), point({ psfFluxErr: -Infinity }), object({ dec: NaN })],
    ss: [ss({ phaseAngle: NaN })],
  },
}

const rulesBroken = (alert: Alert, id = 1101) => [
  ...new Set(packetFaults(alert, id).map(fault => fault.slice(0, fault.indexOf(':')))),
]
const runs = { numRuns: 25 }

describe.each([
  ['of an object', ofObject, 'object'],
  ['of the solar system', ofSolarSystem, 'ss'],
] as const)('an alert %s', (_, good, kind) => {
  it('that keeps the rules has no fault', () => {
    fc.assert(
      fc.property(good, fc.constantFrom(1100, 1101), (alert, id) => {
        expect(packetFaults(alert, id)).toEqual([])
      }),
      runs,
    )
  })

  const edits = Object.entries(broken).flatMap(([rule, edits]) =>
    (edits[kind] ?? []).map((edit, n) => ({ rule, n, edit })),
  )
  it.each(edits)('is caught by the rule $rule, and by no other ($n)', ({ rule, edit }) => {
    fc.assert(
      fc.property(good, alert => {
        expect(rulesBroken(edit(alert))).toEqual([rule])
      }),
      runs,
    )
  })

  it('of another schema is caught', () => {
    fc.assert(
      fc.property(good, fc.constantFrom(0, 1000, 1102, 0x4d040000), (alert, id) => {
        expect(rulesBroken(alert, id)).toEqual(['schema id'])
      }),
      runs,
    )
  })
})

it('has a way to be broken for each rule', () => {
  expect([...Object.keys(broken), 'schema id'].sort()).toEqual([...ruleNames].sort())
})

it('says what is wrong in a sentence', () => {
  const [alert] = fc.sample(ofObject, 1)
  expect(packetFaults({ ...alert!, diaSourceId: 2n }, 1101)).toEqual(['alert id: the alert is 2, its source 1'])
})
