import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import type { PlayedRaw } from '../night/play.ts'

/** Seconds; `limit` is what p99 shall stay below. A slow machine exceeds it, and loses nothing. */
export interface Latency {
  readonly units: number
  readonly p50: number
  readonly p99: number
  readonly limit: number
}

/** Names of what has a limit. */
export type Limited = Exclude<keyof Latencies, 'slowestByVisit'>

export interface Latencies {
  /** From the last raw's readout until the alerts are out, of units that nothing befell. */
  readonly complete: Latency | null
  /** The slowest of them in each visit that has any, in the order of the visits: cold processes show in the first. */
  readonly slowestByVisit: readonly number[]
  /** From the deadline until the world is told, of units that had to wait for it. */
  readonly partial: Latency | null
  readonly missed: Latency | null
  readonly cancelled: Latency | null
  readonly listed: Latency | null
  /** From ready to leased, of all that ran; and the part of it in which a worker was free. */
  readonly leased: Latency | null
  readonly leasedWhileFree: Latency | null
}

const COMPLETE_S = 10
const LEASED_S = 1

export interface Measured {
  readonly units: readonly UnitSummary[]
  readonly raws: readonly PlayedRaw[]
  /** Units that nothing befell. */
  readonly clean: readonly string[]
  readonly workers: number
}

export function latenciesOf({ units, raws, clean, workers }: Measured): Latencies {
  const published = units.filter(({ terminal, publishedAt }) => terminal === 'published' && publishedAt !== null)
  const ended = (terminal: UnitSummary['terminal']) => units.filter(it => it.terminal === terminal && it.publishedAt)
  const afterDeadline = (of: readonly UnitSummary[]) =>
    quantiles(
      of.map(({ deadline, publishedAt }) => (publishedAt! - deadline) / 1000),
      COMPLETE_S,
    )
  const isClean = new Set(clean)
  const lastPut = lastPutOf(raws)
  const complete = published
    .filter(({ unit }) => isClean.has(unit))
    .map(it => ({ ...it, seconds: (it.publishedAt! - lastPut.get(`${it.group}/${it.detector}`)!) / 1000 }))
  const waits = published.filter(({ tries }) => tries === 1)
  const seconds = (it: UnitSummary) => (it.leasedAt! - it.readyAt!) / 1000
  return {
    complete: quantiles(
      complete.map(it => it.seconds),
      COMPLETE_S,
    ),
    slowestByVisit: slowestByVisit(complete),
    partial: afterDeadline(published.filter(({ completeness }) => completeness === 'partial')),
    missed: afterDeadline(ended('missed')),
    cancelled: afterDeadline(ended('cancelled')),
    listed: afterDeadline(
      published.filter(({ completeness, readyAt, deadline }) => completeness === 'complete' && readyAt! > deadline),
    ),
    leased: quantiles(waits.map(seconds), LEASED_S),
    leasedWhileFree: quantiles(
      waits.map(it => idleSeconds(units, workers, it.readyAt!, it.leasedAt!)),
      LEASED_S,
    ),
  }
}

/** A group's name is the time of its visit. */
function slowestByVisit(units: readonly { readonly group: string; readonly seconds: number }[]): number[] {
  const slowest = new Map<string, number>()
  for (const { group, seconds } of units) slowest.set(group, Math.max(seconds, slowest.get(group) ?? 0))
  return [...slowest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, seconds]) => seconds)
}

function lastPutOf(raws: readonly PlayedRaw[]): ReadonlyMap<string, number> {
  const lastPut = new Map<string, number>()
  for (const { group, detector, putAt } of raws) {
    const unit = `${group}/${detector}`
    lastPut.set(unit, Math.max(putAt, lastPut.get(unit) ?? 0))
  }
  return lastPut
}

/**
 * Seconds between two instants in which fewer units were in hand than there are workers. Nine units for two workers: seven wait, and
 * that is work; what this counts is waiting beside an idle worker.
 */
function idleSeconds(units: readonly UnitSummary[], workers: number, from: number, to: number): number {
  const changes = units
    .filter(it => it.leasedAt !== null && it.leasedAt < to && endOf(it) > from)
    .flatMap(it => [
      { at: Math.max(from, it.leasedAt!), by: 1 },
      { at: Math.min(to, endOf(it)), by: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.by - b.by)
  let [idle, busy, since] = [0, 0, from]
  for (const { at, by } of [...changes, { at: to, by: 0 }]) {
    if (busy < workers) idle += at - since
    busy += by
    since = at
  }
  return idle / 1000
}

/** When the worker was through with it. */
const endOf = ({ reportedAt, terminalAt }: UnitSummary): number => reportedAt ?? terminalAt ?? Infinity

/** Null where there is nothing to measure. */
export function quantiles(seconds: readonly number[], limit: number): Latency | null {
  if (seconds.length === 0) return null
  const sorted = [...seconds].sort((a, b) => a - b)
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)]!
  return { units: sorted.length, p50: at(0.5), p99: at(0.99), limit }
}
