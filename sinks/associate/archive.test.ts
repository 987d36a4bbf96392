import fc from 'fast-check'
import { expect, it } from 'vitest'
import { commitKey } from './archive.ts'

it('names commits so that names in order are commits in order, and no two times share one', () => {
  const mjd = fc.double({ min: 58_000, max: 99_999, noNaN: true })
  fc.assert(
    fc.property(mjd, mjd, (a, b) => {
      const [first, second] = [commitKey(a, 'LATISS/g/0', 0), commitKey(b, 'LATISS/g/0', 0)]
      expect(Math.sign(first < second ? -1 : first > second ? 1 : 0)).toBe(Math.sign(a - b))
    }),
  )
  // Neighbours that a double can tell apart: the hardest case for twelve digits.
  for (const time of [58_000.1, 61_365.104166666664, 99_998.9]) {
    const next = time + 2 ** -36
    expect(commitKey(next, 'u', 0) > commitKey(time, 'u', 0)).toBe(true)
    expect(Number(/commits\/(.*)\/u@0/.exec(commitKey(time, 'u', 0))![1])).toBe(time)
  }
})
