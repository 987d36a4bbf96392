import type { DiaForcedSource, ForcedPhotometry, PipelineResult } from '../../schemas/avro/generated.ts'
import { diaSourceId } from '../identifiers.ts'
import type { Measured } from './statistics.ts'

const MIN_GOOD_SOURCES = 2
const MIN_RELIABILITY = 0.5
const MAX_TRAIL_ARCSEC = 1.4

/** A detection that counts towards forced photometry of its object; what was not measured does not count. */
const isGood = ({ reliability, trailLength, glint_trail, isDipole }: Measured): boolean =>
  reliability !== null &&
  reliability >= MIN_RELIABILITY &&
  trailLength !== null &&
  trailLength <= MAX_TRAIL_ARCSEC &&
  glint_trail === false &&
  isDipole === false

/** Objects seen well at least twice in the window are worth measuring in every image, also where nothing was detected. */
export const deservesForced = (window: readonly Measured[]): boolean => window.filter(isGood).length >= MIN_GOOD_SOURCES

export interface ForcedRows {
  readonly rows: readonly DiaForcedSource[]
  /** How many deserved a row and were not measured: born after the worker had preloaded. */
  readonly unmeasured: number
}

/**
 * Picks from what the worker measured (at every preloaded object and at each of its own detections) the rows that the rule above asks
 * for: one per object, at the preloaded position where there is one, else at the object's detection in this image.
 *
 * @param deserving ids of the qualifying objects on the image
 * @param objectOfSource object of each stored source of this image
 */
export function forcedRows(
  result: PipelineResult,
  deserving: ReadonlySet<bigint>,
  objectOfSource: ReadonlyMap<bigint, bigint>,
  committedAtMjdTai: number,
): ForcedRows {
  const measured = new Map<bigint, ForcedPhotometry>()
  const atOwnFirst = [...result.forced].sort((a, b) => Number(a.diaObjectId !== null) - Number(b.diaObjectId !== null))
  for (const photometry of atOwnFirst) {
    const object = photometry.diaObjectId ?? objectOfSource.get(photometry.diaSourceId!)
    if (object !== undefined && deserving.has(object)) measured.set(object, photometry)
  }
  const ids = [...measured.keys()].sort((a, b) => (a < b ? -1 : 1))
  return {
    rows: ids.map((id, i) => toRow(result, id, measured.get(id)!, i + 1, committedAtMjdTai)),
    unmeasured: [...deserving].filter(id => !measured.has(id)).length,
  }
}

const toRow = (
  { visit, detector, band, midpointMjdTai }: PipelineResult,
  diaObjectId: bigint,
  { ra, dec, psfFlux, psfFluxErr, scienceFlux, scienceFluxErr }: ForcedPhotometry,
  counter: number,
  committedAtMjdTai: number,
): DiaForcedSource => ({
  diaForcedSourceId: diaSourceId(visit!, detector, counter),
  diaObjectId,
  ra,
  dec,
  visit: visit!,
  detector,
  psfFlux,
  psfFluxErr,
  midpointMjdTai: midpointMjdTai!,
  scienceFlux,
  scienceFluxErr,
  band,
  timeProcessedMjdTai: committedAtMjdTai,
  timeWithdrawnMjdTai: null,
})
