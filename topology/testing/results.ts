import type { DetectorResult, Product } from '../../schemas/avro/generated.ts'
import { outputRun, parseExposureId } from '../identifiers.ts'
import { NIGHT } from './announcements.ts'

export const DEPLOYMENT = 'pipelines-cf62e06-config-8acfde6'

/** A file where the worker stores it, of the attempt's first lease. */
export function productOf(
  result: Pick<DetectorResult, 'instrument' | 'group' | 'detector' | 'attempt' | 'visit' | 'pipeline'>,
  datasetType: string,
  more: Partial<Product> = {},
): Product {
  const { instrument, group, detector, attempt, visit, pipeline } = result
  const run = outputRun(instrument, parseExposureId(visit!).dayObs, pipeline!, DEPLOYMENT)
  const key = `${run}/${group}/${detector}/a${attempt}-e1/${datasetType}.fits`
  return { datasetType, bucket: 'central', key, size: 1234n, sha256: `${visit}-${detector}-${datasetType}`, ...more }
}

/** A published unit of LATISS with two products, at midnight of its night; tests say what differs. */
export function ended(more: Partial<DetectorResult> = {}): DetectorResult {
  const visit = more.visit === undefined ? 2026022400042n : more.visit
  const result: DetectorResult = {
    instrument: 'LATISS',
    group: '2026-02-25T04:00:20.000',
    detector: 0,
    attempt: 0,
    state: 'published',
    inputs: 'complete',
    reason: null,
    detail: null,
    exposures: visit === null ? [] : [visit],
    pipeline: 'ApPipe',
    diaSources: 1,
    diaObjects: 1,
    alerts: 1,
    products: [],
    deadline: NIGHT + 190_000,
    announcedAt: NIGHT,
    lastRawAt: NIGHT + 60_000,
    readyAt: NIGHT + 60_250,
    leasedAt: NIGHT + 60_500,
    reportedAt: NIGHT + 65_500,
    terminalAt: NIGHT + 66_000,
    epoch: 1,
    committedAtMjdTai: 61365.1,
    ...more,
    visit,
  }
  const has = result.state === 'published' && visit !== null && more.products === undefined
  return has
    ? { ...result, products: ['difference_image', 'difference_kernel'].map(it => productOf(result, it)) }
    : result
}
