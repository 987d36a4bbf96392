import type { DiaObject, DiaSource } from '../../schemas/avro/generated.ts'
import { bands } from './statistics.ts'

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
