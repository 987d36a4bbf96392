import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import type { NightPlan } from '../night/plan.ts'
import type { PlayedRaw } from '../night/play.ts'

export const terminalStates = ['published', 'missed', 'cancelled', 'ignored', 'expired', 'deferred', 'failed'] as const
export type TerminalCounts = Record<(typeof terminalStates)[number], number>

/** Units that the night must end with: one per visit and active detector. */
export const expectedUnits = (plan: NightPlan): string[] =>
  plan.visits.flatMap(visit => plan.detectors.map(({ id }) => `${plan.instrument.name}/${visit.group}/${id}`))

export function countTerminal(units: readonly UnitSummary[]): TerminalCounts {
  const counts = Object.fromEntries(terminalStates.map(state => [state, 0])) as TerminalCounts
  for (const { terminal } of units) if (terminal) counts[terminal]++
  return counts
}

/** Expected units without a terminal state, and units that nobody expects: both are unaccounted for. */
export function unaccountedUnits(expected: readonly string[], units: readonly UnitSummary[]): string[] {
  const ended = new Set(units.filter(unit => unit.terminal !== null).map(({ unit }) => unit))
  const wanted = new Set(expected)
  return [
    ...expected.filter(unit => !ended.has(unit)),
    ...units.map(({ unit }) => unit).filter(unit => !wanted.has(unit)),
  ]
}

export interface Latency {
  /** Seconds from the moment a unit's last raw was put to the moment its alerts were committed to the public stream. */
  readonly p50: number
  readonly p99: number
}

/** Of published units only; null where there is none. */
export function latencySeconds(units: readonly UnitSummary[], raws: readonly PlayedRaw[]): Latency | null {
  const lastPut = new Map<string, number>()
  for (const { group, detector, putAt } of raws) {
    const unit = `${group}/${detector}`
    lastPut.set(unit, Math.max(putAt, lastPut.get(unit) ?? 0))
  }
  const seconds = units
    .filter(({ terminal, publishedAt }) => terminal === 'published' && publishedAt !== null)
    .map(unit => (unit.publishedAt! - lastPut.get(`${unit.group}/${unit.detector}`)!) / 1000)
    .sort((a, b) => a - b)
  if (seconds.length === 0) return null
  const quantile = (q: number) => seconds[Math.min(seconds.length - 1, Math.ceil(q * seconds.length) - 1)]!
  return { p50: quantile(0.5), p99: quantile(0.99) }
}

/** Median seconds that published units spent in each phase: where the time from the last raw to its alerts goes. */
export function phaseSeconds(units: readonly UnitSummary[]): Readonly<Record<string, number>> {
  const phases = {
    'raw → ready': ['lastRawAt', 'readyAt'],
    'ready → leased': ['readyAt', 'leasedAt'],
    'leased → reported': ['leasedAt', 'reportedAt'],
    'reported → committed': ['reportedAt', 'terminalAt'],
    'committed → published': ['terminalAt', 'publishedAt'],
  } as const
  const published = units.filter(({ terminal }) => terminal === 'published')
  const median = ([from, to]: (typeof phases)[keyof typeof phases]) => {
    const seconds = published.map(unit => (unit[to]! - unit[from]!) / 1000).sort((a, b) => a - b)
    return seconds[Math.floor((seconds.length - 1) / 2)] ?? NaN
  }
  return Object.fromEntries(Object.entries(phases).map(([phase, ends]) => [phase, median(ends)]))
}
