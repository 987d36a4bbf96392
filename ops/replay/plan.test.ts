import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { UnitStanding } from '../../sinks/ledger/replays.ts'
import { decision } from '../../sinks/testing/builders.ts'
import type { DetectorJob } from '../../schemas/avro/generated.ts'
import { isJournaled } from '../../topology/model/names.ts'
import type { Topology } from '../../topology/model/topology.ts'
import { promptTopology } from '../../topology/prompt.ts'
import { instantOf } from '../times.ts'
import { fatesOf, type ReplayPlan } from './plan.ts'
import { comesTo, stagesOf } from './stages.ts'
import { describePlan } from './text.ts'

const topology: Topology = promptTopology()
const standing = (state: UnitStanding['state'], more: Partial<UnitStanding> = {}): UnitStanding => ({
  ...{ unit: 'u', attempt: 0, decision: 2, state, hasEnded: state !== 'ready' },
  ...more,
})
const fates = (jobs: Partial<DetectorJob>[], known?: UnitStanding) =>
  fatesOf(
    jobs.map(job => ({ unit: 'u', job: decision(0, job) })),
    new Map(known ? [['u', known]] : []),
  ).map(({ before, then }) => `${before}: ${then}`)
const again = { attempt: 7 }

describe('what would become of a unit', () => {
  it.each<[string, Partial<DetectorJob>[], UnitStanding | undefined, string[]]>([
    ['missed, and its raws are there now', [again], standing('missed'), ['missed: runs']],
    ['failed', [{ ...again, kind: 'announced', number: 1 }, again], standing('failed'), ['failed: runs']],
    ['missed again', [{ ...again, kind: 'missed' }], standing('missed'), ['missed: missed']],
    ['published', [again], standing('published'), ['published: untouched']],
    ['committed, and not told yet', [again], standing('committed'), ['committed: untouched']],
    ['unknown to the ledger', [again], undefined, ['not in the ledger: runs']],
    ['waiting still', [{ ...again, kind: 'announced', number: 1 }], standing('deferred'), ['deferred: waits']],
    ['only live', [{ attempt: 0 }], undefined, []],
    ['of an older replay than the ledger knows', [{ attempt: 3 }], standing('failed', { attempt: 5 }), []],
    [
      'told in the wrong order',
      [again, { ...again, kind: 'announced', number: 1 }],
      standing('missed'),
      ['missed: runs'],
    ],
    ['reopened by two stages', [{ ...again, kind: 'missed' }, { attempt: 9 }], standing('missed'), ['missed: runs']],
  ])('%s', (_, jobs, known, expected) => {
    expect(fates(jobs, known)).toEqual(expected)
  })
})

it('is said for every stage that can be reset, here and in the manual', () => {
  const resettable = topology.stages.filter(stage => isJournaled(stage) && stage.resets !== 'ignored')
  expect(Object.keys(comesTo)).toEqual(resettable.map(({ name }) => name))
  const manual = readFileSync('docs/replay.md', 'utf8')
  for (const { name } of topology.stages) expect(manual).toMatch(new RegExp(`^\\| (?:[a-z, ]*, )?${name}[ ,]`, 'm'))
})

it('takes the stages that can be reset, and says of the others why not', () => {
  expect(stagesOf(topology, 'fan-out, exposure-window,fan-out')).toEqual(['fan-out', 'exposure-window'])
  expect(() => stagesOf(topology, 'associate')).toThrow(
    /A reset of associate changes nothing.*allowed are fan-out, raw-intake,/,
  )
  expect(() => stagesOf(topology, 'fanout')).toThrow(/There is no stage "fanout"; allowed are fan-out,/)
})

it.each(['yesterday', '2026-02-25', '2026-02-25T03:00:00', '2026-02-30T03:00:00Z'])('%s is no time', text => {
  expect(() => instantOf('--from', text)).toThrow(`--from is "${text}"; a time with its zone like 2026-02-25T09:00:00Z`)
})

it('reads like this', () => {
  const stage = { stage: 'exposure-window', group: 'pp.exposure-window', members: 2, offsets: 12 }
  const plan: ReplayPlan = {
    since: Date.UTC(2026, 1, 25, 3),
    stages: [{ ...stage, lost: [{ input: 'raw-arrival/3', keptFrom: Date.UTC(2026, 1, 25, 4) }] }],
    units: [
      { unit: 'LATISS/g/0', before: 'published', then: 'untouched' },
      { unit: 'LATISS/h/0', before: 'missed', then: 'runs' },
      { unit: 'LATISS/i/0', before: 'missed', then: 'runs' },
    ],
    unreached: [{ unit: 'LATISS/f/0', before: 'failed' }],
  }
  const text = describePlan(plan)
  expect(text).toMatch(
    /missed +runs again +2\npublished +stays: already committed +1\n\n3 units of 3 visits reopen; 2 run again/,
  )
  expect(text).toContain('1 units of that time are not committed and not reached (1 failed)')
  expect(text).toMatch(
    /raw-arrival\/3 +2026-02-25T04:00:00Z\n\nRetention has taken what these held from 2026-02-25T03:00:00Z on/,
  )
  expect(text).toContain('pp.exposure-window is running: nothing can be ordered until it is stopped.')
})
