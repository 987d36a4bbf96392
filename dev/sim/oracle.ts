import type { LogeventNextVisit } from '../../schemas/avro/generated.ts'
import type { LogRecord } from '../../streams/log-client.ts'
import { HOLD_S, WINDOW_S } from '../../streams/testing/adverse-night.ts'
import { control, nextVisit, nextVisitCanceled, rawNotification } from '../../topology/streams.ts'
import { codec, INSTRUMENT, SIZE } from './world.ts'

/** How a unit must end. */
export interface Expected {
  /** "ready complete", "ready partial", "missed", "cancelled", "ignored". */
  readonly end: string
  /** Exposures that are used, ascending. */
  readonly exposures: readonly string[]
  /** The last instant at which anything could count. */
  readonly deadline: number
  /** Whether the raws alone said it, or time, which has passed the deadline. */
  readonly by: 'raws' | 'time' | 'rule'
}
export interface Oracle {
  readonly units: ReadonlyMap<string, Expected>
  readonly late: readonly string[]
  readonly unclaimed: readonly string[]
  /** What raw-intake must tell: each notification once, with the time at which it entered. */
  readonly arrivals: readonly string[]
  /** Detectors with a unit, by visit. */
  readonly visits: ReadonlyMap<string, readonly number[]>
}

/** A raw in the bucket, and when it was told of. */
interface Raw {
  readonly exposure: string
  readonly detector: number
  readonly group: string
  readonly snap: number
  readonly stored: number
  readonly told: readonly number[]
}
interface Stored {
  readonly lastModified: number
  readonly bytes: Uint8Array
}

/** Everything of an entrance, in the order of its log. */
type Entered = (topic: string) => readonly LogRecord[]

/**
 * What must come of what entered: a fold over the entrances and the bucket that shares no line with the steps. It knows the whole night
 * at once, so it needs neither state nor order; each unit is looked at alone.
 */
export function expectedOf(
  entered: Entered,
  bucket: ReadonlyMap<string, Stored>,
  listing: 'truthful' | 'blind',
): Oracle {
  const raws = rawsOf(entered, bucket)
  const announcedAt = new Map<string, number>()
  const units = new Map<string, Expected>()
  const visits = new Map<string, number[]>()
  const late: string[] = []
  for (const { timestamp, value } of entered(nextVisit.topic)) {
    const visit = codec.decode('next-visit', value!)
    if (announcedAt.has(visit.groupId)) continue
    announcedAt.set(visit.groupId, timestamp)
    const detectors = unmasked(entered, timestamp)
    visits.set(`${INSTRUMENT}/${visit.groupId}`, detectors)
    for (const detector of detectors) {
      const own = raws.filter(raw => raw.group === visit.groupId && raw.detector === detector)
      const unit = `${INSTRUMENT}/${visit.groupId}/${detector}`
      const end = endOf({
        visit,
        announced: timestamp,
        raws: own,
        cancelled: cancelOf(entered, visit.groupId),
        listing,
      })
      units.set(unit, end)
      const unused = own.filter(raw => raw.told.length > 0 && !end.exposures.includes(raw.exposure))
      if (end.end !== 'ignored') late.push(...unused.map(({ exposure }) => `${unit} ${exposure}`))
    }
  }
  const isUnclaimed = (raw: Raw) => Math.min(...raw.told) + HOLD_S * 1000 < (announcedAt.get(raw.group) ?? Infinity)
  const unclaimed = raws
    .filter(raw => raw.told.length > 0 && isUnclaimed(raw))
    .map(({ group, detector, exposure }) => `${INSTRUMENT}/${group}/${detector} ${exposure}`)
  const arrivals = raws.flatMap(({ group, detector, exposure, told }) =>
    told.map(at => `${INSTRUMENT}/${group}/${detector} ${exposure} ${at}`),
  )
  return { units, visits, arrivals: arrivals.sort(), late: late.sort(), unclaimed: unclaimed.sort() }
}

interface Case {
  readonly visit: LogeventNextVisit
  readonly announced: number
  readonly cancelled: number | undefined
  readonly raws: readonly Raw[]
  readonly listing: 'truthful' | 'blind'
}

function endOf({ visit, announced, cancelled, raws, listing }: Case): Expected {
  const published = Math.round(visit.private_sndStamp * 1000) - 37_000
  const deadline = Math.min(published, announced) + WINDOW_S * 1000
  if (visit.survey !== 'BLOCK-365') return { end: 'ignored', exposures: [], deadline, by: 'rule' }
  const told = raws.filter(raw => raw.told.some(at => at <= deadline))
  const needed = Number(visit.nimages)
  if (needed > 0 && told.length === needed)
    return { end: 'ready complete', exposures: idsOf(told), deadline, by: 'raws' }
  const found = raws.filter(raw => told.includes(raw) || (listing === 'truthful' && raw.stored <= deadline))
  const whole = needed === 0 || found.length === needed
  const isCancelled = cancelled !== undefined && Math.max(cancelled, announced) <= deadline
  const end = found.length > 0 ? `ready ${whole ? 'complete' : 'partial'}` : isCancelled ? 'cancelled' : 'missed'
  return { end, exposures: idsOf(found), deadline, by: 'time' }
}
const idsOf = (raws: readonly Raw[]): string[] => raws.map(({ exposure }) => exposure).sort()

/** Masks that entered up to the announcement, which loses a tie. */
function unmasked(entered: Entered, announced: number): number[] {
  const orders = entered(control.topic).filter(({ timestamp }) => timestamp <= announced)
  const masked = orders.map(({ value }) => codec.decode('control', value!).detector)
  return Array.from({ length: SIZE.detectors }, (_, detector) => detector).filter(
    detector => !masked.includes(detector),
  )
}

const cancelOf = (entered: Entered, group: string): number | undefined =>
  entered(nextVisitCanceled.topic).find(({ value }) => codec.decode('next-visit-canceled', value!).groupId === group)
    ?.timestamp

/** Joins images with their sidecars and with what was told of them. */
function rawsOf(entered: Entered, bucket: ReadonlyMap<string, Stored>): Raw[] {
  const told = new Map<string, number[]>()
  for (const { timestamp, value } of entered(rawNotification.topic)) {
    const event = JSON.parse(String(value)) as { Records: { s3: { object: { key: string } } }[] }
    const key = decodeURIComponent(event.Records[0]!.s3.object.key)
    told.set(key, [...(told.get(key) ?? []), timestamp])
  }
  return [...bucket].flatMap(([key, { lastModified }]) => {
    const parts = /_(?<day>\d{8})_(?<sequence>\d{6})_R22_S(?<row>\d)(?<column>\d)\.fits$/.exec(key)?.groups
    if (!parts) return []
    const sidecar = bucket.get(key.replace('.fits', '.json'))!
    const { GROUPID: group, CURINDEX: index } = JSON.parse(Buffer.from(sidecar.bytes).toString()) as {
      GROUPID: string
      CURINDEX: number
    }
    const exposure = `${parts['day']}${parts['sequence']!.slice(1)}`
    const detector = 3 * Number(parts['row']) + Number(parts['column'])
    return [{ exposure, detector, group, snap: index - 1, stored: lastModified, told: told.get(key) ?? [] }]
  })
}
