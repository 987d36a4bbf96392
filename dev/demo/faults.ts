import { setTimeout as sleep } from 'node:timers/promises'
import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import type { LogClient } from '../../streams/log-client.ts'
import { cleanUnits, expectedOf } from '../night/adversity/expected.ts'
import type { Adversity } from '../night/adversity/plan.ts'
import type { Switch } from '../night/adversity/switches.ts'
import type { NightPlan } from '../night/plan.ts'
import { expectedUnits, unaccountedUnits } from './account.ts'
import type { Observed } from './observe.ts'
import { type Counter, countersOf, isPublishedWhole, strayParked } from './observed.ts'
import { type Outside, readOutside, unitOf } from './outside.ts'

/** A night that is over, and what was to become of it. */
export interface PlayedNight extends Pick<Observed, 'units' | 'poison' | 'bystanders'> {
  readonly plan: NightPlan
  readonly adversity: Adversity
  /** Switches whose sign means nothing tonight, since somebody does by hand what they do: kills workers, say. */
  readonly unwatched?: readonly Switch[]
}

/** A night held against its plan. */
export interface Account {
  readonly outside: Outside
  /** Of the switches that were on. */
  readonly counters: readonly Counter[]
  /** All that is not as planned and that no switch counts, a sentence each. */
  readonly others: readonly string[]
  /** All that is not as planned: that of the counters, too. */
  readonly faults: readonly string[]
}

/**
 * Holds a night against its plan: every switch shows what it was to show, and one that is off nothing; a unit that nothing befell is
 * published and complete; each unit has ended, was expected, and was told of once; no record is parked, late or unclaimed that was not to be.
 */
export function accountOf(night: PlayedNight, outside: Outside): Account {
  const { plan, adversity, units, poison, bystanders, unwatched = [] } = night
  const planned = expectedOf(adversity, plan)
  const seen = { units, poison, bystanders, outside }
  const all = countersOf(planned, seen).filter(it => !unwatched.includes(it.switch))
  const isOn = (it: Counter) => planned[it.switch] !== undefined
  const late = planned['late-raw'] ?? []
  const others = [
    ...unaccountedUnits(expectedUnits(plan, planned['masked-detector']), units).map(
      unit => `${unit}: without an end, or not expected`,
    ),
    ...notWhole(units, cleanUnits(adversity, plan)),
    ...notToldOnce(units, outside.results.map(unitOf)),
    ...sentences(all.filter(it => !isOn(it))),
    ...strayParked(planned, seen),
    ...[...outside.late].filter(unit => !late.includes(unit)).map(unit => `${unit}: a raw came late, not planned`),
    ...outside.unclaimed.map(unit => `${unit}: a raw that nobody announced`),
  ]
  const counters = all.filter(isOn)
  return { outside, counters, others, faults: [...sentences(counters), ...others] }
}

/** How long the last records of a night may take to what tells of them, ms: a late raw, a sidecar that is waited for. */
const SETTLING_MS = 20_000

/** Reads the topics, from these offsets where they are given, until all is as planned, or for as long as that may take. */
export async function accountWhenSettled(
  client: LogClient,
  night: PlayedNight,
  signal?: AbortSignal,
  from?: ReadonlyMap<string, bigint>,
): Promise<Account> {
  for (const patience = Date.now() + SETTLING_MS; ; await sleep(500)) {
    signal?.throwIfAborted()
    const account = accountOf(night, await readOutside(client, from))
    if (account.faults.length === 0 || Date.now() > patience) return account
  }
}

const sentences = (counters: readonly Counter[]): string[] =>
  counters.flatMap(({ switch: name, faults }) => faults.map(fault => `${name}: ${fault}`))

/** Those that have not ended are told of elsewhere. */
function notWhole(units: readonly UnitSummary[], clean: readonly string[]): string[] {
  const isClean = new Set(clean)
  return units
    .filter(it => isClean.has(it.unit) && it.terminal !== null && !isPublishedWhole(it))
    .map(({ unit, terminal, completeness, detail }) => {
      const end = [terminal, completeness, detail].filter(Boolean).join(', ')
      return `${unit}: nothing befell it, and it ended ${end}`
    })
}

/** Each unit is told of in one result: sentences about those that are not. */
function notToldOnce(units: readonly UnitSummary[], told: readonly string[]): string[] {
  const times = new Map<string, number>()
  for (const unit of told) times.set(unit, (times.get(unit) ?? 0) + 1)
  return units.flatMap(({ unit }) =>
    times.get(unit) === 1 ? [] : [`${unit}: told ${times.get(unit) ?? 0} times on detector-result`],
  )
}
