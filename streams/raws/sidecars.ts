import { Rejection } from '../../topology/model/step.ts'
import type { RawKey } from '../../topology/raw-key.ts'
import { type Bucket, isNotFound } from './bucket.ts'

/** Which group and snap an exposure belongs to: the key of an LSST raw does not say, its sidecar does. */
export interface GroupAndSnap {
  readonly group: string
  /** From 0. */
  readonly snap: number
}

export interface SidecarOptions {
  readonly bucket: Bucket
  /** How often an absent sidecar is looked for, and how long between. It normally lands before its image. */
  readonly tries: number
  readonly pauseMs: number
  readonly pause: (ms: number) => Promise<void>
  /** Exposures remembered; a night has a thousand. */
  readonly capacity: number
}

/** Learns group and snap once per exposure: 189 detectors of one exposure ask for the same answer. */
export interface Sidecars {
  /**
   * @param key of the sidecar. The answer is remembered under its folder, which is the exposure's: controllers number alike, so that of
   * MC_O_20261122_000004 and MC_C_20261122_000004 both have exposure id 2026112200004, and may belong to different groups.
   * @throws Rejection `sidecar-missing` when it never appeared, `sidecar-unreadable` when it is not what it should be.
   */
  read(bucket: string, key: string): Promise<GroupAndSnap>
}

/** Group and snap where the key itself holds them; undefined where only the sidecar knows. */
export const groupOf = (raw: RawKey): GroupAndSnap | undefined =>
  raw.family === 'group' ? { group: raw.group, snap: raw.snap } : undefined

export function sidecars(options: SidecarOptions): Sidecars {
  const known = new Map<string, Promise<GroupAndSnap>>()
  const ask = (id: string, bucket: string, key: string): Promise<GroupAndSnap> => {
    const answer = fetchSidecar(options, bucket, key)
    known.set(id, answer)
    // A failure is not remembered: another detector's sidecar of the exposure may well be there.
    answer.catch(() => known.get(id) === answer && known.delete(id))
    if (known.size > options.capacity) known.delete(known.keys().next().value!)
    return answer
  }
  return {
    read: async (bucket, key) => {
      const id = `${bucket}/${key.slice(0, key.lastIndexOf('/'))}`
      const shared = known.get(id)
      if (!shared) return ask(id, bucket, key)
      try {
        return await shared
      } catch (error) {
        // Whoever was asked for all of them has no sidecar of its own: that says nothing about ours.
        if (!(error instanceof Rejection)) throw error
        return ask(id, bucket, key)
      }
    },
  }
}

async function fetchSidecar(options: SidecarOptions, bucket: string, key: string): Promise<GroupAndSnap> {
  for (let tried = 1; ; tried++) {
    try {
      return parseSidecar(await options.bucket.get(bucket, key), key)
    } catch (error) {
      if (!isNotFound(error)) throw error
      if (tried >= options.tries) {
        const waited = ((options.tries - 1) * options.pauseMs) / 1000
        throw new Rejection(
          'sidecar-missing',
          `${bucket}/${key} did not appear within ${waited} s: the raw's group is unknown`,
        )
      }
      await options.pause(options.pauseMs)
    }
  }
}

/** Reads GROUPID and the 1-based CURINDEX; an image without them can belong to no visit. */
export function parseSidecar(bytes: Uint8Array, key: string): GroupAndSnap {
  const refuse = (why: string) => new Rejection('sidecar-unreadable', `${key}: ${why}`)
  let header: unknown
  try {
    header = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    throw refuse('not JSON')
  }
  if (typeof header !== 'object' || header === null) throw refuse('not a JSON object of header cards')
  const { GROUPID: group, CURINDEX: index } = header as Record<string, unknown>
  if (typeof group !== 'string' || group === '') throw refuse('GROUPID is missing or empty; it names the visit')
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 1) {
    throw refuse(`CURINDEX is ${JSON.stringify(index)}; allowed are the integers from 1`)
  }
  return { group, snap: index - 1 }
}
