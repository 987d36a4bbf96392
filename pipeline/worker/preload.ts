import { setTimeout as sleep } from 'node:timers/promises'
import type { Ephemeris } from '../../schemas/avro/generated.ts'
import { detectorPolygon, type Geometry } from '../../topology/camera.ts'
import { bandOf, instruments } from '../../topology/instruments.ts'
import { taiSecondsOfInstant } from '../../topology/model/time.ts'
import { near } from './ephemerides.ts'
import { counted } from './counted.ts'
import type { Ephemerides, History, KnownObject, ObjectStore, SkyPosition, UnitToPreload } from './ports.ts'
import { calibrationPrefix, findCalibration, overlappingTemplates, templateIndexKey } from './repository.ts'

/** What a unit needs besides its raws. Missing parts are named, so that the choice of pipeline can say why. */
export interface Preloaded {
  readonly band: string
  readonly bias: Uint8Array | undefined
  readonly flat: Uint8Array | undefined
  readonly templates: readonly Uint8Array[]
  readonly objects: readonly KnownObject[]
  /** Keys that were read: the run's lineage. */
  readonly inputs: readonly string[]
  /** One sentence per thing that was looked for and not found. */
  readonly missing: readonly string[]
  /** Known bodies of the solar system near the detector; null where nobody could tell. */
  readonly ephemerides: readonly Ephemeris[] | null
  /** One sentence per thing that is not as it should be and hinders no pipeline. */
  readonly remarks: readonly string[]
}

export interface PreloadContext {
  readonly store: Pick<ObjectStore, 'get' | 'getShared' | 'list'>
  readonly history: History
  readonly ephemerides: Ephemerides
  /** How long ephemerides are waited for; 0: they are not asked for. */
  readonly ephemerisTimeoutMs: number
  readonly bucket: string
  /** Where a detector sits and how large it is; undefined where that is not known. */
  readonly geometry: (instrument: string, detector: number) => Geometry | undefined
  /** Arcseconds by which the predicted region is widened on every side: slews miss, and objects sit on edges. */
  readonly paddingArcsec: number
  readonly cache: CalibrationCache
}

/** Calibrations are used night after night; templates and history are not worth keeping. */
export interface CalibrationCache {
  get(key: string): Uint8Array | undefined
  set(key: string, bytes: Uint8Array): void
  /** How many are kept. */
  readonly size: number
}

/** Keeps the `capacity` most recently used calibrations. */
export function calibrationCache(capacity: number): CalibrationCache {
  const kept = new Map<string, Uint8Array>()
  return {
    get size() {
      return kept.size
    },
    get: key => {
      const bytes = kept.get(key)
      if (bytes) {
        kept.delete(key)
        kept.set(key, bytes)
      }
      return bytes
    },
    set: (key, bytes) => {
      kept.delete(key)
      kept.set(key, bytes)
      for (const oldest of kept.keys()) {
        if (kept.size <= capacity) break
        kept.delete(oldest)
      }
    },
  }
}

/**
 * Reads everything that can be read before the raw arrives. A filter that is blank leaves flat and templates out, a
 * visit without position leaves templates and objects out: the pipelines that need them are then not runnable, and say so.
 */
export async function preload(unit: UnitToPreload, context: PreloadContext): Promise<Preloaded> {
  const { announcement, detector } = unit
  const { instrument, filters } = announcement
  const taiSeconds = taiSecondsOfInstant(announcement.publishedAt ?? unit.deadline)
  const inputs: string[] = []
  const missing: string[] = []

  const calibration = async (type: 'bias' | 'flat') => {
    const prefix = calibrationPrefix(type, instrument, detector, filters)
    const key = await findCalibration(context.store, context.bucket, prefix, taiSeconds)
    if (!key) {
      missing.push(`no ${type} under ${prefix} is valid at the visit's time`)
      return undefined
    }
    inputs.push(key)
    const cached = context.cache.get(key)
    if (cached) return cached
    const bytes = counted(await context.store.getShared(context.bucket, key))
    context.cache.set(key, bytes)
    return bytes
  }

  const polygon = predictedRegion(unit, context)
  if (!polygon) missing.push('where the detector looks is not known: no templates, no known objects, no ephemerides')
  const camera = instruments.get(instrument)
  const band = (camera && bandOf(camera, filters)) ?? ''
  if (!band) missing.push(`the filter "${filters}" belongs to no band: no flat, no templates`)

  const remarks: string[] = []
  const [bias, flat, templates, objects, ephemerides] = await Promise.all([
    calibration('bias'),
    band ? calibration('flat') : undefined,
    polygon && band ? templatesIn(polygon, instrument, band, context, inputs, missing) : [],
    polygon ? context.history.objectsIn(polygon) : [],
    polygon ? bodiesNear(polygon, unit, context, remarks) : null,
  ])
  return { band, bias, flat, templates, objects, inputs: inputs.sort(), missing, ephemerides, remarks }
}

function predictedRegion({ announcement, detector }: UnitToPreload, { geometry, paddingArcsec }: PreloadContext) {
  const { instrument, ra, dec, rotation } = announcement
  const place = geometry(instrument, detector)
  if (!place || ra === null || dec === null || rotation === null) return undefined
  return detectorPolygon(place, { ra, dec, rotation }, paddingArcsec)
}

/** A visit is never held up or lost for want of ephemerides: its bodies are then taken for new objects, and that is said. */
async function bodiesNear(
  polygon: readonly SkyPosition[],
  { announcement }: UnitToPreload,
  { ephemerides, ephemerisTimeoutMs: timeout }: PreloadContext,
  remarks: string[],
): Promise<readonly Ephemeris[] | null> {
  if (timeout === 0) return null
  const patience = new AbortController()
  try {
    const { bodies, faults } = await Promise.race([
      ephemerides.of(announcement.instrument, announcement.group),
      sleep(timeout, undefined, { signal: patience.signal }).then(() => {
        throw new Error(`no answer within ${timeout} ms`)
      }),
    ])
    if (faults.length > 0) remarks.push(`${faults.length} of ${bodies.length + faults.length} bodies cannot be used: ${faults[0]}`) // prettier-ignore
    return near(bodies, polygon)
  } catch (error) {
    remarks.push(`no ephemerides, so that known bodies count as new: ${(error as Error).message}`)
    return null
  } finally {
    patience.abort()
  }
}

async function templatesIn(
  polygon: readonly { ra: number; dec: number }[],
  instrument: string,
  band: string,
  { store, bucket }: PreloadContext,
  inputs: string[],
  missing: string[],
): Promise<Uint8Array[]> {
  const indexKey = templateIndexKey(instrument, band)
  let known = false
  for await (const { key } of store.list(bucket, indexKey)) known ||= key === indexKey
  const keys = known ? overlappingTemplates(await store.get(bucket, indexKey), indexKey, polygon) : []
  if (keys.length === 0) missing.push(`no template of band ${band} overlaps the detector`)
  inputs.push(...keys)
  return Promise.all(keys.map(async key => counted(await store.getShared(bucket, key))))
}
