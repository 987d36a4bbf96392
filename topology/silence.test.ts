import { describe, expect, it } from 'vitest'
import { askFor, heard, judge, type Silence } from './silence.ts'

const rules = { silenceMs: 60_000, toleranceMs: 10_000 }
const at = (seconds: number) => seconds * 1000
const first = (): Silence => heard(undefined, 'a', at(0))
const ask = (silence: Silence, seconds: number) => askFor(silence, rules, at(seconds))
const nothing = { count: 0, newest: 0 }
const some = { count: 3, newest: at(34) }
const after = (silence: Silence, found: typeof some, seconds: number) => judge(silence, found, rules, at(seconds))

describe('silence', () => {
  it('asks the bucket when the ends have stood still for long enough, for what surely should have been told', () => {
    expect(ask(first(), 59)).toBeUndefined()
    expect(ask(first(), 60)).toEqual({ from: at(10), upTo: at(50) })
  })
  it('begins anew with every movement', () => {
    const moved = heard(heard(first(), 'a', at(50)), 'b', at(55))
    expect(moved).toMatchObject({ movedAt: at(55), isBack: false })
    expect(ask(moved, 114)).toBeUndefined()
  })
  it('of an empty bucket is no alarm, and the bucket is asked again at the next look', () => {
    const quiet = after(first(), nothing, 60)
    expect(quiet.alarm).toBeNull()
    expect(ask(quiet, 61)).toEqual({ from: at(10), upTo: at(51) })
  })
  it('beside new objects is an alarm, repeated once per period, for newer objects alone, and counted', () => {
    const once = after(first(), some, 60)
    expect(once.alarm).toEqual({ since: at(60), last: at(60), times: 1 })
    expect(ask(once, 119)).toBeUndefined()
    expect(ask(once, 120)).toEqual({ from: at(34) + 1, upTo: at(110) })
    expect(after(once, { count: 1, newest: at(68) }, 120)).toMatchObject({
      reported: at(68),
      alarm: { since: at(60), last: at(120), times: 2 },
    })
  })
  it('is over when nothing newer appears for ten periods, and what was reported is not asked for again', () => {
    const once = after(first(), some, 60)
    expect(after(once, nothing, 659)).toBe(once)
    const over = after(once, nothing, 660)
    expect(over.alarm).toBeNull()
    expect(ask(over, 700)).toEqual({ from: at(34) + 1, upTo: at(690) })
    expect(after(over, { count: 1, newest: at(690) }, 700).alarm).toEqual({ since: at(700), last: at(700), times: 1 })
  })
  it('ends when notifications move again, and says so once', () => {
    const back = heard(after(first(), some, 60), 'b', at(70))
    expect(back).toMatchObject({ reported: null, alarm: null, isBack: true })
    expect(heard(back, 'b', at(71)).isBack).toBe(false)
  })
})
