import type { DiaObject, DiaSource } from '../../schemas/avro/generated.ts'
import { positionOf, sum, vectorOf } from '../sphere.ts'

/** What the statistics look at, and the choice of forced photometry. */
export type Measured = Pick<
  DiaSource,
  | 'diaSourceId'
  | 'diaObjectId'
  | 'midpointMjdTai'
  | 'ra'
  | 'dec'
  | 'band'
  | 'psfFlux'
  | 'psfFluxErr'
  | 'scienceFlux'
  | 'scienceFluxErr'
  | 'reliability'
  | 'trailLength'
  | 'glint_trail'
  | 'isDipole'
>

export const bands = ['u', 'g', 'r', 'i', 'z', 'y'] as const
export type Band = (typeof bands)[number]

const finite = (value: number | null): value is number => value !== null && Number.isFinite(value)
const mean = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0) / values.length
const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null)

/** By time, then id: sums of floating-point numbers are then the same whatever order the sources came in. */
export const inTimeOrder = <S extends Pick<DiaSource, 'midpointMjdTai' | 'diaSourceId'>>(sources: readonly S[]): S[] =>
  [...sources].sort((a, b) => a.midpointMjdTai - b.midpointMjdTai || (a.diaSourceId < b.diaSourceId ? -1 : 1))

/**
 * The object with its summary statistics computed anew from all its sources in the window (360 d), as Rubin's prompt pipeline defines
 * them: position, count, and per band the flux statistics. Statistics of the window, so they can fall as history ages out; a band
 * without any source keeps what it had. Fluxes in nJy, times MJD TAI; what cannot be computed is null, never NaN.
 *
 * @param object its version before
 * @param window all of its sources in the window, those of this visit included; at least one
 */
export function withStatistics(object: DiaObject, window: readonly Measured[]): DiaObject {
  const sources = inTimeOrder(window)
  const times = sources.map(source => source.midpointMjdTai)
  const overall = {
    ...meanPosition(sources),
    nDiaSources: sources.length,
    firstDiaSourceMjdTai: Math.min(object.firstDiaSourceMjdTai ?? Infinity, times[0]!),
    lastDiaSourceMjdTai: times.at(-1)!,
  }
  // Assigned to one copy: spreading an object of 80 fields once for each band costs more than all of the arithmetic.
  return Object.assign({ ...object }, overall, ...bands.map(band => ofBand(band, sources))) as DiaObject
}

/** Unweighted mean direction; one source is its own mean, to the last bit. */
function meanPosition(sources: readonly Measured[]): { readonly ra: number; readonly dec: number } {
  const [first] = sources
  if (sources.length === 1) return { ra: first!.ra, dec: first!.dec }
  return positionOf(sum(sources.map(({ ra, dec }) => vectorOf(ra, dec))))
}

function ofBand(band: Band, all: readonly Measured[]): Partial<DiaObject> {
  const sources = all.filter(source => source.band === band)
  if (sources.length === 0) return {}
  const psf = weightedMean(sources.map(source => [source.psfFlux, source.psfFluxErr]))
  const science = weightedMean(sources.map(source => [source.scienceFlux, source.scienceFluxErr]))
  const fluxes = sources.map(source => source.psfFlux).filter(finite)
  return {
    [`${band}_psfFluxMean`]: psf.mean,
    [`${band}_psfFluxMeanErr`]: psf.error,
    [`${band}_psfFluxNdata`]: psf.count,
    [`${band}_psfFluxSigma`]: sampleDeviation(fluxes),
    [`${band}_psfFluxMin`]: orNull(Math.min(...fluxes)),
    [`${band}_psfFluxMax`]: orNull(Math.max(...fluxes)),
    [`${band}_psfFluxMaxSlope`]: steepestRise(sources),
    [`${band}_psfFluxErrMean`]: orNull(mean(sources.map(source => source.psfFluxErr).filter(finite))),
    [`${band}_scienceFluxMean`]: science.mean,
    [`${band}_scienceFluxMeanErr`]: science.error,
  }
}

/** Σ(f/σ²)/Σ(1/σ²) and 1/√Σ(1/σ²) over the pairs that are finite and have a positive σ. */
function weightedMean(pairs: readonly (readonly [number | null, number | null])[]) {
  let [weights, weighted, count] = [0, 0, 0]
  for (const [flux, error] of pairs) {
    if (!finite(flux) || !finite(error) || error <= 0) continue
    const weight = 1 / error ** 2
    weights += weight
    weighted += flux * weight
    count++
  }
  return { mean: orNull(weighted / weights), error: orNull(1 / Math.sqrt(weights)), count }
}

/** Divided by n − 1; null for fewer than two. */
function sampleDeviation(values: readonly number[]): number | null {
  if (values.length < 2) return null
  const middle = mean(values)
  return Math.sqrt(values.reduce((total, value) => total + (value - middle) ** 2, 0) / (values.length - 1))
}

/** Largest Δflux/Δt, signed, between neighbours in time; null for fewer than two moments. */
function steepestRise(sources: readonly Measured[]): number | null {
  const points = sources.filter(source => finite(source.psfFlux))
  const slopes = points.slice(1).flatMap((point, i) => {
    const before = points[i]!
    const dt = point.midpointMjdTai - before.midpointMjdTai
    return dt > 0 ? [(point.psfFlux! - before.psfFlux!) / dt] : []
  })
  return orNull(Math.max(...slopes))
}
