import { type UnitState, type UnitSummary, unitsSummary } from '../sinks/ledger/summary.ts'
import type { Config } from '../streams/main/config.ts'
import { dayObsOf } from '../topology/identifiers.ts'
import type { Instant } from '../topology/model/time.ts'
import { rangesOf } from './detectors.ts'
import { countsOf, json, nightOf, readLedger } from './ledger.ts'
import { table } from './table.ts'

export interface UnitsOptions {
  readonly json: boolean
  readonly group?: string
  readonly instrument?: string
  readonly state?: UnitState
  /** YYYYMMDD */
  readonly night?: string
  readonly deferred?: boolean
  readonly failed?: boolean
  readonly all?: boolean
}

/**
 * Prints units by deadline, of tonight and what is open of other nights, unless a night, a group or all are asked for: one a line, with what it waits for or how it ended, then how many are in which state. With `deferred` the list
 * of the next day's work: one line per visit.
 */
export async function showUnits(
  config: Config,
  options: UnitsOptions,
  print: (text: string) => void,
  now: Instant = Date.now(),
): Promise<void> {
  const isTonight = !(options.all || options.deferred || (options.night ?? options.group) !== undefined)
  const night = isTonight ? String(dayObsOf(now)) : options.night
  const state = options.deferred ? 'deferred' : options.failed ? 'failed' : options.state
  const units = await readLedger(config, pool =>
    unitsSummary(pool, {
      ...(options.group !== undefined && { group: options.group }),
      ...(options.instrument !== undefined && { instrument: options.instrument }),
      ...(state !== undefined && { state }),
      ...(night !== undefined && { deadlines: nightOf(night), orOpen: isTonight }),
    }),
  )
  if (options.deferred) {
    const visits = nextDay(units)
    if (options.json) return print(json(visits))
    if (visits.length === 0) return print('Nothing was deferred.')
    print(
      table(
        ['deadline (UTC)', 'instrument', 'group', 'units', 'detectors', 'reason'],
        visits.map(it => [
          ...[stamp(it.deadline), it.instrument, it.group, String(it.detectors.length)],
          ...[rangesOf(it.detectors), `${it.reason}: ${it.detail}`],
        ]),
      ),
    )
    return print(`\n${units.length} units of ${visits.length} visits are deferred`)
  }
  if (options.json) return print(json(units))
  print(table(['unit', 'inputs', 'state', 'tries', 'detail'], units.map(lineOf)))
  print(`\n${units.length} units${units.length > 0 ? `: ${countsOf(units)}` : ''}`)
  if (isTonight)
    print(
      `of the night ${night}, or not ended; another night: --night YYYYMMDD; one visit: --group; all there are: --all`,
    )
}

const lineOf = (unit: UnitSummary): string[] => [
  unit.unit,
  unit.inputs + (unit.completeness ? ` (${unit.completeness})` : ''),
  unit.state,
  unit.tries > 1 ? `${unit.tries} tries` : '',
  [unit.state === 'published' && `${unit.diaSources} sources, ${unit.diaObjects} new objects`, unit.detail]
    .filter(Boolean)
    .join('; '),
]

/** A visit on the list of the next day: what a downtime left undone. */
export interface DeferredVisit {
  readonly instrument: string
  readonly group: string
  readonly detectors: readonly number[]
  readonly deadline: number
  readonly reason: string | null
  readonly detail: string | null
}

/** Deferred units by visit and reason, in their order. */
export function nextDay(units: readonly UnitSummary[]): DeferredVisit[] {
  const visits = new Map<string, UnitSummary[]>()
  for (const unit of units) {
    const key = JSON.stringify([unit.instrument, unit.group, unit.reason, unit.detail])
    visits.set(key, [...(visits.get(key) ?? []), unit])
  }
  return [...visits.values()].map(those => {
    const { instrument, group, deadline, reason, detail } = those[0]!
    const detectors = those.map(unit => unit.detector).sort((a, b) => a - b)
    return { instrument, group, detectors, deadline, reason, detail }
  })
}

const stamp = (instant: number): string => new Date(instant).toISOString().slice(0, 19).replace('T', ' ')
