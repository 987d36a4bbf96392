import { avroType } from '../../../schemas/codec.ts'
import type { ContractName } from '../../../schemas/schemas.ts'
import type { DetectorJob, FoundRaw, RawArrival, RawWanted } from '../../../schemas/avro/generated.ts'
import { parseNotification } from '../../../schemas/json/s3-notification.ts'
import type { LogRecord } from '../../../streams/log-client.ts'
import { exposureWindow } from '../../../topology/exposure-window.ts'
import { fanOut } from '../../../topology/fan-out.ts'
import { unitKey } from '../../../topology/identifiers.ts'
import type { Stream } from '../../../topology/model/stream.ts'
import type { Instant } from '../../../topology/model/time.ts'
import { parseRawKey } from '../../../topology/raw-key.ts'
import type { Settings } from '../../../topology/settings.ts'
import {
  detectorJob,
  detectorVisit,
  nextVisit,
  nextVisitCanceled,
  rawArrival,
  rawLate,
  rawListed,
  rawUnclaimed,
  rawWanted,
} from '../../../topology/streams.ts'
import { drive } from '../../../topology/testing/drive.ts'

/** What decides: the streams whose records must not depend on a stop. */
export const DECIDING: readonly Stream[] = [detectorVisit, detectorJob, rawLate, rawUnclaimed]

export const decoded = (stream: Stream, { value }: Pick<LogRecord, 'value'>): object =>
  avroType((stream.format as { readonly avro: ContractName }).avro).decode(value!.subarray(5))

/** A decision as text, without its number; undefined for a hint that is said only where it is read in time. */
export function told(stream: Stream, key: string, at: Instant, value: object): string | undefined {
  const { kind, inputs, verdict, raws, raw } = value as Partial<DetectorJob> & { verdict?: string; raw?: RawArrival }
  if (stream === detectorJob && kind === 'withdrawn') return undefined
  const exposures = raw ? [raw.exposure] : (raws ?? []).map(it => it.raw.exposure)
  return [stream.topic, key, `@${at}`, kind, verdict, inputs, ...exposures]
    .filter(it => it !== null && it !== undefined)
    .join(' ')
}

export interface Recorded {
  /** All records of an entrance, as the brokers kept them. */
  readonly announcements: readonly LogRecord[]
  readonly cancellations: readonly LogRecord[]
  readonly notifications: readonly LogRecord[]
  /** What the bucket holds of each unit. */
  readonly stored: ReadonlyMap<string, readonly FoundRaw[]>
  /** Group and snap by object key: what the sidecars say. */
  readonly sidecars: ReadonlyMap<string, { readonly group: string; readonly snap: number }>
}

/**
 * What had to be decided: the pure steps alone, over the records of the entrances in order of their append times, with a wake-up for each
 * deadline and a truthful answer to each question. Knows nothing of tasks, transactions, watermarks and stops.
 */
export function mustDecide(settings: Settings, recorded: Recorded, end: Instant): string[] {
  const fan = drive(fanOut(settings))
  const announced: { readonly stream: Stream; readonly record: LogRecord }[] = [
    ...recorded.cancellations.map(record => ({ stream: nextVisitCanceled, record })),
    ...recorded.announcements.map(record => ({ stream: nextVisit, record })),
  ].sort((a, b) => a.record.timestamp - b.record.timestamp)
  for (const { stream, record } of announced) fan.send(stream, '', record.timestamp, decoded(stream, record))

  const window = drive(exposureWindow(settings))
  const lefts: Fed[] = fan.written
    .filter(it => it.stream === detectorVisit.topic)
    .map(({ key, at, value }) => ({ stream: detectorVisit, key, at, value }))
  const rights: Fed[] = recorded.notifications.flatMap(record => arrivalsOf(record, recorded.sidecars))
  let answered = 0
  const goTo = (t: Instant) => {
    window.advance(t)
    const questions = window.written.filter(it => it.stream === rawWanted.topic)
    for (; answered < questions.length; answered++) {
      const { key, at, value } = questions[answered]!
      const { attempt, until } = value as RawWanted
      const found = (recorded.stored.get(key) ?? []).filter(it => until === null || it.at <= until)
      window.send(rawListed, key, at, { attempt, found: [...found] })
    }
  }
  for (const { stream, key, at, value } of [...lefts, ...rights].sort((a, b) => a.at - b.at)) {
    goTo(at - 1)
    window.send(stream, key, at, value)
  }
  goTo(end)
  return [...fan.written, ...window.written]
    .flatMap(({ stream, key, at, value }) => {
      const of = DECIDING.find(({ topic }) => topic === stream)
      return (of && told(of, key, at, value as object)) ?? []
    })
    .sort()
}

/** A record for the window. */
interface Fed {
  readonly stream: Stream
  readonly key: string
  readonly at: Instant
  readonly value: unknown
}

function arrivalsOf({ value, timestamp }: LogRecord, sidecars: Recorded['sidecars']): Fed[] {
  return parseNotification(value!).records.flatMap(object => {
    if (!object.ok) return []
    const parsed = parseRawKey(object.key)
    if (parsed.kind !== 'raw') return []
    const { instrument, detector, exposure } = parsed.raw
    const { group, snap } = sidecars.get(object.key)!
    const { bucket, key } = object
    const raw: RawArrival = { instrument, group, detector, snap, exposure, bucket, key, size: null, eTag: null }
    return [{ stream: rawArrival, key: unitKey(instrument, group, detector), at: timestamp, value: raw }]
  })
}
