import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import type { NightPlan } from '../night/plan.ts'
import type { PlayedRaw } from '../night/play.ts'

/** Whether the topology kept up with the sky. */
export interface KeepingUp {
  /** Units whose raws were there, and that were not told of when the raws of the next visit began to come. */
  readonly undrained: number
  /** Units that are missed or partial although all their raws were put before their deadline: 0 is right. */
  readonly lateByUs: number
}

/**
 * Worked example, raws of visits at 0 s and 35 s: a unit of the first that was ready at 2 s and told of at 36 s is undrained; one that
 * waited for its deadline at 40 s is not, since nothing held it up.
 */
export function keepingUp(plan: NightPlan, raws: readonly PlayedRaw[], units: readonly UnitSummary[]): KeepingUp {
  const raised = raws.reduce((found, { group, putAt }) => {
    return found.set(group, Math.min(putAt, found.get(group) ?? Infinity))
  }, new Map<string, number>())
  const nextRaws = (group: string) => {
    const own = raised.get(group) ?? Infinity
    return Math.min(...[...raised.values()].filter(at => at > own))
  }
  const hasWaited = ({ group, readyAt, deadline, publishedAt }: UnitSummary) =>
    readyAt !== null && readyAt < deadline && (publishedAt ?? Infinity) >= nextRaws(group)
  const exposuresOf = new Map(plan.visits.map(({ group, exposures }) => [group, exposures.length]))
  const inTime = ({ group, detector, deadline }: UnitSummary) =>
    raws.filter(raw => raw.group === group && raw.detector === detector && raw.notifiedAt < deadline).length
  const isShort = ({ terminal, completeness }: UnitSummary) => terminal === 'missed' || completeness === 'partial'
  return {
    undrained: units.filter(unit => hasWaited(unit) && nextRaws(unit.group) < Infinity).length,
    lateByUs: units.filter(unit => isShort(unit) && inTime(unit) === exposuresOf.get(unit.group)).length,
  }
}
