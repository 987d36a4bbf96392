import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Digest } from './digest.ts'

const bytes = (value: string | null) => (value === null ? null : Buffer.from(value))
const digestOf = (states: Iterable<readonly [string, string | null]>) => {
  const digest = new Digest()
  for (const [key, value] of states) digest.set(key, bytes(value))
  return digest.value
}

it('follows from what the states are, and not from how they came to be', () => {
  const changes = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.option(fc.constantFrom('x', 'y', 'z'))))
  fc.assert(
    fc.property(changes, changes => {
      const left = [...new Map(changes)].filter(([, value]) => value !== null)
      expect(digestOf(changes)).toBe(digestOf(left.reverse()))
    }),
  )
})

it('tells sets of states apart', () => {
  const sets = [[], [['a', 'x']], [['a', 'y']], [['b', 'x']], [['a', 'x'], ['b', 'x']], [['ax', '']], [['a', '']]] // prettier-ignore
  expect(new Set(sets.map(set => digestOf(set as [string, string][]))).size).toBe(sets.length)
})
