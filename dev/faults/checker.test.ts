import { describe, expect, it } from 'vitest'
import { broken, disagreements } from './checker.ts'

const once = <T>(...all: T[]) => new Map(all.map(it => [it, 1]))

describe('the checker', () => {
  it('finds nothing where each DiaSource has one alert and each unit one result', () => {
    expect(disagreements(new Set([1n, 2n]), ['a', 'b'], once(1n, 2n), once('a', 'b'))).toEqual([])
  })

  it.each([
    { what: 'a lost alert', alerts: once(1n), results: once('a', 'b'), says: '1 DiaSources without alert: 2' },
    { what: 'an alert of nothing', alerts: once(1n, 2n, 3n), results: once('a', 'b'), says: '1 alerts of no DiaSource: 3' }, // prettier-ignore
    { what: 'a doubled alert', alerts: new Map([...once(1n), [2n, 2]]), results: once('a', 'b'), says: '1 alerts sent more than once: 2' }, // prettier-ignore
    { what: 'a lost result', alerts: once(1n, 2n), results: once('a'), says: '1 units that ended and were not told of: b' }, // prettier-ignore
    { what: 'a doubled result', alerts: once(1n, 2n), results: new Map([...once('a'), ['b', 2]]), says: '1 attempts told of more than once: b' }, // prettier-ignore
  ])('finds $what', ({ alerts, results, says }) => {
    expect(disagreements(new Set([1n, 2n]), ['a', 'b'], alerts, results)).toEqual([says])
  })

  it('finds a commit that is missing, repeated or goes back; after compaction only what does not go on', () => {
    expect(broken([4, 5, 6], 3, false)).toEqual([])
    expect(broken([5, 6], 3, false)).toEqual([5])
    expect(broken([4, 4, 5], 3, false)).toEqual([4])
    expect(broken([5, 9], 3, true)).toEqual([])
    expect(broken([5, 4], 3, true)).toEqual([4])
  })
})
