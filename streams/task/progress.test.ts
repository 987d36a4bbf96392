import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Progress } from './progress.ts'

describe('Progress', () => {
  it('stays at the first record that is not done, and knows those above that are', () => {
    const progress = new Progress(5n)
    for (const offset of [5n, 6n, 7n]) {
      expect(progress.take(offset)).toBe(true)
      progress.moveTo(offset + 1n)
    }
    progress.finish(6n)
    expect([progress.low, progress.done, progress.held]).toEqual([5n, [6n], 3])
    progress.finish(5n)
    expect([progress.low, progress.done]).toEqual([7n, []])
    progress.finish(7n)
    expect([progress.low, progress.done, progress.held]).toEqual([8n, [], 0])
  })

  it('moves over markers and gaps', () => {
    const progress = new Progress(0n)
    progress.moveTo(4n)
    expect(progress.low).toBe(4n)
  })

  it('does not give out again what was done before a restart, and forgets that when it has been passed', () => {
    const progress = new Progress(5n, [6n])
    expect([5n, 6n, 7n].map(offset => progress.take(offset))).toEqual([true, false, true])
    progress.moveTo(8n)
    expect([progress.low, progress.done]).toEqual([5n, [6n]])
    progress.finish(5n)
    expect([progress.low, progress.done]).toEqual([7n, []])
  })

  it('never does a record twice or loses one, whatever the order of completion and of restarts', () => {
    const plan = fc.record({
      count: fc.integer({ min: 1, max: 30 }),
      choices: fc.array(fc.nat(1000), { maxLength: 200 }),
    })
    fc.assert(
      fc.property(plan, ({ count, choices }) => {
        const did: bigint[] = []
        let progress = new Progress(0n)
        let running: bigint[] = []
        let next = 0n
        for (const choice of [...choices, ...Array.from({ length: 4 * count }, (_, i) => 10 + i)]) {
          if (choice < 10) {
            progress = new Progress(progress.low, progress.done)
            next = progress.low
            running = []
          } else if (choice % 2 && next < count) {
            if (progress.take(next)) running.push(next)
            progress.moveTo(++next)
          } else if (running.length > 0) {
            const [offset] = running.splice(choice % running.length, 1)
            progress.finish(offset!)
            did.push(offset!)
          }
        }
        expect(new Set(did).size).toBe(did.length)
        expect(progress.low).toBeLessThanOrEqual(next)
        for (let offset = 0n; offset < progress.low; offset++) expect(did).toContain(offset)
      }),
    )
  })
})
