import { writeFits, type HeaderValue } from '../../pipeline/images/fits.ts'
import { nameInKeys } from '../../topology/instruments.ts'
import { mjdTaiOfInstant } from '../../topology/model/time.ts'
import { buildRawKey } from '../../topology/raw-key.ts'
import { OVERSCAN_COLUMNS, SATURATION_ADU, type AmplifierRaw, type Chip } from './detector.ts'
import { wcsHeader } from './headers.ts'
import { isoTai, type DetectorPlan, type ExposurePlan, type NightPlan, type VisitPlan } from './plan.ts'
import { trueWcs } from './pixels.ts'

export type PrimaryHeader = Readonly<Record<string, HeaderValue>>

/** The primary header of a raw; its sidecar is the same as JSON. Times are TAI, angles ICRS degrees. */
export function primaryHeader(
  plan: NightPlan,
  visit: VisitPlan,
  exposure: ExposurePlan,
  detector: DetectorPlan,
): PrimaryHeader {
  const { instrument, options, filter } = plan
  const name = nameInKeys(
    instrument,
    instrument.detectors.find(it => it.id === detector.id)!,
  )
  const [raft, slot] = name.split('_') as [string, string]
  const wcs = trueWcs(detector, visit)
  const [x, y] = visit.wcsError
  return {
    INSTRUME: instrument.name,
    GROUPID: visit.group,
    CURINDEX: exposure.snap + 1,
    MAXINDEX: visit.nimages,
    RAFTBAY: raft,
    CCDSLOT: slot,
    OBSID: `${instrument.code}_O_${visit.dayObs}_${String(exposure.sequence).padStart(6, '0')}`,
    DAYOBS: String(visit.dayObs),
    SEQNUM: exposure.sequence,
    CONTRLLR: 'O',
    IMGTYPE: 'OBJECT',
    // Of a visit without a reason the header says an empty one.
    REASON: visit.index % 3 === 0 ? '' : `pair_${visit.index % 3}`,
    OBJECT: `field-${options.seed}`,
    FILTER: filter,
    RA: visit.actual.ra,
    DEC: visit.actual.dec,
    ROTPA: visit.actual.rotation,
    EXPTIME: options.exposure,
    TIMESYS: 'TAI',
    'DATE-BEG': isoTai(exposure.opensAt),
    'DATE-END': isoTai(exposure.closesAt),
    'MJD-BEG': mjdTaiOfInstant(exposure.opensAt),
    'MJD-END': mjdTaiOfInstant(exposure.closesAt),
    DETSIZE: `[1:${options.size},1:${options.size}]`,
    ...wcsHeader({ ...wcs, crpix: [wcs.crpix[0] + x, wcs.crpix[1] + y] }),
  }
}

/** The object key of a raw. */
export const rawKeyOf = (plan: NightPlan, visit: VisitPlan, exposure: ExposurePlan, detector: DetectorPlan): string =>
  buildRawKey({
    family: 'lsst',
    instrument: plan.instrument.name,
    detector: detector.id,
    exposure: exposure.id,
    dayObs: visit.dayObs,
    sequence: exposure.sequence,
    controller: 'O',
    extension: 'fits',
  })

/** The raw as FITS: a header without data, then one extension per amplifier, overscan columns on its right. */
export function rawFits(header: PrimaryHeader, chip: Chip, raws: readonly AmplifierRaw[]): Uint8Array {
  const { size } = chip
  const extensions = raws.map((image, i) => {
    const { name, x0, x1, gain, readNoise } = chip.amplifiers[i]!
    const columns = x1 - x0
    return {
      header: {
        EXTNAME: name,
        DATASEC: `[1:${columns},1:${size}]`,
        BIASSEC: `[${columns + 1}:${columns + OVERSCAN_COLUMNS},1:${size}]`,
        DETSEC: `[${x0 + 1}:${x1},1:${size}]`,
        GAIN: gain,
        RDNOISE: readNoise,
        SATURATE: SATURATION_ADU,
      },
      image,
    }
  })
  return writeFits([{ header }, ...extensions])
}

/** A raw without pixels: its header alone. */
export const headerFits = (header: PrimaryHeader): Uint8Array => writeFits([{ header }])

/** The sidecar: the primary header as a flat JSON object. */
export const sidecarBytes = (header: PrimaryHeader): Uint8Array => new TextEncoder().encode(JSON.stringify(header))
