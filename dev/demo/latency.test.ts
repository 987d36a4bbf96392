import { expect, it } from 'vitest'
import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import type { PlayedRaw } from '../night/play.ts'
import { latenciesOf } from './latency.ts'

const unit = (detector: number, more: Partial<UnitSummary>) =>
  ({
    ...{
      unit: `LATISS/g/${detector}`,
      group: 'g',
      detector,
      terminal: 'published',
      completeness: 'complete',
      tries: 1,
    },
    ...{ deadline: 20_000, readyAt: 3000, leasedAt: 3000, reportedAt: 4000, publishedAt: 5000, ...more },
  }) as UnitSummary
const raw = (detector: number, putAt: number) => ({ group: 'g', detector, putAt }) as PlayedRaw
const measured = (units: readonly UnitSummary[], workers = 2) =>
  latenciesOf({ units, workers, clean: ['LATISS/g/0', 'LATISS/g/1'], raws: [raw(0, 1000), raw(0, 3000), raw(1, 3000)] })

it('measures from the last raw to the alerts, of units that nothing befell', () => {
  const units = [unit(0, { publishedAt: 5000 }), unit(1, { publishedAt: 9000 }), unit(2, { publishedAt: 99_000 })]
  expect(measured(units).complete).toEqual({ units: 2, p50: 2, p99: 6, limit: 10 })
  expect(measured([]).complete).toBeNull()
  expect(measured(units).slowestByVisit).toEqual([6])
  expect(measured([]).slowestByVisit).toEqual([])
})

it('names the slowest of each visit, in the order of the visits', () => {
  const of = (group: string, publishedAt: number) => unit(0, { unit: `LATISS/${group}/0`, group, publishedAt })
  const units = [of('g2', 7000), of('g1', 9000)]
  const raws = units.map(({ group }) => ({ ...raw(0, 3000), group }))
  const { slowestByVisit } = latenciesOf({ units, raws, clean: units.map(it => it.unit), workers: 1 })
  expect(slowestByVisit).toEqual([6, 4])
})

it('measures from the deadline where that had to pass', () => {
  const units = [
    unit(3, { completeness: 'partial', publishedAt: 23_000 }),
    unit(4, { terminal: 'missed', publishedAt: 21_000 }),
    unit(5, { terminal: 'cancelled', publishedAt: 22_000 }),
    unit(6, { readyAt: 20_500, publishedAt: 24_000 }),
  ]
  const { partial, missed, cancelled, listed } = measured(units)
  expect([partial, missed, cancelled, listed].map(it => it?.p99)).toEqual([3, 1, 2, 4])
})

it('tells waiting for a free worker from waiting beside one', () => {
  // Two workers. The third unit waits for 2 s while both are busy, then 0.5 s although one is free.
  const units = [
    unit(0, { leasedAt: 3000, reportedAt: 5000 }),
    unit(1, { leasedAt: 3000, reportedAt: 6000 }),
    unit(2, { leasedAt: 5500, reportedAt: 7000 }),
  ]
  expect(measured(units)).toMatchObject({ leased: { p99: 2.5 }, leasedWhileFree: { p99: 0.5 } })
  expect(measured(units, 1).leasedWhileFree).toMatchObject({ p99: 0 })
})
