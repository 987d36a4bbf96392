import type { Announcement, PipelineResult, UsedRaw } from '../../schemas/avro/generated.ts'
import { angle, ARCSEC, vectorOf } from '../../topology/sphere.ts'
import { type Header, primaryHeader } from '../images/fits.ts'

/** A raw as the ledger names it, and its bytes. */
export interface Snap {
  readonly used: UsedRaw
  readonly bytes: Uint8Array
}

export interface Gated {
  /** What the pipeline may run on, in the order of the snaps. */
  readonly kept: readonly Snap[]
  /** One sentence per snap that was dropped. */
  readonly rejected: readonly string[]
  /** One sentence per snap that was kept although something about it is not as announced. */
  readonly remarks: readonly string[]
}

/** Degrees that a sky angle may differ from the announced one (Rubin's limit): a detector at the edge moves by a tenth of its side. */
export const MOST_DEGREES = 1

/**
 * Drops the exposures that were taken under another rotation than announced: the detector then looks elsewhere than it was prepared for,
 * and its templates are wrong. Without an announced rotation nothing is dropped. A pointing that is off by more than the preloaded margin is
 * only remarked: what was measured is right, and what the missing templates cost is in the metrics. The filter is the pipeline's to refuse.
 *
 * Worked example: announced 359.6°, taken at 0.3° is 0.7° apart and kept; announced 42°, taken at −45° is dropped.
 *
 * @param marginArcsec how far the preload reached beyond the detector's edge
 */
export function passGate(announcement: Announcement, snaps: readonly Snap[], marginArcsec: number): Gated {
  const kept: Snap[] = []
  const rejected: string[] = []
  const remarks: string[] = []
  for (const snap of snaps) {
    const header = headerOf(snap)
    const { exposure } = snap.used.raw
    const why = header && rotationFault(announcement, header)
    if (why === undefined) kept.push(snap)
    else rejected.push(`exposure ${exposure}: ${why}`)
    const remark = header && why === undefined ? pointingRemark(announcement, header, marginArcsec) : undefined
    if (remark !== undefined) remarks.push(`exposure ${exposure}: ${remark}`)
  }
  return { kept, rejected, remarks }
}

/** Undefined for what is no FITS: the pipeline says so, and better. */
function headerOf({ bytes }: Snap): Header | undefined {
  try {
    return primaryHeader(bytes)
  } catch {
    return undefined
  }
}

/** What the scheduler said of an exposure, null where it said nothing: REASON and OBJECT of the header, as Rubin's alerts have them. */
export function wordsOf(snap: Snap): Pick<PipelineResult, 'observationReason' | 'targetName'> {
  const header = headerOf(snap)
  const text = (key: string) => {
    const value = header?.get(key)
    return (typeof value === 'string' && value.trim()) || null
  }
  return { observationReason: text('REASON'), targetName: text('OBJECT') }
}

function rotationFault({ rotation }: Announcement, header: Header): string | undefined {
  if (rotation === null) return undefined
  const taken = header.get('ROTPA')
  const announced = `${rotation.toFixed(2)}° was announced, and at most ${MOST_DEGREES}° apart is allowed`
  if (typeof taken !== 'number') return `its header has no sky angle (ROTPA); ${announced}`
  if (degreesApart(taken, rotation) <= MOST_DEGREES) return undefined
  return `its sky angle (ROTPA) is ${taken.toFixed(2)}°; ${announced}`
}

/** Between two directions given in degrees, however many turns they hold: 0 to 180. */
export function degreesApart(a: number, b: number): number {
  const turned = Math.abs(a - b) % 360
  return Math.min(turned, 360 - turned)
}

function pointingRemark({ ra, dec }: Announcement, header: Header, marginArcsec: number): string | undefined {
  const [takenRa, takenDec] = [header.get('RA'), header.get('DEC')]
  if (ra === null || dec === null || typeof takenRa !== 'number' || typeof takenDec !== 'number') return undefined
  const off = angle(vectorOf(ra, dec), vectorOf(takenRa, takenDec)) / ARCSEC
  if (off <= marginArcsec) return undefined
  return (
    `it points ${off.toFixed(0)}″ from where it was announced; the preload reached ${marginArcsec}″ beyond the detector, ` +
    'so templates and known objects may be missing at its edge'
  )
}
