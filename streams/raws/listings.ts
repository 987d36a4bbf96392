import type { FoundRaw } from '../../schemas/avro/generated.ts'
import { instruments, namesInKeys } from '../../topology/instruments.ts'
import { Rejection } from '../../topology/model/step.ts'
import type { Instant } from '../../topology/model/time.ts'
import { parseRawKey, sidecarKey, unitPrefix } from '../../topology/raw-key.ts'
import type { Bucket, ListedObject } from './bucket.ts'
import { newestExposures } from './newest-exposures.ts'
import { groupOf, type Sidecars } from './sidecars.ts'

export interface ListingOptions {
  readonly bucket: Bucket
  readonly rawBucket: string
  readonly sidecars: Sidecars
  readonly log: { warn(fields: object, message: string): void }
}

/** What is looked for: a unit, in a night of its instrument. */
export interface Wanted {
  readonly instrument: string
  readonly dayObs: number
  readonly group: string
  readonly detector: number
  /** Objects modified before this (ms UTC) are of no interest. */
  readonly since: Instant
}

/** What the raw bucket holds for a unit, among other things: of most cameras the whole night is listed. */
export interface Listings {
  of(wanted: Wanted): Promise<readonly FoundRaw[]>
}

/** Objects are stamped by the store's clock, in whole seconds at some stores: a little before the announcement counts. */
const SLACK_MS = 60_000

/**
 * One listing serves every unit that waits. A request must be answered by a listing that began after it came, since only
 * that one is sure to see an object modified before the deadline; so requests that come while a listing runs share the
 * next one. Worked example: 189 detectors ask within a second; the first starts a listing, the other 188 share a second.
 */
export function listings(options: ListingOptions): Listings {
  const waiting = new Map<string, { since: Instant; answer: Promise<readonly FoundRaw[]> }>()
  const running = new Map<string, Promise<unknown>>()
  const listingOf = (folder: string, since: Instant): Promise<readonly FoundRaw[]> => {
    const next = waiting.get(folder)
    if (next) {
      next.since = Math.min(next.since, since)
      return next.answer
    }
    const before = running.get(folder)?.catch(() => {}) ?? Promise.resolve()
    const entry = {
      since,
      answer: before.then(() => {
        waiting.delete(folder)
        const listing = list(options, folder, entry.since - SLACK_MS)
        running.set(folder, listing)
        // Forgotten when it is over, or ten years of nights would stay in memory.
        const forget = () => void (running.get(folder) === listing && running.delete(folder))
        listing.then(forget, forget)
        return listing
      }),
    }
    waiting.set(folder, entry)
    return entry.answer
  }
  return {
    of: async wanted => (await Promise.all(foldersOf(wanted).map(folder => listingOf(folder, wanted.since)))).flat(),
  }
}

/** Where the raws of a request lie: a night's folders, one per name that the camera has in keys; or, where the key names the group, the unit's own. */
function foldersOf({ instrument, dayObs, group, detector }: Wanted): readonly string[] {
  const camera = instruments.get(instrument)
  const own = camera && unitPrefix(camera, group, detector)
  return own ? [own] : namesInKeys(instrument).map(name => `${name}/${dayObs}/`)
}

async function list(options: ListingOptions, folder: string, since: Instant): Promise<FoundRaw[]> {
  const { bucket, rawBucket } = options
  const found: FoundRaw[] = []
  for await (const objects of newestExposures(bucket, rawBucket, folder, since)) {
    const raws = await Promise.all(objects.map(object => identify(options, object)))
    found.push(...raws.filter(raw => raw !== undefined))
  }
  return found
}

/** A raw whose sidecar is missing or unreadable belongs to no visit: it is said, and the other raws go on. */
async function identify(
  { rawBucket, sidecars, log }: ListingOptions,
  { key, lastModified, size }: ListedObject,
): Promise<FoundRaw | undefined> {
  const parsed = parseRawKey(key)
  if (parsed.kind !== 'raw') return undefined
  const { instrument, detector, exposure } = parsed.raw
  try {
    const { group, snap } = groupOf(parsed.raw) ?? (await sidecars.read(rawBucket, sidecarKey(key)))
    const raw = { instrument, group, detector, snap, exposure, bucket: rawBucket, key, size: BigInt(size), eTag: null }
    return { at: lastModified, raw }
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    log.warn({ key, code: error.code }, `listed raw left out: ${error.message}`)
    return undefined
  }
}
