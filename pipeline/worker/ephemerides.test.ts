import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Ephemeris } from '../../schemas/avro/generated.ts'
import { avroType } from '../../schemas/codec.ts'
import { arbitraryOf } from '../../schemas/testing/arbitrary.ts'
import { ephemerisOf } from '../../topology/testing/ephemerides.ts'
import { ephemeridesFile, ephemeridesKey, near, readEphemerides, storedEphemerides } from './ephemerides.ts'
import type { Ephemerides } from './ports.ts'
import { preload } from './preload.ts'
import { runUnit } from './run-unit.ts'
import { leaseOf, memoryRepository } from './testing/repository.ts'

const EPOCH = 61000
const body = (number: number, ra: number, dec: number) => ephemerisOf({ number, epochMjdTai: EPOCH, ra, dec })
const read = (text: string) => readEphemerides(Buffer.from(text), 'central/a.json')

describe('the file of a visit', () => {
  it('is read as it was written, but for the times of the catalogue’s rows', () => {
    const orbits = fc.sample(arbitraryOf(avroType('ephemeris').schema) as fc.Arbitrary<Ephemeris>, 50)
    // JSON knows neither NaN nor −0.
    const finite = (value: number | null) => (value !== null && Number.isFinite(value) ? value + 0 : null)
    const named = fc.constantFrom(...orbits).map(({ orbit }) => {
      const numbers = Object.entries(orbit).map(([name, v]: [string, unknown]) => [name, typeof v === 'number' ? finite(v) : v]) // prettier-ignore
      const whole = { ...(Object.fromEntries(numbers) as Ephemeris['orbit']), packed_primary_provisional_designation: 'K08A00B' } // prettier-ignore
      return { ...body(1, 10, -20), orbit: whole }
    })
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            named,
            fc.integer({ min: 0, max: 99 }).map(n => body(n, n, -20)),
          ),
        ),
        bodies => {
          const timeless = (it: Ephemeris) => ({
            ...it,
            orbit: { ...it.orbit, created_at: null, updated_at: null, fitting_datetime: null },
          })
          const found = readEphemerides(ephemeridesFile(bodies), 'x')
          expect(found).toEqual({ bodies: bodies.map(timeless), faults: [] })
        },
      ),
      { numRuns: 30 },
    )
  })

  it('needs of an orbit its designations only', () => {
    const { topo, helio } = body(0, 10, -20)
    const names = { designation: '2026 NA', packed_primary_provisional_designation: 'K26N00A', unpacked_primary_provisional_designation: '2026 NA' } // prettier-ignore
    const { bodies, faults } = read(
      JSON.stringify({ ephemerides: [{ epochMjdTai: EPOCH, topo, helio, orbit: names }] }),
    )
    expect(faults).toEqual([])
    expect(bodies).toMatchObject([{ vmag: null, orbit: { ...names, a: null, mpc_orb_jsonb: null } }])
  })

  it.each([
    ['no JSON', '{"ephemerides": [', /central\/a\.json: this is not JSON/],
    ['no list', '{"bodies": []}', /central\/a\.json: ephemerides are \{"ephemerides": \[\.\.\.\]\}/],
    ['nothing', 'null', /ephemerides are/],
  ])('that is %s is refused', (_, text, sentence) => {
    expect(() => read(text)).toThrow(sentence)
  })

  it.each([
    ['a number is a text', { epochMjdTai: 'noon' }, 'entry 2: prompt.Ephemeris: field epochMjdTai is the string "noon"; allowed: a number.'], // prettier-ignore
    [
      'a field is unknown',
      { speed: 3 },
      'entry 2: prompt.Ephemeris: field speed is the number 3; allowed: no such field',
    ],
    ['a designation is none', { orbit: { ...body(0, 1, 1).orbit, packed_primary_provisional_designation: '2008 AB' } }, '"2008 AB" is not a packed provisional designation'], // prettier-ignore
    ['it is where the observer is', { topo: { x: 0, y: 0, z: 0, vx: 0, vy: 0, vz: 0 } }, 'topo has no length'],
  ])('leaves a body out where %s, and says why', (_, wrong, sentence) => {
    const entries = JSON.parse(Buffer.from(ephemeridesFile([body(0, 1, 1), body(1, 2, 2), body(2, 3, 3)])).toString()) as { ephemerides: object[] } // prettier-ignore
    entries.ephemerides[1] = { ...entries.ephemerides[1], ...JSON.parse(JSON.stringify(wrong, (_name, v: unknown) => (typeof v === 'bigint' ? undefined : v))) as object } // prettier-ignore
    const { bodies, faults } = read(JSON.stringify(entries))
    expect(bodies.map(it => it.orbit.designation)).toEqual(['2026 NA', '2026 NC'])
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(`central/a.json: entry 2`)
    expect(faults[0]).toContain(sentence)
  })
})

describe('a unit', () => {
  /** LSSTComCam's detector 0 of a visit at RA 10, declination −20, with these ephemerides. */
  async function reported(ephemerides: Ephemerides, more: { ephemerisTimeoutMs?: number } = {}) {
    const world = memoryRepository()
    const lease = leaseOf('g', 0)
    const inputs = await preload(lease, { ...world.preload, ephemerides, ...more })
    return runUnit(lease, inputs, world.run, new AbortController().signal)
  }
  const stored = (files: Readonly<Record<string, Uint8Array>>) =>
    storedEphemerides(
      {
        get: async (bucket, key) => {
          const bytes = files[key]
          if (!bytes) throw new Error(`${bucket}/${key} does not exist`)
          return bytes
        },
      },
      'central',
    )
  const key = ephemeridesKey('LSSTComCam', 'g')

  it('carries the bodies near its detector in its report, and no others', async () => {
    const bodies = [body(0, 10, -20), body(1, 10.1, -20.2), body(2, 12, -20), body(3, 190, 20)]
    const { ephemerides, detail, metrics } = await reported(stored({ [key]: ephemeridesFile(bodies) }))
    expect(ephemerides!.map(it => it.orbit.designation)).toEqual(['2026 NA', '2026 NB'])
    expect(detail).toBeNull()
    expect(metrics['ephemerides']).toBe(2)
  })

  it('of a visit without a file goes well, and says so', async () => {
    const { outcome, ephemerides, detail, metrics } = await reported(stored({}))
    expect({ outcome, ephemerides }).toEqual({ outcome: 'succeeded', ephemerides: null })
    expect(detail).toBe(
      'no ephemerides, so that known bodies count as new: central/LSSTComCam/ephemerides/g.json does not exist',
    )
    expect(metrics).toMatchObject({ ephemeridesMissing: 1 })
  })

  it('is not held up by ephemerides that never come', async () => {
    const { outcome, ephemerides, detail } = await reported({ of: () => new Promise(() => {}) }, { ephemerisTimeoutMs: 20 }) // prettier-ignore
    expect({ outcome, ephemerides }).toEqual({ outcome: 'succeeded', ephemerides: null })
    expect(detail).toBe('no ephemerides, so that known bodies count as new: no answer within 20 ms')
  })

  it('asks for none where none are wanted', async () => {
    const asked: string[] = []
    const of = async (_: string, group: string) => (asked.push(group), { bodies: [], faults: [] })
    expect(await reported({ of }, { ephemerisTimeoutMs: 0 })).toMatchObject({ ephemerides: null, detail: null })
    expect(asked).toEqual([])
  })

  it('says which bodies could not be used, and which are for another time', async () => {
    const [good, late] = [body(0, 10, -20), { ...body(1, 10, -20), epochMjdTai: EPOCH + 1 }]
    const of = async () => ({ bodies: [good, late], faults: ['a: entry 3: no name'] })
    const { detail, ephemerides } = await reported({ of })
    expect(detail).toBe(
      '1 of 3 bodies cannot be used: a: entry 3: no name; 1 ephemerides are for another time than that of the exposure',
    )
    expect(ephemerides).toHaveLength(2)
  })
})

it('near is what can come into view within half an hour at ten degrees a day', () => {
  const polygon = [9.9, 10.1].flatMap(ra => [-20.1, -19.9].map(dec => ({ ra, dec })))
  const bodies = [body(0, 10, -20.33), body(1, 10, -20.36)]
  expect(near(bodies, polygon)).toEqual([bodies[0]])
})
