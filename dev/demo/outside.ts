import type {
  DetectorResult,
  LogeventNextVisit,
  Parked,
  RawArrival,
  RawLate,
  RawUnclaimed,
  Visit,
} from '../../schemas/avro/generated.ts'
import { avroType } from '../../schemas/codec.ts'
import type { LogClient, LogRecord } from '../../streams/log-client.ts'
import { unitKey } from '../../topology/identifiers.ts'
import {
  detectorResult,
  nextVisit,
  parked,
  rawArrival,
  rawLate,
  rawNotification,
  rawUnclaimed,
  rawWanted,
  visit,
} from '../../topology/streams.ts'
import type { S3Event } from '../night/notification.ts'
import { partitionsOfTopic, readCommitted } from '../../streams/read-topic.ts'

/** What the topics of a night say to somebody who only reads them. */
export interface Outside {
  readonly announcements: readonly LogeventNextVisit[]
  /** When the store says that an image was put, by its key: once for each notification. */
  readonly told: ReadonlyMap<string, readonly string[]>
  readonly parked: readonly Parked[]
  /** With when each was announced. */
  readonly visits: readonly (Visit & { readonly at: number })[]
  /** By unit, with when each entered the system. */
  readonly arrivals: ReadonlyMap<string, readonly (RawArrival & { readonly at: number })[]>
  /** Units whose window asked for a listing. */
  readonly asked: ReadonlySet<string>
  /** Units of which a raw came late. */
  readonly late: ReadonlySet<string>
  /** Of each raw that nobody announced: the unit it would be of. */
  readonly unclaimed: readonly string[]
  readonly results: readonly DetectorResult[]
}

const TOPICS = [nextVisit, rawNotification, parked, visit, rawArrival, rawWanted, rawLate, rawUnclaimed, detectorResult]

/** Where the topics of a night end now, by "topic/partition": what comes later is read by `readOutside(client, ends)`. */
export async function endsOutside(client: LogClient): Promise<ReadonlyMap<string, bigint>> {
  const partitions = await Promise.all(TOPICS.map(({ topic }) => partitionsOfTopic(client, topic)))
  return client.offsets(partitions.flat(), 'latest')
}

/** Reads the topics from their beginnings, or from these offsets. */
export async function readOutside(client: LogClient, from?: ReadonlyMap<string, bigint>): Promise<Outside> {
  const recordsOf = async ({ topic }: { readonly topic: string }) => {
    const records = await readCommitted(client, await partitionsOfTopic(client, topic), from && { from })
    // A record without key and value is a watermark or a tombstone.
    return records.filter(({ value }) => value?.length)
  }
  const [announced, told, refused, visits, arrived, wanted, late, unclaimed, results] = await Promise.all(
    TOPICS.map(recordsOf),
  )
  const images = readable(told!, it => imagesIn(JSON.parse(String(it.value)) as S3Event)).flat()
  const arrivals = arrived!.map(it => ({ ...decoded<RawArrival>('raw-arrival', it), at: Number(it.headers['at']) }))
  const timesByKey = grouped(images, ({ key }) => key)
  return {
    announcements: readable(announced!, it => decoded<LogeventNextVisit>('next-visit', it)),
    told: new Map([...timesByKey].map(([key, all]) => [key, all.map(({ eventTime }) => eventTime)])),
    parked: refused!.map(it => decoded<Parked>('parked', it)),
    visits: visits!.map(it => ({ ...decoded<Visit>('visit', it), at: Number(it.headers['at']) })),
    arrivals: grouped(arrivals, unitOf),
    asked: new Set(wanted!.map(({ key }) => String(key))),
    late: new Set(late!.map(it => unitOf(decoded<RawLate>('raw-late', it).raw))),
    unclaimed: unclaimed!.map(it => unitOf(decoded<RawUnclaimed>('raw-unclaimed', it).raw)),
    results: results!.map(it => decoded<DetectorResult>('detector-result', it)),
  }
}

export const unitOf = (it: Pick<RawArrival, 'instrument' | 'group' | 'detector'>): string =>
  unitKey(it.instrument, it.group, it.detector)

/** Images that a notification tells of, by their keys. */
export const imagesIn = ({ Records }: S3Event): { readonly key: string; readonly eventTime: string }[] =>
  Records.map(({ s3, eventTime }) => ({ key: decodeURIComponent(s3.object.key), eventTime })).filter(
    ({ key }) => !key.endsWith('.json'),
  )

function grouped<T>(list: readonly T[], keyOf: (it: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const it of list) {
    const group = groups.get(keyOf(it))
    if (group) group.push(it)
    else groups.set(keyOf(it), [it])
  }
  return groups
}

/** The bytes of one contract, past the framing. */
const decoded = <T>(contract: Parameters<typeof avroType>[0], { value }: LogRecord): T =>
  avroType(contract).decode(value!.subarray(5)) as T

/** At the entrances there is poison too, which nobody can read: it is counted where it is parked. */
function readable<T>(records: readonly LogRecord[], read: (record: LogRecord) => T): T[] {
  return records.flatMap(record => {
    try {
      return [read(record)]
    } catch {
      return []
    }
  })
}
