import { expect, it } from 'vitest'
import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import type { NightPlan } from '../night/plan.ts'
import type { PlayedRaw } from '../night/play.ts'
import { keepingUp } from './keeping-up.ts'

const plan = { visits: ['a', 'b'].map(group => ({ group, exposures: [{}] })) } as unknown as NightPlan
const raw = (group: string, putAt: number, detector = 0) =>
  ({ group, detector, putAt, notifiedAt: putAt + 100 }) as PlayedRaw
const raws = [raw('a', 0), raw('a', 500, 1), raw('b', 35_000), raw('b', 35_500, 1)]
const unit = (more: Partial<UnitSummary>) =>
  ({
    ...{ group: 'a', detector: 0, deadline: 40_000, readyAt: 2000, publishedAt: 9000 },
    ...{ terminal: 'published', completeness: 'complete', ...more },
  }) as UnitSummary

it('counts units that were ready, and not told of when the next raws came', () => {
  const count = (more: Partial<UnitSummary>) => keepingUp(plan, raws, [unit(more)]).undrained
  expect(count({})).toBe(0)
  expect(count({ publishedAt: 36_000 })).toBe(1)
  expect(count({ publishedAt: null })).toBe(1)
  expect(count({ readyAt: 41_000, publishedAt: 42_000 }), 'waited for its deadline').toBe(0)
  expect(count({ group: 'b', deadline: 90_000, readyAt: 36_000, publishedAt: 80_000 }), 'no visit after it').toBe(0)
})

it('counts units that are missed or partial although all their raws were put in time', () => {
  const count = (more: Partial<UnitSummary>) => keepingUp(plan, raws, [unit(more)]).lateByUs
  expect(count({})).toBe(0)
  expect(count({ terminal: 'missed', completeness: null })).toBe(1)
  expect(count({ completeness: 'partial' })).toBe(1)
  expect(count({ terminal: 'missed', completeness: null, deadline: 50 }), 'put after its deadline').toBe(0)
  expect(count({ terminal: 'missed', completeness: null, detector: 2 }), 'never put').toBe(0)
})
