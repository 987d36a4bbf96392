import type { DiaObject, DiaSource } from '../../schemas/avro/generated.ts'
import { bands } from './statistics.ts'

/** Sources that match nothing and carry one of these are artefacts too often to seed an object. A flag that was not measured is not raised. */
const vetoes = [
  'centroid_flag',
  'pixelFlags_crCenter',
  'pixelFlags_nodataCenter',
  'pixelFlags_interpolatedCenter',
  'pixelFlags_saturatedCenter',
  'pixelFlags_suspectCenter',
  'pixelFlags_streakCenter',
  'glint_trail',
] as const satisfies readonly (keyof DiaSource)[]

const MIN_RELIABILITY = 0.1

/** Why an unmatched source may not become an object; undefined where it may. Such a source is neither stored nor alerted. */
export function vetoOf(source: DiaSource): string | undefined {
  const flag = vetoes.find(name => source[name] === true)
  if (flag !== undefined) return flag
  return source.reliability !== null && source.reliability < MIN_RELIABILITY ? 'low-reliability' : undefined
}

const emptyBand = {
  psfFluxMean: null,
  psfFluxMeanErr: null,
  psfFluxSigma: null,
  psfFluxNdata: 0,
  psfFluxMin: null,
  psfFluxMax: null,
  psfFluxMaxSlope: null,
  psfFluxErrMean: null,
  fpFluxMean: null,
  fpFluxMeanErr: null,
  scienceFluxMean: null,
  scienceFluxMeanErr: null,
}
const emptyObject = {
  diaObjectId: 0n,
  validityStartMjdTai: 0,
  ra: 0,
  raErr: null,
  dec: 0,
  decErr: null,
  ra_dec_Cov: null,
  ...Object.fromEntries(
    bands.flatMap(band => Object.entries(emptyBand).map(([name, value]) => [`${band}_${name}`, value])),
  ),
  firstDiaSourceMjdTai: null,
  lastDiaSourceMjdTai: null,
  nDiaSources: 0,
} as unknown as DiaObject

/** A new object at its seed's place, without statistics. Its id is the seed's, so that a retry makes the same object. */
export const objectFrom = ({ diaSourceId, ra, raErr, dec, decErr, ra_dec_Cov }: DiaSource): DiaObject =>
  Object.assign({ ...emptyObject }, { diaObjectId: diaSourceId, ra, raErr, dec, decErr, ra_dec_Cov })
