import type { Instant } from '../../topology/model/time.ts'
import { table } from '../table.ts'
import { timeOf } from '../times.ts'
import { countsOf, visitsOf, type Fate, type ReplayPlan } from './plan.ts'
import { comesTo } from './stages.ts'

const FATES: Readonly<Record<Fate, string>> = {
  runs: 'runs again',
  missed: 'is missed again: no raw is there',
  cancelled: 'is cancelled again',
  ignored: 'is ignored again',
  waits: 'waits for its raws',
  untouched: 'stays: already committed',
}

/** A plan for people. */
export function describePlan({ since, stages, units, unreached }: ReplayPlan): string {
  const rows = stages.map(({ stage, group, offsets, members }) => [stage, group, String(offsets), String(members)])
  const sections = [
    `Replay since ${timeOf(since)}`,
    table(['stage', 'group', 'offsets read again', 'members now'], rows),
    stages.map(({ stage }) => `${stage}: ${comesTo[stage]}.`).join('\n'),
    ...(units.length > 0 ? [describeUnits(units)] : []),
    ...(unreached.length > 0 ? [describeUnreached(unreached)] : []),
    ...stages.flatMap(({ lost }) => (lost.length > 0 ? [describeLost(since, lost)] : [])),
    ...stages
      .filter(({ members }) => members > 0)
      .map(({ group }) => `${group} is running: nothing can be ordered until it is stopped.`),
  ]
  return sections.join('\n\n')
}

function describeUnits(units: ReplayPlan['units']): string {
  const counts = countsOf(units)
  const runs = counts.filter(({ then }) => then === 'runs').reduce((sum, it) => sum + it.units, 0)
  const rows = counts.map(it => [it.before, FATES[it.then], String(it.units)])
  return (
    `${table(['unit is', 'then it', 'units'], rows)}\n\n` +
    `${units.length} units of ${visitsOf(units).length} visits reopen; ${runs} run again`
  )
}

function describeUnreached(unreached: ReplayPlan['unreached']): string {
  const counts = countsOf(unreached.map(unit => ({ ...unit, then: 'untouched' as const })))
  return (
    `${unreached.length} units of that time are not committed and not reached ` +
    `(${counts.map(({ before, units }) => `${units} ${before}`).join(', ')}): no event that is read again tells of them. ` +
    'Choose an earlier time, or add the stages before'
  )
}

function describeLost(since: Instant, lost: ReplayPlan['stages'][number]['lost']): string {
  const rows = lost.map(({ input, keptFrom }) => [input, timeOf(keptFrom)])
  return `${table(['input', 'kept from'], rows)}\n\nRetention has taken what these held from ${timeOf(since)} on until then: that cannot be replayed`
}
