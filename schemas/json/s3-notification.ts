import { parseJson } from './json.ts'
import { validator } from './validate.ts'

/** What happened to one object. */
export interface StoredObject {
  readonly ok: true
  readonly bucket: string
  /** Decoded: as the store itself names it. */
  readonly key: string
  readonly size?: number
  readonly eTag?: string
  /** Without the prefix `s3:` of older stores, for example `ObjectCreated:Put`. */
  readonly eventName: string
  /** As the store wrote it, ISO 8601. */
  readonly eventTime?: string
}
/** A record that says nothing usable, and why. */
export interface BadRecord {
  readonly ok: false
  readonly reason: string
}
export interface Notification {
  readonly records: readonly (StoredObject | BadRecord)[]
}

/** JSON that is no object-store notification; the sentence says what is wrong. */
export class NotANotificationError extends Error {
  override name = 'NotANotificationError'
}

/** The object exists since this event: `Put`, `Post`, `Copy` and `CompleteMultipartUpload` alike; deletions and the rest are no arrivals. */
export const isCreation = (object: StoredObject): boolean => object.eventName.startsWith('ObjectCreated:')

export const MAX_RECORDS = 1000

const misfit = validator({
  type: 'object',
  required: ['eventName', 's3'],
  properties: {
    eventName: { type: 'string', pattern: '^(s3:)?[A-Za-z]+:' },
    eventTime: { type: 'string', maxLength: 64 },
    s3: {
      type: 'object',
      required: ['bucket', 'object'],
      properties: {
        bucket: {
          type: 'object',
          required: ['name'],
          properties: { name: { type: 'string', minLength: 1, maxLength: 255 } },
        },
        object: {
          type: 'object',
          required: ['key'],
          properties: {
            key: { type: 'string', minLength: 1, maxLength: 3 * 1024 },
            size: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
            eTag: { type: 'string', maxLength: 255 },
          },
        },
      },
    },
  },
})
interface EventRecord {
  readonly eventName: string
  readonly eventTime?: string
  readonly s3: {
    readonly bucket: { readonly name: string }
    readonly object: { readonly key: string; readonly size?: number; readonly eTag?: string }
  }
}

/**
 * The records of an S3 event (Ceph, MinIO, versitygw and S3 itself write this form, with many more fields than are read here). Each is
 * judged alone, so that a bad one does not hide its neighbours. The test message that stores send when notifications are set up has no records.
 * Throws NotJsonError, NotANotificationError.
 */
export function parseNotification(bytes: Uint8Array): Notification {
  const json = parseJson(bytes)
  const found = json as { readonly Records?: unknown; readonly Event?: unknown } | null
  if (found?.Event === 's3:TestEvent' && found.Records === undefined) return { records: [] }
  if (!Array.isArray(found?.Records))
    throw new NotANotificationError('This is no object-store notification: it has no array "Records".')
  if (found.Records.length > MAX_RECORDS)
    throw new NotANotificationError(
      `${found.Records.length} records are more than the ${MAX_RECORDS} allowed in one notification.`,
    )
  return { records: found.Records.map(judge) }
}

function judge(record: unknown, index: number): StoredObject | BadRecord {
  const bad = (why: string): BadRecord => ({ ok: false, reason: `Record ${index} of the notification: ${why}.` })
  const wrong = misfit(record)
  if (wrong !== undefined) return bad(wrong)
  const { eventName, eventTime, s3 } = record as EventRecord
  const { key: written, size, eTag } = s3.object
  const key = decodeKey(written)
  if (key === undefined) return bad(`the key ${JSON.stringify(written)} is not rightly url-encoded`)
  return {
    ok: true,
    bucket: s3.bucket.name,
    key,
    ...(size !== undefined && { size }),
    ...(eTag !== undefined && { eTag }),
    eventName: eventName.replace(/^s3:/, ''),
    ...(eventTime !== undefined && { eventTime }),
  }
}

/** Keys travel as in a form: a plus is a space, a percent starts a byte (`a+b%2Bc` → `a b+c`). Undefined where that is not text. */
function decodeKey(written: string): string | undefined {
  try {
    const key = decodeURIComponent(written.replaceAll('+', ' '))
    return /\p{Surrogate}/u.test(key) ? undefined : key
  } catch {
    return undefined
  }
}
