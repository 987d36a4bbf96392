import type { DetectorVisit, RawArrival } from '../../schemas/avro/generated.ts'
import { unitKey } from '../identifiers.ts'
import { announcementAt, NIGHT } from './announcements.ts'

/** One unit of a LATISS visit, and records about it; its window closes a hundred seconds after it was announced. */
export const UNIT = unitKey('LATISS', announcementAt(NIGHT).group, 0)
export const DEADLINE = NIGHT + 100_000

export const unitVisit = (nimages: number, more: Partial<DetectorVisit> = {}): DetectorVisit => ({
  kind: 'announced',
  detector: 0,
  announcement: announcementAt(NIGHT, { nimages }),
  verdict: 'wanted',
  reason: null,
  pipelines: ['ApPipe', 'SingleFrame', 'Isr'],
  deadline: DEADLINE,
  ...more,
})

export const withdrawnVisit = (nimages: number): DetectorVisit =>
  unitVisit(nimages, { kind: 'withdrawn', reason: 'the observatory cancelled the group', pipelines: [] })

/** The raw of one snap; `sequence` tells exposures apart. */
export function rawOf(snap: number, sequence = snap + 1): RawArrival {
  const obsid = `AT_O_20260224_${String(sequence).padStart(6, '0')}`
  return {
    instrument: 'LATISS',
    group: announcementAt(NIGHT).group,
    detector: 0,
    snap,
    exposure: 2026022400000n + BigInt(sequence),
    bucket: 'rubin-summit',
    key: `LATISS/20260224/${obsid}/${obsid}_R00_S00.fits`,
    size: 1024n,
    eTag: null,
  }
}
