import type { Event, Out } from '../../topology/model/step.ts'
import { Rejection, to } from '../../topology/model/step.ts'
import { unitKey } from '../../topology/identifiers.ts'
import { parseRawKey, sidecarKey } from '../../topology/raw-key.ts'
import { rawArrival } from '../../topology/streams.ts'
import { isCreation, type Notification, type StoredObject } from '../../schemas/json/s3-notification.ts'
import { groupOf, type Sidecars } from './sidecars.ts'

export interface Intake {
  readonly out: readonly Out[]
  readonly park: readonly { readonly code: string; readonly reason: string }[]
}

/**
 * The effect `raw-intake`: an object-store event becomes the arrivals of the raws it names, each keyed by its unit.
 * One notification may hold many records, and each is judged alone: a bad one is parked, its neighbours go on.
 * Some stores notify of everything they hold, products and calibrations too: only `rawBucket` is looked at.
 */
export const rawIntake =
  (sidecars: Sidecars, rawBucket: string) =>
  async (event: Event): Promise<Intake> => {
    const { records } = event.value as Notification
    const answers = await Promise.all(
      records.map(async record => {
        if (!record.ok) return { park: { code: 'bad-notification-record', reason: record.reason } }
        try {
          return { out: record.bucket === rawBucket ? await arrivalOf(record, sidecars) : undefined }
        } catch (error) {
          if (error instanceof Rejection) return { park: { code: error.code, reason: error.message } }
          throw error
        }
      }),
    )
    return {
      out: answers.flatMap(answer => answer.out ?? []),
      park: answers.flatMap(answer => answer.park ?? []),
    }
  }

/** Nothing for objects that are rightly in the bucket and are no raws: sidecars, guiders, deletions. */
async function arrivalOf(object: StoredObject, sidecars: Sidecars): Promise<Out | undefined> {
  if (!isCreation(object)) return undefined
  const { bucket, key, size, eTag } = object
  const parsed = parseRawKey(key)
  if (parsed.kind === 'skip') return undefined
  if (parsed.kind === 'refused') throw new Rejection(parsed.code, parsed.reason)
  const { raw } = parsed
  const { group, snap } = groupOf(raw) ?? (await sidecars.read(bucket, sidecarKey(key)))
  return to(rawArrival, unitKey(raw.instrument, group, raw.detector), {
    instrument: raw.instrument,
    group,
    detector: raw.detector,
    snap,
    exposure: raw.exposure,
    bucket,
    key,
    size: size === undefined ? null : BigInt(size),
    eTag: eTag ?? null,
  })
}
