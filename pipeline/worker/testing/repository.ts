import type { Announcement } from '../../../schemas/avro/generated.ts'
import { geometryOf } from '../../../topology/camera.ts'
import { unitKey } from '../../../topology/identifiers.ts'
import { instruments } from '../../../topology/instruments.ts'
import type { ImageOutputs } from '../../images/pipeline.ts'
import type { KnownObject, Lease, ObjectStore } from '../ports.ts'
import { calibrationCache, type PreloadContext } from '../preload.ts'
import { calibrationPrefix, templateIndexKey } from '../repository.ts'
import type { RunContext } from '../run-unit.ts'
import type { PipelineJob } from '../thread.ts'

const camera = instruments.get('LSSTComCam')!
export const RED = 'r_03'
export const GREEN = 'g_01'
/** Keys of what is there: valid through 2026, TAI. */
export const biasOf = (detector: number) =>
  `${calibrationPrefix('bias', camera.name, detector, '')}20260101T000000_20270101T000000.fits`
export const flatOf = (filter: string, detector: number) =>
  `${calibrationPrefix('flat', camera.name, detector, filter)}20260101T000000_20270101T000000.fits`
export const TEMPLATE = 'template.fits'
export const KNOWN: KnownObject = { diaObjectId: 7n, ra: 10, dec: -20 }

export const outputs: ImageOutputs = {
  ...{ boundary: [], width: 1, height: 1, midpointMjdTai: 61000, exposureTime: 15, sources: [], forced: [] },
  ...{ cutouts: [], products: [], metrics: {} },
}

/** Nothing of the solar system is anywhere near. */
export const emptySky = {
  ephemerides: { of: async () => ({ bodies: [], faults: [] }) },
  ephemerisTimeoutMs: 1000,
} satisfies Partial<PreloadContext>

/** A leased unit of LSSTComCam at RA 10, declination −20, in 2026; it has one raw, whose key is the unit's with `.raw` behind it. */
export function leaseOf(group: string, detector: number, more: Partial<Announcement> = {}): Lease {
  const instrument = camera.name
  const unit = unitKey(instrument, group, detector)
  const announcement: Announcement = {
    ...{ instrument, group, salIndex: 1, scriptSalIndex: 1, ra: 10, dec: -20, rotation: 0, dome: 'OPEN', filters: RED },
    ...{ duration: 20, nimages: 1, survey: 's', totalCheckpoints: 1, startTimeTai: 0 },
    ...{ publishedAt: Date.UTC(2026, 10, 22), ...more },
  }
  const raw = { instrument, group, detector, snap: 0, exposure: 2026112200001n, bucket: 'raw', key: `${unit}.raw` }
  return {
    ...{ unit, announcement, detector, pipelines: ['ApPipe', 'SingleFrame', 'Isr'], deadline: 1 },
    ...{ epoch: 1, attempt: 0, raws: [{ at: 5, raw: { ...raw, size: null, eTag: null } }], at: 5, leasedAt: 6 },
  }
}

/**
 * What a worker sees of the world: a store with the bias of two detectors, their flats in two filters and a template in one, a history with one
 * object, and a thread that remembers its jobs. Every object holds its own key as text, so that whoever was given it can say what it is.
 */
export function memoryRepository() {
  const index = templateIndexKey(camera.name, 'r')
  const corners = [9, 11].flatMap(ra => [-21, -19].map(dec => [ra, dec]))
  const objects = new Map([[index, JSON.stringify({ templates: [{ key: TEMPLATE, corners }] })]])
  for (const detector of [0, 1])
    for (const key of [biasOf(detector), flatOf(RED, detector), flatOf(GREEN, detector)]) objects.set(key, key)
  const reads: string[] = []
  const jobs: PipelineJob[] = []
  let fault = (_key: string): boolean => false
  const get = async (_bucket: string, key: string) => {
    reads.push(key)
    if (fault(key)) throw new Error(`503 at ${key}`)
    return Buffer.from(objects.get(key) ?? key)
  }
  const store: ObjectStore = {
    get,
    getShared: get,
    put: async (_bucket, _key, bytes) => ({ size: bytes.length, sha256: 'd' }),
    async *list(_bucket, prefix) {
      await Promise.resolve()
      for (const key of objects.keys()) if (key.startsWith(prefix)) yield { key }
    },
  }
  const preload: PreloadContext = {
    ...{ store, bucket: 'central', paddingArcsec: 30, cache: calibrationCache(10) },
    history: { objectsIn: async () => [KNOWN] },
    ...emptySky,
    geometry: (_instrument, detector) => geometryOf(camera, camera.detectors[detector]!),
  }
  const run: RunContext = {
    ...{ worker: 'w', store, bucket: 'central', deployment: 'd', deadlineMs: 1000, paddingArcsec: 30, now: () => 7 },
    thread: { run: async job => (jobs.push(job), { outputs }), close: async () => {} },
  }
  return { preload, run, reads, jobs, failOn: (whether: typeof fault) => (fault = whether) }
}

/** What bytes of this repository hold. */
export const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString('utf8')
