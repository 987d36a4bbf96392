import { expect, it } from 'vitest'
import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import { countTerminal, phaseSeconds, unaccountedUnits } from './account.ts'

const unit = (detector: number, terminal: UnitSummary['terminal'], publishedAt: number | null = null) =>
  ({ unit: `LATISS/g/${detector}`, group: 'g', detector, terminal, publishedAt }) as UnitSummary

it('counts every terminal state, the absent ones as 0', () => {
  expect(countTerminal([unit(0, 'published'), unit(1, 'published'), unit(2, 'failed'), unit(3, null)])).toEqual({
    ...{ published: 2, missed: 0, cancelled: 0, ignored: 0, expired: 0, deferred: 0, failed: 1 },
  })
})

it('misses an expected unit that has not ended, one that is not there, and one that nobody expects', () => {
  const expected = ['LATISS/g/0', 'LATISS/g/1', 'LATISS/g/2']
  const units = [unit(0, 'missed'), unit(1, null), unit(9, 'published')]
  expect(unaccountedUnits(expected, units)).toEqual(['LATISS/g/1', 'LATISS/g/2', 'LATISS/g/9'])
})

it('says where the time went, by the median of each phase', () => {
  const at = (start: number) =>
    ({
      ...{ ...unit(0, 'published', start + 15_000), lastRawAt: start, readyAt: start + 1000, leasedAt: start + 3000 },
      ...{ reportedAt: start + 6000, terminalAt: start + 10_000 },
    }) as UnitSummary
  expect(phaseSeconds([at(0), at(50_000), unit(1, 'missed')])).toEqual({
    ...{ 'raw → ready': 1, 'ready → leased': 2, 'leased → reported': 3, 'reported → committed': 4 },
    'committed → published': 5,
  })
})
