import { unitKey, visitKey } from '../../../topology/identifiers.ts'
import type { NightPlan } from '../plan.ts'
import type { Adversity } from './plan.ts'
import type { Switch } from './switches.ts'

/** What must be seen of each switch: keys of units or of visits, or what is wrong with a record. Their number is the switch's counter. */
export type Expected = Partial<Readonly<Record<Switch, readonly string[]>>>

/** In the order of the switches; a switch that is off is not in it. */
export function expectedOf(adversity: Adversity, plan: NightPlan): Expected {
  const { name } = plan.instrument
  const groupOf = (visit: number) => plan.visits[visit]!.group
  const names = new Map<Switch, string[]>(adversity.switches.map(it => [it, []]))
  for (const { fate, visit, detector } of adversity.units)
    names.get(fate)!.push(unitKey(name, groupOf(visit), detector))
  for (const { fate, visit } of adversity.whole) {
    const units = plan.detectors.map(({ id }) => unitKey(name, groupOf(visit), id))
    names.get(fate)!.push(...(fate === 'duplicate-announcement' ? [visitKey(name, groupOf(visit))] : units))
  }
  for (const { fate, what } of adversity.parked) names.get(fate)!.push(what)
  return Object.fromEntries(names)
}

/** Units that nothing befell and that are looked at whole: what latencies are measured on. */
export function cleanUnits(adversity: Adversity, plan: NightPlan): readonly string[] {
  const fated = new Set(adversity.units.map(({ visit, detector }) => `${visit}/${detector}`))
  const out = new Set(adversity.whole.filter(it => it.fate !== 'duplicate-announcement').map(({ visit }) => visit))
  return plan.visits
    .filter(({ index }) => !out.has(index))
    .flatMap(({ index, group }) =>
      plan.detectors
        .filter(({ id }) => !fated.has(`${index}/${id}`))
        .map(({ id }) => unitKey(plan.instrument.name, group, id)),
    )
}
