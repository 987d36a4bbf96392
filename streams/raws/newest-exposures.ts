import type { Instant } from '../../topology/model/time.ts'
import type { Bucket, ListedObject } from './bucket.ts'

/**
 * Sequence numbers grow with time, so behind an exposure that is too old all are; but one that was numbered by hand, or copied in before
 * the night with a high number, must not hide the others: only so many in a row end the search.
 */
const OLD_IN_A_ROW = 5

/**
 * The objects of a night's folder that were modified at `since` or later, exposure by exposure, backwards from the newest of each
 * controller. Folders first: one page for a night of a thousand exposures.
 */
export async function* newestExposures(
  bucket: Bucket,
  rawBucket: string,
  folder: string,
  since: Instant,
): AsyncGenerator<readonly ListedObject[], void, undefined> {
  for (const exposures of (await foldersByController(bucket, rawBucket, folder)).values()) {
    let old = 0
    for (const prefix of exposures.sort().reverse()) {
      const objects: ListedObject[] = []
      for await (const object of bucket.list(rawBucket, prefix)) objects.push(object)
      const recent = objects.filter(object => object.lastModified >= since)
      if (recent.length > 0) yield recent
      if (objects.length > 0) old = recent.length === 0 ? old + 1 : 0
      if (old === OLD_IN_A_ROW) break
    }
  }
}

/** `MC_O_20220321_000004` → its series `MC_O`: each controller counts for itself. */
async function foldersByController(bucket: Bucket, rawBucket: string, folder: string): Promise<Map<string, string[]>> {
  const series = new Map<string, string[]>()
  for await (const prefix of bucket.folders(rawBucket, folder)) {
    const controller = prefix.slice(folder.length).split('_').slice(0, 2).join('_')
    series.set(controller, [...(series.get(controller) ?? []), prefix])
  }
  return series
}
