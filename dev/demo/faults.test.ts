import { expect, it } from 'vitest'
import type { DetectorResult, LogeventNextVisit, Parked, Visit } from '../../schemas/avro/generated.ts'
import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import { planAdversity } from '../night/adversity/plan.ts'
import type { Switch } from '../night/adversity/switches.ts'
import { planNight } from '../night/plan.ts'
import { expectedUnits } from './account.ts'
import { accountOf } from './faults.ts'
import type { Outside } from './outside.ts'

/** A night of three visits of one detector, on which these may go wrong, as it looks where nothing did. */
function night(...switches: readonly Switch[]) {
  const options = { seed: 1, instrument: 'LATISS', visits: 3 } as const
  const adversity = planAdversity({ ...options, switches })
  const plan = planNight({
    ...options,
    unusual: adversity.unusual,
    size: 128,
    pixels: false,
    start: Date.UTC(2026, 10, 22, 3),
  })
  const units = expectedUnits(plan).map(
    (unit, i) => ({ unit, ...place(i), terminal: 'published', completeness: 'complete', tries: 1 }) as UnitSummary,
  )
  function place(i: number) {
    return { instrument: 'LATISS', group: plan.visits[i]!.group, detector: 0 }
  }
  const outside: Outside = {
    announcements: [],
    told: new Map(),
    parked: [],
    visits: [],
    arrivals: new Map(),
    asked: new Set(),
    late: new Set(),
    unclaimed: [],
    results: plan.visits.map((_, i) => place(i) as DetectorResult),
  }
  const first = units[0]!
  const rest = units.slice(1)
  return {
    ...{ plan, outside, first },
    account: (seen: Partial<Outside> = {}, changed: Partial<UnitSummary> = {}, unwatched: readonly Switch[] = []) =>
      accountOf(
        { plan, adversity, units: [{ ...first, ...changed }, ...rest], poison: [], bystanders: [], unwatched },
        { ...outside, ...seen },
      ),
  }
}

it('finds no fault with a quiet night that went well, and counts no switch', () => {
  expect(night().account()).toMatchObject({ counters: [], others: [], faults: [] })
})

it('does not take a unit that nothing befell for accounted for because it has ended', () => {
  const { account, first } = night()
  expect(account({}, { terminal: 'failed', completeness: null, detail: 'no template' }).faults).toEqual([
    `${first.unit}: nothing befell it, and it ended failed, no template`,
  ])
  expect(account({}, { terminal: null }).faults).toEqual([`${first.unit}: without an end, or not expected`])
})

it('holds every switch that is off against nothing', () => {
  const { account, first } = night()
  expect(account({ asked: new Set([first.unit]) }).faults).toEqual([
    `lost-notification: ${first.unit}: seen, not planned`,
  ])
  expect(account({}, { tries: 2 }).faults).toEqual([`worker-killed: ${first.unit}: seen, not planned`])
  expect(account({}, { tries: 2 }, ['worker-killed']).faults).toEqual([])
})

it('tells of records that are late, unclaimed, told twice or parked, and were not to be', () => {
  const { account, first, outside } = night()
  expect(account({ late: new Set([first.unit]) }).faults).toEqual([`${first.unit}: a raw came late, not planned`])
  expect(account({ unclaimed: [first.unit] }).faults).toEqual([`${first.unit}: a raw that nobody announced`])
  expect(account({ results: [...outside.results, outside.results[0]!] }).faults).toEqual([
    `${first.unit}: told 2 times on detector-result`,
  ])
  const parked = (topic: string): Parked => ({ topic, partition: 0, offset: 7n, code: 'bad', reason: 'x' }) as Parked
  expect(account({ parked: [parked('detector-job')] }).faults).toEqual(['detector-job/0/7 bad: parked, not planned: x'])
  expect(account({ parked: [parked('control')] }).faults).toEqual([
    'poison-control: control/0/7 bad: seen, not planned',
  ])
  const recordValue = Buffer.from('{"Records":[{"s3":{"object":{"key":"a"}}},{"s3":{"object":{"key":"b"}}}]}')
  expect(account({ parked: [{ ...parked('raw-notification'), recordValue }] }).faults).toEqual([
    'raw-notification/0/7 bad: parked, not planned: x',
  ])
})

it('takes a visit that was announced twice for well only where it was fanned out once', () => {
  const { account, plan } = night('duplicate-announcement')
  const twice = (group: string) => Array.from({ length: 2 }, () => ({ instrument: 'LATISS', groupId: group }))
  const announcements = plan.visits.flatMap(({ group }) => twice(group)) as unknown as LogeventNextVisit[]
  const visit = (group: string) =>
    ({ announcement: { instrument: 'LATISS', group }, masked: [], at: 0 }) as unknown as Visit & { at: number }
  const [planned] = account().counters[0]!.faults
  const group = plan.visits.find(it => planned!.includes(it.group))!.group
  const sent = announcements.filter(({ groupId }) => groupId === group)
  expect(account({ announcements: sent, visits: [visit(group)] }).faults).toEqual([])
  for (const visits of [[], [visit(group), visit(group)]])
    expect(account({ announcements: sent, visits }).faults).toEqual([
      `duplicate-announcement: LATISS/${group}: planned, not seen`,
    ])
})
