import type { FoundRaw } from '../../schemas/avro/generated.ts'
import { instruments } from '../../topology/instruments.ts'
import { Rejection } from '../../topology/model/step.ts'
import type { Instant } from '../../topology/model/time.ts'
import { parseRawKey, sidecarKey } from '../../topology/raw-key.ts'
import type { Bucket, ListedObject } from './bucket.ts'
import { exposureOf, groupOf } from './exposure.ts'
import type { Sidecars } from './sidecars.ts'

export interface ListingOptions {
  readonly bucket: Bucket
  readonly rawBucket: string
  readonly sidecars: Sidecars
  readonly log: { warn(fields: object, message: string): void }
}

/** A night of an instrument, and how far back it matters. */
export interface NightFolder {
  readonly instrument: string
  readonly dayObs: number
  /** Objects modified before this (ms UTC) are of no interest. */
  readonly since: Instant
}

/** What the raw bucket holds for a night. */
export interface Listings {
  of(night: NightFolder): Promise<readonly FoundRaw[]>
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
  return {
    of: ({ instrument, dayObs, since }) => {
      const folder = nightPrefix(instrument, dayObs)
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
          const listing = listNight(options, folder, entry.since - SLACK_MS)
          running.set(folder, listing)
          // Forgotten when it is over, or ten years of nights would stay in memory.
          const forget = () => void (running.get(folder) === listing && running.delete(folder))
          listing.then(forget, forget)
          return listing
        }),
      }
      waiting.set(folder, entry)
      return entry.answer
    },
  }
}

/** Cameras that name the group in the key have no folder per night; they are listed whole. */
const nightPrefix = (instrument: string, dayObs: number): string =>
  instruments.get(instrument)?.keys === 'group' ? `${instrument}/` : `${instrument}/${dayObs}/`

/**
 * Sequence numbers grow with time, so behind an exposure that is too old all are; but one that was numbered by hand, or copied in before
 * the night with a high number, must not hide the others: only so many in a row end the search.
 */
const OLD_IN_A_ROW = 5

/** Folders first (one page for a night of a thousand exposures), then the files of the newest exposures, backwards. */
async function listNight(options: ListingOptions, folder: string, since: Instant): Promise<FoundRaw[]> {
  const found: FoundRaw[] = []
  for (const exposures of (await foldersByController(options, folder)).values()) {
    let old = 0
    for (const prefix of exposures.sort().reverse()) {
      const objects: ListedObject[] = []
      for await (const object of options.bucket.list(options.rawBucket, prefix)) objects.push(object)
      const recent = objects.filter(object => object.lastModified >= since)
      if (objects.length > 0) old = recent.length === 0 ? old + 1 : 0
      if (old === OLD_IN_A_ROW) break
      const raws = await Promise.all(recent.map(object => identify(options, object)))
      found.push(...raws.filter(raw => raw !== undefined))
    }
  }
  return found
}

/** `MC_O_20220321_000004` → its series `MC_O`: each controller counts for itself. */
async function foldersByController(
  { bucket, rawBucket }: ListingOptions,
  folder: string,
): Promise<Map<string, string[]>> {
  const series = new Map<string, string[]>()
  for await (const prefix of bucket.folders(rawBucket, folder)) {
    const controller = prefix.slice(folder.length).split('_').slice(0, 2).join('_')
    series.set(controller, [...(series.get(controller) ?? []), prefix])
  }
  return series
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
    const read = () => sidecars.read(exposureOf(parsed.raw), rawBucket, sidecarKey(key))
    const { group, snap } = groupOf(parsed.raw) ?? (await read())
    const raw = { instrument, group, detector, snap, exposure, bucket: rawBucket, key, size: BigInt(size), eTag: null }
    return { at: lastModified, raw }
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    log.warn({ key, code: error.code }, `listed raw left out: ${error.message}`)
    return undefined
  }
}
