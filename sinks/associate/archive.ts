/** What the archive needs of an object store. */
export interface Archive {
  get(bucket: string, key: string): Promise<Buffer>
  put(bucket: string, key: string, bytes: Uint8Array): Promise<unknown>
  /** Undefined where there is no such object. */
  head(bucket: string, key: string): Promise<unknown>
  /** In the order of keys; `startAfter`: only those beyond it. */
  list(bucket: string, prefix: string, startAfter?: string): AsyncIterable<{ readonly key: string }>
}

/** What was committed to the APDB, when, and from which report. */
export interface Commit {
  readonly unit: string
  readonly attempt: number
  readonly epoch: number
  readonly committedAtMjdTai: number
  readonly diaSources: number
  readonly diaObjects: number
}

/** What was withdrawn from the APDB after its commit; the id in decimal. */
export interface Retraction {
  readonly diaSourceId: string
  readonly timeWithdrawnMjdTai: number
}

/**
 * Everything lies under one folder:
 *
 * rebuild/results/<unit>/<attempt>-<epoch>.avro.gz   a report as the worker sent it, in the registry's wire format
 * rebuild/schemas/<id>.json                          the schema that those bytes name, so that the archive outlives the registry
 * rebuild/commits/<MJD TAI>/<unit>@<attempt>.json    what was committed when, and from which report
 * rebuild/retractions/<diaSourceId>.json             that a source was withdrawn, and when
 *
 * Example: `rebuild/commits/61365.104166666664/LATISS/2026-11-22T03:00:00.000/0@0.json`.
 */
const ROOT = 'rebuild'

export const resultKey = (unit: string, attempt: number, epoch: number): string =>
  `${ROOT}/results/${unit}/${attempt}-${epoch}.avro.gz`

export const schemaKey = (id: number): string => `${ROOT}/schemas/${id}.json`

export const RETRACTIONS = `${ROOT}/retractions/`
export const retractionKey = (diaSourceId: bigint): string => `${RETRACTIONS}${diaSourceId}.json`

export const COMMITS = `${ROOT}/commits/`

/**
 * Names of commits sort as their times do, so a listing is in the order of the commits: five digits before the point (until the year
 * 2132) and twelve behind it, which is every digit that a double of this size has.
 */
export const commitKey = (committedAtMjdTai: number, unit: string, attempt: number): string =>
  `${COMMITS}${committedAtMjdTai.toFixed(12).padStart(18, '0')}/${unit}@${attempt}.json`
