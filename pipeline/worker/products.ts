import type { Product, SourceCutouts } from '../../schemas/avro/generated.ts'
import { outputRun, parseExposureId } from '../../topology/identifiers.ts'
import type { ImageOutputs } from '../images/pipeline.ts'
import type { Lease, ObjectStore } from './ports.ts'

/**
 * Everything an attempt writes lies under its own prefix, which names its lease: a retry can neither overwrite nor be
 * mistaken for it. `LATISS/prompt/output-2026-11-22/ApPipe/<deployment>/<group>/0/a0-e1/`.
 */
export const attemptPrefix = (lease: Lease, visit: bigint, pipeline: string, deployment: string): string =>
  `${outputRun(lease.announcement.instrument, parseExposureId(visit).dayObs, pipeline, deployment)}/` +
  `${lease.announcement.group}/${lease.detector}/a${lease.attempt}-e${lease.epoch}/`

/** Stores the pipeline's files. Products are listed in the order of the pipeline, by (type, key). */
export const storeProducts = (
  store: Pick<ObjectStore, 'put'>,
  bucket: string,
  prefix: string,
  products: ImageOutputs['products'],
): Promise<Product[]> =>
  Promise.all(
    products.map(async ({ datasetType, bytes }) => {
      const key = `${prefix}${datasetType}.fits`
      return { datasetType, bucket, key, ...(await stored(store, bucket, key, bytes)) }
    }),
  )

const stored = async (store: Pick<ObjectStore, 'put'>, bucket: string, key: string, bytes: Uint8Array) => {
  const { size, sha256 } = await store.put(bucket, key, bytes)
  return { size: BigInt(size), sha256 }
}

/**
 * All stamps of a unit as one object, with the byte span of each: three objects per source would be thirty thousand
 * small writes a visit. Publish reads the spans by range; the object is kept as long as the rows that point into it.
 */
export async function storeCutouts(
  store: Pick<ObjectStore, 'put'>,
  bucket: string,
  prefix: string,
  cutouts: ImageOutputs['cutouts'],
): Promise<{ key: string; spans: SourceCutouts[] } | undefined> {
  if (cutouts.length === 0) return undefined
  const parts: Uint8Array[] = []
  let offset = 0
  const span = (bytes: Uint8Array) => {
    const at = { offset: BigInt(offset), length: bytes.length }
    parts.push(bytes)
    offset += bytes.length
    return at
  }
  const spans = cutouts.map(c => ({
    diaSourceId: c.diaSourceId,
    difference: span(c.difference),
    science: span(c.science),
    template: span(c.template),
  }))
  const key = `${prefix}cutouts.bin`
  await store.put(bucket, key, Buffer.concat(parts))
  return { key, spans }
}
