import { describe, expect, it } from 'vitest'
import { NIGHT } from '../topology/testing/announcements.ts'
import { holdOf, type HoldOrder } from './hold.ts'

const order = (more: Partial<HoldOrder> = {}): HoldOrder => ({ kind: 'hold', reason: 'dome', by: 'ann', ...more })

describe('an order about time', () => {
  it('says until when, and names no instrument', () => {
    expect(holdOf(order({ for: '30m' }), NIGHT)).toEqual({
      ...{ kind: 'hold', instrument: '', detector: null, reason: 'dome', by: 'ann', until: NIGHT + 1_800_000 },
    })
    expect(holdOf(order({ kind: 'release' }), NIGHT)).toMatchObject({ kind: 'release', until: null })
  })
  it.each<[Partial<HoldOrder>, string]>([
    [{}, 'say how long with --for or --until'],
    [{ for: '13h' }, 'allowed is an end after that, by 12 hours at most'],
    [{ until: '2020-02-25T09:00:00Z' }, 'allowed is an end after that'],
    [{ for: 'long' }, '--for is "long"; allowed are 90s'],
    [{ for: '1h', reason: ' ' }, '--reason is blank'],
    [{ for: '1h', by: '' }, '--by is blank'],
  ])('%j is refused with what is allowed', (more, sentence) => {
    expect(() => holdOf(order(more), NIGHT)).toThrow(sentence)
  })
})
