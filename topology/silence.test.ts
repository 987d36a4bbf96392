import { describe, expect, it } from 'vitest'
import { askAfter, heard, judge, type Silence } from './silence.ts'

const rules = { silenceMs: 60_000, toleranceMs: 10_000 }
const at = (seconds: number) => seconds * 1000
const first = (): Silence => heard(undefined, 'a', at(0))
const nothing = { count: 0, newest: 0 }
const some = { count: 3, newest: at(34) }

describe('silence', () => {
  it('asks the bucket when the ends have stood still for long enough, for what is surely younger', () => {
    expect(askAfter(first(), rules, at(59))).toBeUndefined()
    expect(askAfter(first(), rules, at(60))).toBe(at(10))
  })
  it('begins anew with every movement', () => {
    const moved = heard(heard(first(), 'a', at(50)), 'b', at(55))
    expect(moved).toMatchObject({ movedAt: at(55), isBack: false })
    expect(askAfter(moved, rules, at(114))).toBeUndefined()
  })
  it('of an empty bucket is no alarm, and the bucket is asked again at the next look', () => {
    const quiet = judge(first(), nothing, at(60))
    expect(quiet.alarm).toBeNull()
    expect(askAfter(quiet, rules, at(61))).toBe(at(10))
  })
  it('beside new objects is an alarm, repeated once per period and counted', () => {
    const once = judge(first(), some, at(60))
    expect(once.alarm).toEqual({ since: at(60), last: at(60), times: 1 })
    expect(askAfter(once, rules, at(119))).toBeUndefined()
    expect(askAfter(once, rules, at(120))).toBe(at(10))
    expect(judge(once, some, at(120)).alarm).toEqual({ since: at(60), last: at(120), times: 2 })
  })
  it('ends when notifications move again, and says so once', () => {
    const back = heard(judge(first(), some, at(60)), 'b', at(70))
    expect(back).toMatchObject({ alarm: null, isBack: true })
    expect(heard(back, 'b', at(71)).isBack).toBe(false)
  })
})
