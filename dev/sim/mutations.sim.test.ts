import { describe, expect, it } from 'vitest'
import { mutations } from './mutations.ts'
import { simulate } from './simulate.ts'

const SEEDS = 1_000

/** A test of the tests: each of these is what somebody might do, and the simulation must object in the right words. */
describe('the simulation finds', () => {
  it.each(mutations)('$name', async mutation => {
    const found = async (seed: number) =>
      (await simulate(seed, mutation)).faults.some(fault => mutation.finds.test(fault))
    let seed = 1
    while (seed <= SEEDS && !(await found(seed))) seed++
    expect(seed).toBeLessThanOrEqual(SEEDS)
  })
})
