import { describe, expect, it } from 'vitest'
import { closingLine, readCounts, sumOf, verdict } from './counts.ts'

const counts = (passed: number, failed: number, skipped: number) => ({ passed, failed, skipped })

describe('the closing line', () => {
  it.each([
    [counts(12, 0, 0), '12 passed, 0 failed'],
    [counts(12, 3, 0), '12 passed, 3 failed'],
    [counts(12, 0, 1), '12 passed, 0 failed, 1 skipped'],
  ])('of %o is "%s"', (found, line) => expect(closingLine(found)).toBe(line))
})

it('adds up what several runs came to', () => {
  expect([counts(3, 1, 0), counts(4, 0, 2)].reduce(sumOf)).toEqual(counts(7, 1, 2))
})

describe('the verdict', () => {
  it('is success when something passed, nothing failed and vitest agrees', () => {
    expect(verdict(counts(3, 0, 1), 0)).toEqual({ counts: counts(3, 0, 1), exitCode: 0 })
  })

  it('fails with failed tests, whatever vitest says', () => {
    expect(verdict(counts(3, 2, 0), 0)).toEqual({ counts: counts(3, 2, 0), exitCode: 1 })
  })

  it('counts a run that never reported as a failure', () => {
    expect(verdict(undefined, 137)).toMatchObject({ counts: counts(0, 1, 0), exitCode: 137 })
  })

  it('counts a run that vitest calls failed, without a failed test, as a failure', () => {
    expect(verdict(counts(3, 0, 0), 1)).toMatchObject({ counts: counts(3, 1, 0), exitCode: 1 })
  })

  it('counts a run in which nothing passed as a failure', () => {
    expect(verdict(counts(0, 0, 4), 0)).toMatchObject({ counts: counts(0, 1, 4), exitCode: 1 })
  })

  it('takes a missing file for a run that never reported', () => {
    expect(readCounts('does/not/exist.json')).toBeUndefined()
  })
})
