import { groupOf } from '../../topology/model/names.ts'
import type { Instant } from '../../topology/model/time.ts'
import { stageOf } from '../../topology/model/topology.ts'
import { clock } from '../../topology/streams.ts'
import { parseUnitKey } from '../../topology/identifiers.ts'
import type { UnitStanding } from '../../sinks/ledger/replays.ts'
import { at, type LogClient, type TopicPartition } from '../../streams/log-client.ts'
import { recordAt } from '../../streams/task/orders.ts'
import { taskPlans } from '../../streams/task/plan.ts'
import { foresee, offsetsAt, reopensUnits, type Foreseen, type Foresight } from './foresee.ts'

/** What would become of a unit: it `runs` again, ends before it could run, still waits for its raws, or stays as it is. */
export type Fate = 'runs' | 'missed' | 'cancelled' | 'ignored' | 'waits' | 'untouched'
export type Before = UnitStanding['state'] | 'not in the ledger'

export interface PlannedUnit {
  readonly unit: string
  readonly before: Before
  readonly then: Fate
}
export interface PlannedStage {
  readonly stage: string
  readonly group: string
  /** Members of the group now: while there are any, nothing can be ordered. */
  readonly members: number
  /** Offsets that are read again, over all inputs but the clock. */
  readonly offsets: number
  /** Inputs of which retention has taken what came before this. */
  readonly lost: readonly { readonly input: string; readonly keptFrom: Instant }[]
}
export interface ReplayPlan {
  readonly since: Instant
  readonly stages: readonly PlannedStage[]
  readonly units: readonly PlannedUnit[]
  /** Units of that time that are not committed and that no event would bring again. */
  readonly unreached: readonly { readonly unit: string; readonly before: Before }[]
}

export interface Ledger {
  standingsOf(units: readonly string[]): Promise<ReadonlyMap<string, UnitStanding>>
  notCommittedSince(since: Instant): Promise<readonly UnitStanding[]>
}

/** What a reset of these stages to `since` would come to. Changes nothing. @throws as `foresee` does */
export async function planReplay(foresight: Foresight, ledger: Ledger): Promise<ReplayPlan> {
  const { stages, since } = foresight
  const planned = await Promise.all(stages.map(name => planStage(foresight, name)))
  if (!stages.some(reopensUnits)) return { since, stages: planned, units: [], unreached: [] }
  const foreseen = await foresee(foresight)
  const standings = await ledger.standingsOf([...new Set(foreseen.map(({ unit }) => unit))])
  const units = fatesOf(foreseen, standings)
  const reached = new Set(units.map(({ unit }) => unit))
  const left = (await ledger.notCommittedSince(since)).filter(({ unit }) => !reached.has(unit))
  return { since, stages: planned, units, unreached: left.map(({ unit, state }) => ({ unit, before: state })) }
}

async function planStage({ client, topology, app, since }: Foresight, name: string): Promise<PlannedStage> {
  const plans = taskPlans(app, topology, stageOf(topology, name))
  const group = groupOf(app, name)
  const inputs = plans.flatMap(plan => plan.inputs).filter(({ topic }) => topic !== clock.topic)
  const [from, reached] = [await offsetsAt(client, plans, { since }), await client.committed(group, inputs)]
  const again = from.map(to => Number((reached.get(at(to))?.offset ?? to.offset) - to.offset))
  const offsets = again.reduce((sum, count) => sum + Math.max(0, count), 0)
  const [members, lost] = [await client.members(group), await lostOf(client, inputs, since)]
  return { stage: name, group, members, offsets, lost }
}

/** Where the log does not begin with its first record, and what is kept is younger than `since`: whatever lay between is gone. */
async function lostOf(client: LogClient, inputs: readonly TopicPartition[], since: Instant) {
  const [first, end] = [await client.offsets(inputs, 'earliest'), await client.offsets(inputs, 'latest')]
  const cut = inputs.filter(tp => first.get(at(tp))! > 0n)
  const kept = await Promise.all(
    cut.map(async tp => {
      const record = await recordAt(client, { ...tp, offset: first.get(at(tp))! }, end.get(at(tp))!)
      return { input: at(tp), keptFrom: record?.timestamp }
    }),
  )
  return kept.flatMap(({ input, keptFrom }) =>
    keptFrom !== undefined && keptFrom > since ? [{ input, keptFrom }] : [],
  )
}

const FATES: Readonly<Record<string, Fate>> = {
  ...{ ready: 'runs', missed: 'missed', cancelled: 'cancelled', ignored: 'ignored' },
  ...{ announced: 'waits', withdrawn: 'waits' },
}

/**
 * What the ledger would make of the decisions, by the rule of dispatch: a higher (attempt, number) applies, unless the unit is committed or
 * the attempt has ended. Units of which only their live attempt is decided are left out: that goes on with or without a replay.
 */
export function fatesOf(foreseen: readonly Foreseen[], standings: ReadonlyMap<string, UnitStanding>): PlannedUnit[] {
  const fates = new Map<string, { attempt: number; number: number; then: Fate }>()
  for (const { unit, job } of foreseen) {
    const known = standings.get(unit)
    const before = fates.get(unit) ?? { attempt: known?.attempt ?? 0, number: known?.decision ?? 0 }
    const { attempt, number, kind } = job
    if (attempt <= (known?.attempt ?? 0)) continue
    const isNews = attempt > before.attempt || (attempt === before.attempt && number > before.number)
    if (isNews) fates.set(unit, { attempt, number, then: isCommitted(known) ? 'untouched' : FATES[kind]! })
  }
  return [...fates]
    .map(([unit, { then }]) => ({ unit, before: standings.get(unit)?.state ?? ('not in the ledger' as const), then }))
    .sort((a, b) => (a.unit < b.unit ? -1 : 1))
}

const isCommitted = (unit: UnitStanding | undefined): boolean =>
  unit?.state === 'committed' || unit?.state === 'published'

/** Units by what they are and what they become, largest number first. */
export function countsOf(units: readonly { readonly before: Before; readonly then: Fate }[]) {
  const counts = new Map<string, { before: Before; then: Fate; units: number }>()
  for (const { before, then } of units) {
    const key = `${before} ${then}`
    const count = counts.get(key) ?? { before, then, units: 0 }
    counts.set(key, { ...count, units: count.units + 1 })
  }
  return [...counts.values()].sort((a, b) => b.units - a.units || (a.before < b.before ? -1 : 1))
}

/** The visits of the units, with how many become what. */
export function visitsOf(units: readonly PlannedUnit[]) {
  const visits = new Map<string, { instrument: string; group: string; fates: Partial<Record<Fate, number>> }>()
  for (const { unit, then } of units) {
    const { instrument, group } = parseUnitKey(unit)
    const visit = visits.get(`${instrument}/${group}`) ?? { instrument, group, fates: {} }
    visits.set(`${instrument}/${group}`, visit)
    visit.fates[then] = (visit.fates[then] ?? 0) + 1
  }
  return [...visits.values()]
}
