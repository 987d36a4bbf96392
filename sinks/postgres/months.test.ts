import { describe, expect, it } from 'vitest'
import { mjdTaiOfInstant } from '../../topology/model/time.ts'
import { isMadeFrom, monthOf } from './months.ts'

const visit = 2026112100042n
const sameNight = mjdTaiOfInstant(Date.UTC(2026, 10, 22, 4))

describe('months that a commit was made from', () => {
  it.each([
    ['2025-10', false],
    // 360 days before are 26 November.
    ['2025-11', true],
    ['2026-05', true],
    ['2026-11', true],
    ['2026-12', false],
  ])('of 21 November 2026, in the same night: %s %s', (month, is) => {
    expect(isMadeFrom(month, visit, sameNight)).toBe(is)
  })

  it('are also those after it, up to the commit of a replay', () => {
    const replayed = mjdTaiOfInstant(Date.UTC(2027, 1, 3))
    expect(['2026-12', '2027-01', '2027-02', '2027-03'].map(month => isMadeFrom(month, visit, replayed))).toEqual([
      ...[true, true, true],
      false,
    ])
  })

  it('begin with that of the visit, also where its id has a leading 9', () => {
    expect([visit, 92026112100042n].map(monthOf)).toEqual(['2026-11', '2026-11'])
  })
})
