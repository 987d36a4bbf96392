import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import { visitKey } from '../../topology/identifiers.ts'
import type { Expected } from '../night/adversity/expected.ts'
import type { SentPoison } from '../night/adversity/manner.ts'
import { parkedFates, switches, type ParkedFate, type Switch } from '../night/adversity/switches.ts'
import type { S3Event } from '../night/notification.ts'
import { rawNotification } from '../../topology/streams.ts'
import { imagesIn, type Outside, unitOf } from './outside.ts'

/** One switch held against what was seen from outside. */
export interface Counter {
  readonly switch: Switch
  readonly planned: number
  readonly observed: number
  /** Where it was seen. */
  readonly where: string
  /** What was planned and not seen, or seen and not planned: a sentence each. */
  readonly faults: readonly string[]
}

export interface Night {
  readonly units: readonly UnitSummary[]
  readonly outside: Outside
  /** What was sent that must be parked. */
  readonly poison: readonly SentPoison[]
  /** Units that a killed worker process held besides the one it was killed for: they are done a second time, too. */
  readonly bystanders: readonly string[]
}

/** The counter of every switch: one that is off is not in `expected`, and must not show. */
export function countersOf(expected: Expected, night: Night): Counter[] {
  return switches.map(name => {
    const planned = expected[name] ?? []
    const { where, seen } = observers[name]
    const found = seen(night)
    const wanted = isParked(name) ? night.poison.filter(({ fate }) => fate === name).map(place) : planned
    const faults = [
      ...(wanted.length === planned.length ? [] : [`${planned.length} were planned, and ${wanted.length} sent`]),
      ...wanted.filter(it => !found.includes(it)).map(it => `${it}: planned, not seen`),
      ...found.filter(it => !wanted.includes(it)).map(it => `${it}: seen, not planned`),
    ]
    return { switch: name, planned: planned.length, observed: found.length, where, faults }
  })
}

const isParked = (name: Switch): name is ParkedFate => parkedFates.some(it => it === name)

interface Observer {
  readonly where: string
  /** Names as `expectedOf` has them, each once; of parked records where they stood and the code. */
  readonly seen: (night: Night) => readonly string[]
}

type Test = (unit: UnitSummary, outside: Outside) => boolean
/** Units of the ledger; `where` says what else was looked at. */
const units = (where: string, test: Test): Observer => ({
  where,
  seen: ({ units, outside }) => units.filter(unit => test(unit, outside)).map(({ unit }) => unit),
})
/** Its alerts are out, and made of all its raws. */
export const isPublishedWhole = ({ terminal, completeness }: Pick<UnitSummary, 'terminal' | 'completeness'>): boolean =>
  terminal === 'published' && completeness === 'complete'
const isPublished: Test = unit => isPublishedWhole(unit)
const isLate: Test = ({ unit }, { late }) => late.has(unit)
const arrivalsOf = ({ unit }: UnitSummary, { arrivals }: Outside) => arrivals.get(unit) ?? []

/** Units whose raw was told of in a way that `test` recognises, by the times of its notifications; each is published, once. */
const toldOf = (where: string, test: (times: readonly string[]) => boolean): Observer =>
  units(where, (unit, outside) => {
    const keys = arrivalsOf(unit, outside).map(({ key }) => key)
    return isPublished(unit, outside) && keys.some(key => test(outside.told.get(key) ?? []))
  })

/** A raw and something that is none in one notification: the bad one is parked, with the whole record. */
function inBadCompany(unit: UnitSummary, outside: Outside): boolean {
  const company = outside.parked.flatMap(it => (isOfSeveral(it) ? imagesIn(notificationIn(it)!) : []))
  return arrivalsOf(unit, outside).some(({ key }) => company.some(it => it.key === key))
}

type ParkedRecord = Outside['parked'][number]
const isOfSeveral = (it: ParkedRecord) => (notificationIn(it)?.Records.length ?? 0) > 1
function notificationIn({ topic, recordValue }: ParkedRecord): S3Event | undefined {
  if (topic !== rawNotification.topic) return undefined
  try {
    return JSON.parse(Buffer.from(recordValue!).toString()) as S3Event
  } catch {
    return undefined
  }
}

const place = ({ topic, partition, offset, code }: Pick<ParkedRecord, 'topic' | 'partition' | 'offset' | 'code'>) =>
  `${topic}/${partition}/${offset} ${code}`
const isStale = ({ code }: ParkedRecord) => code === 'stale'
const parkedFrom = (topic: string): Observer => ({
  where: `parked, from ${topic}`,
  seen: ({ outside }) => outside.parked.filter(it => it.topic === topic && !isStale(it) && !isOfSeveral(it)).map(place),
})

/** Parked records that no switch counts, and that were not in one notification with a raw which was to be in bad company. */
export function strayParked(expected: Expected, night: Night): string[] {
  const counted = new Set(parkedFates.flatMap(fate => observers[fate].seen(night)))
  const planned = (expected['bad-company'] ?? []).flatMap(unit => night.outside.arrivals.get(unit) ?? [])
  const isPlanned = (it: ParkedRecord) =>
    isOfSeveral(it) && imagesIn(notificationIn(it)!).some(image => planned.some(({ key }) => key === image.key))
  return night.outside.parked
    .filter(it => !counted.has(place(it)) && !isPlanned(it))
    .map(it => `${place(it)}: parked, not planned: ${it.reason}`)
}

/** Where each switch shows, and how it is told from the others. */
const observers: Readonly<Record<Switch, Observer>> = {
  'lost-notification': units(
    'published, complete only by a listing',
    (unit, outside) => isPublished(unit, outside) && outside.asked.has(unit.unit),
  ),
  'no-raw': units('missed, nothing on raw-late', (unit, o) => unit.terminal === 'missed' && !isLate(unit, o)),
  'late-raw': units('missed, and on raw-late', (unit, o) => unit.terminal === 'missed' && isLate(unit, o)),
  'early-raw': units('published, the raw older than its announcement', (unit, outside) => {
    const visit = outside.visits.find(({ announcement }) => announcement.group === unit.group)
    return isPublished(unit, outside) && arrivalsOf(unit, outside).some(({ at }) => at < visit!.at)
  }),
  'duplicate-notification': toldOf('two equal notifications, published', times => new Set(times).size < times.length),
  'resent-object': toldOf('two puts notified, published', times => new Set(times).size > 1),
  'corrupt-raw': units(
    'failed, raw-unreadable',
    ({ terminal, reason }) => terminal === 'failed' && reason === 'raw-unreadable',
  ),
  'bad-company': units('parked in part, and published', (unit, o) => isPublished(unit, o) && inBadCompany(unit, o)),
  'masked-detector': {
    where: 'masked on visit, and no unit',
    seen: ({ outside, units }) =>
      outside.visits
        .flatMap(({ announcement, masked }) => masked.map(({ detector }) => unitOf({ ...announcement, detector })))
        .filter(masked => !units.some(({ unit }) => unit === masked)),
  },
  'worker-killed': {
    where: 'published at a second lease',
    seen: ({ units, outside, bystanders }) =>
      units
        .filter(it => isPublished(it, outside) && it.tries > 1 && !bystanders.includes(it.unit))
        .map(({ unit }) => unit),
  },
  'lost-raw': units(
    'published, partial',
    ({ terminal, completeness }) => terminal === 'published' && completeness === 'partial',
  ),
  reorder: units('snaps arrived in reverse, published', (unit, outside) => {
    const first = (snap: number) =>
      Math.min(...arrivalsOf(unit, outside).flatMap(it => (it.snap === snap ? [it.at] : [])))
    return isPublished(unit, outside) && first(1) < Infinity && first(0) >= first(1)
  }),
  'duplicate-announcement': {
    where: 'twice on next-visit, once on visit',
    seen: ({ outside }) => {
      const keys = outside.announcements.map(({ instrument, groupId }) => visitKey(instrument, groupId))
      const fannedOut = outside.visits.map(({ announcement: { instrument, group } }) => visitKey(instrument, group))
      const twice = new Set(keys.filter((key, i) => keys.indexOf(key) < i))
      return [...twice].filter(key => fannedOut.filter(it => it === key).length === 1)
    },
  },
  'cancelled-visit': units('cancelled', ({ terminal }) => terminal === 'cancelled'),
  'unwanted-survey': units('ignored', ({ terminal }) => terminal === 'ignored'),
  'stale-announcement': {
    where: 'parked, with code stale',
    seen: ({ outside }) => outside.parked.filter(isStale).map(place),
  },
  'poison-next-visit': parkedFrom('next-visit'),
  'poison-next-visit-canceled': parkedFrom('next-visit-canceled'),
  'poison-control': parkedFrom('control'),
  'poison-raw-notification': parkedFrom('raw-notification'),
}
