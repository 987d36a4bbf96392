import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import { unitKey } from '../../topology/identifiers.ts'
import type { NightPlan } from '../night/plan.ts'

export const terminalStates = ['published', 'missed', 'cancelled', 'ignored', 'expired', 'deferred', 'failed'] as const
export type TerminalCounts = Record<(typeof terminalStates)[number], number>

/** Units that the night must end with: one per visit and active detector, without those that are masked. */
export function expectedUnits(plan: NightPlan, masked: readonly string[] = []): string[] {
  const all = plan.visits.flatMap(({ group }) =>
    plan.detectors.map(({ id }) => unitKey(plan.instrument.name, group, id)),
  )
  return all.filter(unit => !masked.includes(unit))
}

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
