import { describe, expect, it } from 'vitest'
import { NIGHT } from '../../topology/testing/announcements.ts'
import { arrivalFaults, idsOfOrders } from './checks.ts'

const ORDERED_AT = 1_000
const told = (what: string, replay: number, at = 500) => ({ what, at, replay })

describe('the arrivals of a night', () => {
  it('are told once each', () => {
    expect(arrivalFaults(['a', 'b', 'b'], [told('a', 0), told('b', 0), told('b', 0)])).toEqual([])
    expect(arrivalFaults(['a', 'b'], [told('b', 0), told('b', 0)])).toEqual([
      'arrivals: a is missing',
      'arrivals: b is too much',
    ])
  })

  it('may be told first in a replay, where they were under way when the order was given', () => {
    expect(arrivalFaults(['a', 'b'], [told('a', 7), told('b', 0), told('b', 7)], ORDERED_AT)).toEqual([])
  })

  it('bear no mark of a replay that nobody ordered, nor where they entered after the order', () => {
    const faults = ['arrivals: a is missing', 'arrivals: a bears the mark of a replay that cannot have read it']
    expect(arrivalFaults(['a'], [told('a', 7)])).toEqual(faults)
    expect(arrivalFaults(['a'], [told('a', 7, ORDERED_AT + 1)], ORDERED_AT)).toEqual(faults)
  })

  it('are told once in a replay', () => {
    const twice = [told('a', 0), told('a', 7), told('a', 7)]
    expect(arrivalFaults(['a'], twice, ORDERED_AT)).toEqual(['arrivals: a is too much in the replay'])
  })
})

describe('the ids of the orders that a task took', () => {
  const commit = (watermark: number | null, id: number) => ({ watermark, replay: { id, until: {}, seen: 0 } })

  it('are times of the night, each said once', () => {
    const [before, after] = [NIGHT + 1_000, NIGHT + 2_000]
    const commits = [commit(before, 0), commit(null, before), commit(after, before), commit(null, after)]
    expect(idsOfOrders(commits)).toEqual([before, after])
  })

  it('count from 1 where it had known no time', () => {
    expect(idsOfOrders([commit(null, 0), commit(null, 1), commit(NIGHT, 1)])).toEqual([1])
  })

  it('are none where it had known one and counts all the same', () => {
    expect(idsOfOrders([commit(NIGHT, 0), commit(null, 1)])).toEqual([])
  })
})
