import { describe, expect, it } from 'vitest'
import type { Run } from './campaign.ts'
import { faultsPage, readResults, renderPage, withRuns } from './page.ts'
import { allFaults } from './rows/all.ts'

const run = (name: string, seed: number, faults: readonly string[] = []): Run => ({
  ...{ name, seed, faults, seconds: 60, recoverySeconds: 3, journal: [] },
})

describe('the page of the fault campaign', () => {
  it('is the one that the kept results give (npm run faults -- --write)', () => {
    const { before, now } = faultsPage()
    expect(before).toBe(now)
  })

  it('says of a fault that did not hold that it did not', () => {
    const [fault] = allFaults
    const page = renderPage([fault!], [run(fault!.name, 1), run(fault!.name, 2, ['a unit was lost'])])
    expect(page).toContain(`1, 2 | –, – | 1 of 2 hold | 3.0, 3.0`)
  })

  it('says of a fault that held, and took longer than it may, that it holds slowly', () => {
    const [fault] = allFaults
    const slow = { ...run(fault!.name, 2), slow: true, commit: 'abcdef0' }
    expect(renderPage([fault!], [slow])).toContain('2 | abcdef0 | holds, slowly | 3.0')
    expect(renderPage([fault!], [run(fault!.name, 1), slow])).toContain('–, abcdef0 | holds, slowly in 1 of 2 | 3.0')
  })
})

it('keeps the last two runs of each fault, and none of what is no fault any more', () => {
  const [first, second] = allFaults as [(typeof allFaults)[0], (typeof allFaults)[0]]
  const kept = [run(first.name, 1), run(first.name, 2), run('gone', 1)]
  const now = withRuns(kept, [run(second.name, 4), run(first.name, 3)], [first, second])
  expect(now.map(({ name, seed }) => `${name} ${seed}`)).toEqual([`${first.name} 2`, `${first.name} 3`, `${second.name} 4`]) // prettier-ignore
})

it('keeps for every fault a run that holds', () => {
  const held = new Set(readResults().flatMap(({ name, faults }) => (faults.length === 0 ? [name] : [])))
  expect(allFaults.map(({ name }) => name).filter(name => !held.has(name))).toEqual([])
})

it('has a name for every fault that no other has', () => {
  const names = allFaults.map(({ name }) => name)
  expect(names).toEqual([...new Set(names)])
})
