import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Deadlines } from './deadlines.ts'

const drain = (deadlines: Deadlines, t: number): [number, string][] => {
  const fired: [number, string][] = []
  for (let next = deadlines.dueBy(t); next; next = deadlines.dueBy(t)) {
    fired.push([next.due, next.key])
    deadlines.set(next.key, undefined)
  }
  return fired
}

describe('Deadlines', () => {
  it('gives what is due by (deadline, key), and only what is due', () => {
    const deadlines = new Deadlines()
    deadlines.set('b', 5)
    deadlines.set('a', 5)
    deadlines.set('c', 3)
    deadlines.set('d', 6)
    expect(drain(deadlines, 5)).toEqual([
      [3, 'c'],
      [5, 'a'],
      [5, 'b'],
    ])
    expect(drain(deadlines, 6)).toEqual([[6, 'd']])
  })

  it('forgets a deadline that moved, in either direction, or that came back', () => {
    const deadlines = new Deadlines()
    deadlines.set('a', 5)
    deadlines.set('a', 9)
    deadlines.set('a', 5)
    deadlines.set('b', 8)
    deadlines.set('b', 2)
    expect(drain(deadlines, 10)).toEqual([
      [2, 'b'],
      [5, 'a'],
    ])
  })

  it('equals a sorted list, through any sequence of changes', () => {
    const change = fc.record({ key: fc.constantFrom(...'abcdefgh'), due: fc.option(fc.nat(30), { nil: undefined }) })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 300 }), fc.nat(30), (changes, t) => {
        const deadlines = new Deadlines()
        const model = new Map<string, number>()
        for (const { key, due } of changes) {
          deadlines.set(key, due)
          if (due === undefined) model.delete(key)
          else model.set(key, due)
        }
        const due = [...model].map(([key, at]) => [at, key] as [number, string]).filter(([at]) => at <= t)
        expect(drain(deadlines, t)).toEqual(due.sort(([a, k], [b, l]) => a - b || (k < l ? -1 : 1)))
      }),
    )
  })

  it('takes 100,000 keys and as many changes without a scan each', () => {
    const deadlines = new Deadlines()
    const began = performance.now()
    for (let i = 0; i < 100_000; i++) deadlines.set(`k${i}`, 1_000_000 - i)
    for (let i = 0; i < 100_000; i++) deadlines.set(`k${i}`, 2_000_000 - i)
    for (let t = 0; t < 10_000; t++) expect(deadlines.dueBy(t)).toBeUndefined()
    expect(drain(deadlines, 3_000_000)).toHaveLength(100_000)
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})
