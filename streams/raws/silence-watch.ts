import { dayObsOf } from '../../topology/identifiers.ts'
import { instruments, namesInKeys } from '../../topology/instruments.ts'
import type { Instant } from '../../topology/model/time.ts'
import { askFor, heard, judge, type Silence, type SilenceRules, type Unannounced } from '../../topology/silence.ts'
import type { Log } from '../log.ts'
import { sleep, type Scheduler } from '../scheduler.ts'
import type { Bucket } from './bucket.ts'
import { newestExposures } from './newest-exposures.ts'

export interface SilenceWatch {
  readonly bucket: Bucket
  readonly rawBucket: string
  /** The instruments that are processed here. */
  readonly instruments: readonly string[]
  /** Where the partitions of the notifications end, whoever reads them. */
  readonly ends: () => Promise<ReadonlyMap<string, bigint>>
  readonly rules: SilenceRules
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  readonly scheduler: Scheduler
}

/** What alert rules may look for: the field `code` of the line in the log. */
export const SILENT = 'raw-notifications-silent'
export const BACK = 'raw-notifications-back'
export const OVER = 'raw-notifications-alarm-over'

/** Looks four times per period of silence, so that an alarm comes a quarter of it late at most. */
const LOOKS_PER_SILENCE = 4
/** What is counted of a long silence: enough to see that it is none of one object. */
const MOST_EXPOSURES = 20
/** An exposure taken across 12 h UTC lies under the next day of observation. */
const ACROSS_NOON_MS = 600_000

/** Watches until `signal` aborts. Where brokers or store do not answer that is said, and the next look tries again. */
export async function watchSilence(watch: SilenceWatch, signal: AbortSignal): Promise<void> {
  const { rules, log, scheduler } = watch
  let silence: Silence | undefined
  while (!signal.aborted) {
    try {
      silence = await look(watch, silence)
    } catch (error) {
      log.warn({ err: error }, 'could not look whether the notifications of raws have stopped; trying again')
    }
    await sleep(scheduler, rules.silenceMs / LOOKS_PER_SILENCE, signal)
  }
}

async function look(watch: SilenceWatch, before: Silence | undefined): Promise<Silence> {
  const { rules, log, scheduler } = watch
  // What is old enough now, its notification has been appended before the ends are read; and they may be read slowly.
  const now = scheduler.now()
  const ends = JSON.stringify([...(await watch.ends())].map(([partition, end]) => [partition, String(end)]).sort())
  const { isBack, ...silence } = heard(before, ends, scheduler.now())
  if (isBack) log.info({ code: BACK, times: before!.alarm!.times }, 'notifications of raws come again')
  const span = askFor(silence, rules, now)
  if (span === undefined) return silence
  const found = await objectsWithin(watch, span, now)
  const judged = judge(silence, found, rules, now)
  if (found.count > 0) sayAlarm(log, judged, found)
  else if (judged !== silence) sayOver(log, silence)
  return judged
}

function sayAlarm(log: SilenceWatch['log'], { movedAt, alarm }: Silence, { count, newest }: Unannounced): void {
  const facts = {
    code: SILENT,
    objects: count,
    newest: utc(newest),
    lastNotification: utc(movedAt),
    times: alarm!.times,
  }
  log.error(
    facts,
    `no notification of a raw has come since ${utc(movedAt)}, yet ${count} objects appeared in the bucket that were not reported before, ` +
      `the newest of ${utc(newest)}: the store has stopped notifying. Check its notification configuration and whether it ` +
      'reaches the brokers. Until then raws are found only when a window closes, by listing',
  )
}

function sayOver(log: SilenceWatch['log'], { movedAt, reported, alarm }: Silence): void {
  const facts = { code: OVER, newest: utc(reported!), lastNotification: utc(movedAt), times: alarm!.times }
  log.info(
    facts,
    `no object has appeared in the bucket since ${utc(reported!)}, so the alarm is over; no notification has come either, ` +
      'and whether the store notifies again will show with the next object',
  )
}

const utc = (instant: Instant): string => new Date(instant).toISOString()

/**
 * Tonight's objects that were stored within `span`, newest exposures first. Cameras whose keys name the group have no folder per night:
 * they are not looked at.
 */
async function objectsWithin(
  watch: SilenceWatch,
  span: { readonly from: Instant; readonly upTo: Instant },
  now: Instant,
): Promise<Unannounced> {
  const days = [...new Set([dayObsOf(now), dayObsOf(now - ACROSS_NOON_MS)])]
  const nightly = watch.instruments.filter(name => instruments.get(name)?.keys !== 'group')
  const folders = nightly.flatMap(namesInKeys).flatMap(name => days.map(day => `${name}/${day}/`))
  let [count, newest, exposures] = [0, 0, 0]
  for (const folder of folders) {
    for await (const objects of newestExposures(watch.bucket, watch.rawBucket, folder, span.from)) {
      const stored = objects.map(({ lastModified }) => lastModified).filter(it => it <= span.upTo)
      if (stored.length === 0) continue
      count += stored.length
      newest = Math.max(newest, ...stored)
      if (++exposures >= MOST_EXPOSURES) return { count, newest }
    }
  }
  return { count, newest }
}
