import { describe, expect, it } from 'vitest'
import { NIGHT } from '../topology/testing/announcements.ts'
import { holdOf, outcomeOf, type HoldOrder } from './hold.ts'

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

describe('what is said of an order that was given', () => {
  const given = holdOf(order({ for: '30m' }), NIGHT)
  const force = { reason: 'dome', by: 'ann', since: NIGHT, until: NIGHT + 1_800_000 }
  const now = NIGHT + 10
  it('is what is in force then', () => {
    expect(outcomeOf(given, force, now, 3_600)).toMatch(/^Time is withheld since .*: dome \(ann\)$/)
    expect(outcomeOf(holdOf(order({ kind: 'release' }), NIGHT), undefined, now, 3_600)).toBe('Time goes on.')
  })
  it('names what a long one costs, also where it was made long by a second order', () => {
    const cost = 'deferred; a replay of exposure-window brings them back'
    expect(outcomeOf(given, force, now, 600)).toContain(cost)
    expect(outcomeOf(given, { ...force, since: NIGHT - 1_800_001 }, now, 3_600)).toContain(cost)
  })
  it.each([undefined, { ...force, until: force.until - 1 }, { ...force, by: 'eve' }])(
    'fails where that is %o',
    hold => {
      expect(() => outcomeOf(given, hold, now, 3_600)).toThrow('not in force')
    },
  )
  it('fails where a release lets nothing go on', () => {
    expect(() => outcomeOf(holdOf(order({ kind: 'release' }), NIGHT), force, now, 3_600)).toThrow('not in force')
  })
})
