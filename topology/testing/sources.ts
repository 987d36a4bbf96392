import type { DiaSource, PipelineResult } from '../../schemas/avro/generated.ts'
import { type ContractName, wholeSchema } from '../../schemas/schemas.ts'
import { diaSourceId } from '../identifiers.ts'

/** A record: null where the contract allows it, else zero. */
export const blank = (name: ContractName): Record<string, unknown> =>
  Object.fromEntries(
    wholeSchema(name).fields!.map(({ name: field, type }) => [
      field,
      Array.isArray(type) ? null : type === 'long' ? 0n : 0,
    ]),
  )

const blankSource = blank('lsst.v11_1.diaSource')

/** Well measured, r band, of visit 2026112100042 and detector 0 unless told otherwise. */
export function source(counter: number, ra: number, dec: number, more: Partial<DiaSource> = {}): DiaSource {
  const visit = more.visit ?? 2026112100042n
  const detector = more.detector ?? 0
  return {
    ...blankSource,
    diaSourceId: diaSourceId(visit, detector, counter),
    visit,
    detector,
    midpointMjdTai: 61365.1,
    ra,
    dec,
    band: 'r',
    psfFlux: 1000,
    psfFluxErr: 50,
    apFlux: 1100,
    apFluxErr: 80,
    scienceFlux: 1500,
    scienceFluxErr: 60,
    reliability: 0.9,
    trailLength: 0.1,
    glint_trail: false,
    isDipole: false,
    ...more,
  } as DiaSource
}

/** A success of LATISS detector 0 with these sources, their stamps of ten bytes each one after the other. */
export function pipelineResult(sources: readonly DiaSource[], more: Partial<PipelineResult> = {}): PipelineResult {
  const span = (i: number) => ({ offset: BigInt(i * 10), length: 10 })
  return {
    instrument: 'LATISS',
    group: '2026-11-22T03:00:00.000',
    detector: 0,
    attempt: 0,
    epoch: 1,
    worker: 'w',
    outcome: 'succeeded',
    reason: null,
    detail: null,
    pipeline: 'SingleFrame',
    visit: 2026112100042n,
    exposures: [2026112100042n],
    band: 'r',
    midpointMjdTai: 61365.1,
    exposureTime: 30,
    width: 4072,
    height: 4000,
    boundary: [
      { ra: 29.85, dec: -20.15 },
      { ra: 30.15, dec: -20.15 },
      { ra: 30.15, dec: -19.85 },
      { ra: 29.85, dec: -19.85 },
    ],
    observationReason: null,
    targetName: null,
    ephemerides: [],
    sources,
    forced: [],
    cutoutBucket: 'products',
    cutoutKey: 'cutouts/0',
    cutouts: sources.map(({ diaSourceId: id }, i) => ({
      diaSourceId: id,
      difference: span(3 * i),
      science: span(3 * i + 1),
      template: span(3 * i + 2),
    })),
    products: [],
    metrics: {},
    leasedAt: null,
    finishedAt: null,
    ...more,
  }
}
