import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DiaObject, DiaSource } from '../../schemas/avro/generated.ts'
import { source } from '../testing/sources.ts'
import { objectFrom } from './objects.ts'
import { bands, withStatistics } from './statistics.ts'

/** The definitions of the domain, one band at a time and as directly as they can be said. */
function reference(all: readonly DiaSource[], band: string) {
  const sources = all.filter(s => s.band === band).sort((a, b) => a.midpointMjdTai - b.midpointMjdTai)
  const flux = sources.map(s => s.psfFlux).filter((f): f is number => f !== null && Number.isFinite(f))
  const errors = sources.map(s => s.psfFluxErr).filter((e): e is number => e !== null && Number.isFinite(e))
  const weighted = (pairs: (readonly [number | null, number | null])[]) => {
    const good = pairs.filter((p): p is [number, number] => p.every(v => v !== null && Number.isFinite(v)))
    const w = good.map(([, e]) => 1 / e ** 2)
    const total = w.reduce((a, b) => a + b, 0)
    if (total === 0) return [null, null, 0] as const
    return [good.reduce((a, [f], i) => a + f * w[i]!, 0) / total, total ** -0.5, good.length] as const
  }
  const psf = weighted(sources.map(s => [s.psfFlux, s.psfFluxErr]))
  const science = weighted(sources.map(s => [s.scienceFlux, s.scienceFluxErr]))
  const average = flux.reduce((a, b) => a + b, 0) / flux.length
  let slope: number | null = null
  const points = sources.filter(s => s.psfFlux !== null && Number.isFinite(s.psfFlux))
  for (let i = 1; i < points.length; i++) {
    const dt = points[i]!.midpointMjdTai - points[i - 1]!.midpointMjdTai
    slope = Math.max(slope ?? -Infinity, (points[i]!.psfFlux! - points[i - 1]!.psfFlux!) / dt)
  }
  return {
    psfFluxMean: psf[0],
    psfFluxMeanErr: psf[1],
    psfFluxNdata: psf[2],
    psfFluxSigma:
      flux.length < 2 ? null : Math.sqrt(flux.reduce((a, f) => a + (f - average) ** 2, 0) / (flux.length - 1)),
    psfFluxMin: flux.length === 0 ? null : Math.min(...flux),
    psfFluxMax: flux.length === 0 ? null : Math.max(...flux),
    psfFluxMaxSlope: slope,
    psfFluxErrMean: errors.length === 0 ? null : errors.reduce((a, b) => a + b, 0) / errors.length,
    scienceFluxMean: science[0],
    scienceFluxMeanErr: science[1],
  }
}

const measurement = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: -1e5, max: 1e5, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(null, NaN, Infinity) },
)
const error = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: 1, max: 1e3, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(null, NaN) },
)
const sources = fc
  .array(
    fc.record({
      day: fc.integer({ min: 0, max: 359 }),
      band: fc.constantFrom('g', 'r', 'y', null),
      psfFlux: measurement,
      psfFluxErr: error,
      scienceFlux: measurement,
      scienceFluxErr: error,
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map(rows =>
    // Distinct times: at equal ones the slope is not defined.
    rows.map(({ day, ...row }, i) => source(i + 1, 30, -20, { ...row, midpointMjdTai: 61000 + day + i / 100 })),
  )
const empty = objectFrom(source(1, 30, -20))
const close = (a: unknown, b: unknown) =>
  a === b || (typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a)))

describe('window statistics', () => {
  it('are what the definitions say, band by band', () => {
    fc.assert(
      fc.property(sources, window => {
        const object = withStatistics(empty, window) as unknown as Record<string, unknown>
        for (const band of ['g', 'r', 'y'].filter(b => window.some(s => s.band === b)))
          for (const [name, value] of Object.entries(reference(window, band)))
            expect(close(object[`${band}_${name}`], value), `${band}_${name}: ${String(value)}`).toBe(true)
      }),
    )
  })

  it('do not depend on the order of the sources, to the last bit, and are never NaN', () => {
    const twice = sources.chain(s => fc.tuple(fc.constant(s), fc.shuffledSubarray(s, { minLength: s.length })))
    fc.assert(
      fc.property(twice, ([window, shuffled]) => {
        const object = withStatistics(empty, window)
        expect(withStatistics(empty, shuffled)).toEqual(object)
        for (const value of Object.values(object)) expect(value).not.toBeNaN()
      }),
    )
  })

  it('leave a band without any source as it was', () => {
    const before: DiaObject = { ...empty, g_psfFluxMean: 7, g_psfFluxNdata: 3 }
    expect(withStatistics(before, [source(1, 30, -20)])).toMatchObject({ g_psfFluxMean: 7, g_psfFluxNdata: 3 })
  })

  it('have nulls where one source says nothing: spread and slope', () => {
    const object = withStatistics(empty, [source(1, 30, -20)])
    expect(object).toMatchObject({ r_psfFluxSigma: null, r_psfFluxMaxSlope: null, r_psfFluxNdata: 1, nDiaSources: 1 })
  })

  it('average positions across 0/360, and keep a single one exactly', () => {
    const around = [source(1, 359.9999, 10), source(2, 0.0001, 10)]
    const { ra, dec } = withStatistics(empty, around)
    expect(Math.min(ra, 360 - ra)).toBeLessThan(1e-9)
    expect(dec).toBeCloseTo(10, 9)
    expect(withStatistics(empty, [source(1, 123.456789012345, -20.1)])).toMatchObject({
      ra: 123.456789012345,
      dec: -20.1,
    })
  })

  it('shrink as history ages out, except the first time', () => {
    const old = withStatistics(empty, [source(1, 30, -20, { midpointMjdTai: 61000 }), source(2, 30, -20)])
    const now = withStatistics(old, [source(2, 30, -20), source(3, 30, -20, { midpointMjdTai: 61365.2 })])
    expect(now).toMatchObject({ nDiaSources: 2, firstDiaSourceMjdTai: 61000, lastDiaSourceMjdTai: 61365.2 })
  })

  it('fill every band an object has', () => {
    for (const band of bands)
      expect(withStatistics(empty, [source(1, 30, -20, { band })])[`${band}_psfFluxNdata`]).toBe(1)
  })
})
