import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Candidate } from '../../sinks/orders/candidates.ts'
import { selectionOf } from './command.ts'
import { planOf } from './plan.ts'
import { describeOrder, describePlan } from './text.ts'

const candidate = (more: Partial<Candidate> = {}): Candidate => ({
  ...{ unit: 'LATISS/g/0', attempt: 0n, told: true, committed: 3, bytes: 300n, digest: 'ab' },
  ...{ sources: [1n, 2n, 3n], withdrawn: [], earlier: [] },
  ...more,
})

describe('a plan', () => {
  it('has what is out, and says what is not in it and why', () => {
    const plan = planOf(
      [
        candidate(),
        candidate({ unit: 'LATISS/h/0', withdrawn: [2n] }),
        candidate({ unit: 'LATISS/i/0', told: false }),
        candidate({ unit: 'LATISS/j/0', committed: 4 }),
        candidate({ unit: 'LATISS/k/0', withdrawn: [1n, 2n, 3n] }),
      ],
      { kind: 'resend' },
    )
    expect(plan.units).toMatchObject([
      { unit: 'LATISS/g/0', sources: [1n, 2n, 3n], bytes: 300, isProven: true },
      { unit: 'LATISS/h/0', sources: [1n, 3n], bytes: 200 },
    ])
    expect(plan.left).toEqual({
      ...{ retracted: [2n, 1n, 2n, 3n], untold: ['LATISS/i/0'], incomplete: ['LATISS/j/0'], unknown: [] },
    })
  })

  it('resends what was retracted only where that is said, and withdraws nothing twice', () => {
    const found = [candidate({ withdrawn: [2n] })]
    expect(planOf(found, { kind: 'resend', withRetracted: true }).units[0]!.sources).toEqual([1n, 2n, 3n])
    expect(planOf(found, { kind: 'retract', withRetracted: true }).units[0]!.sources).toEqual([1n, 3n])
  })

  it('has an id that follows from all that it would do, and from what was ordered before', () => {
    const one = planOf([candidate()], { kind: 'resend' })
    const others = [
      planOf([candidate({ attempt: 1n })], { kind: 'resend' }),
      planOf([candidate({ sources: [1n, 2n], committed: 2 })], { kind: 'resend' }),
      planOf([candidate({ unit: 'LATISS/h/0' })], { kind: 'resend' }),
      planOf([candidate({ earlier: [one.id] })], { kind: 'resend' }),
      planOf([candidate({ earlier: [one.id, 'cd'] })], { kind: 'resend' }),
      planOf([candidate()], { kind: 'retract' }),
    ]
    expect(new Set([one, ...others].map(({ id }) => id)).size).toBe(7)
    expect(planOf([candidate()], { kind: 'resend' })).toEqual(one)
    expect(one.id).toMatch(/^[0-9a-f]{12}$/)
  })

  it('never has an alert that was not found, or one that is withdrawn, and accounts for every id that was asked for', () => {
    const unit = fc.record({ sources: fc.uniqueArray(fc.bigInt(1n, 40n)), told: fc.boolean(), cut: fc.nat(5) })
    const asked = fc.uniqueArray(fc.bigInt(1n, 60n))
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 4 }), asked, (units, ids) => {
        const found = units.map(({ sources, told, cut }, i) => {
          const mine = sources.map(id => id + 100n * BigInt(i)).filter(id => ids.includes(id))
          return candidate({ unit: `u${i}`, told, sources: mine, withdrawn: mine.slice(0, cut), committed: 50 })
        })
        const { units: planned, left } = planOf(found, { kind: 'resend', ids })
        const untold = found.filter(({ told }) => !told).flatMap(({ sources }) => sources)
        const accounted = [...planned.flatMap(({ sources }) => sources), ...left.retracted, ...left.unknown, ...untold]
        expect(accounted.sort()).toEqual([...ids].sort())
      }),
    )
  })
})

it('reads like this', () => {
  const found = [candidate(), candidate({ unit: 'LATISS/h/0', bytes: null, digest: null, earlier: ['a', 'b'] })]
  const plan = planOf(found, { kind: 'resend', ids: [1n, 9n] })
  expect(describePlan(plan)).toBe(
    [
      'Would send again 6 alerts of 2 units, more than 300 bytes',
      'unit        alerts  bytes',
      '──────────  ──────  ─────────  ─────────────────────────',
      'LATISS/g/0  3       300',
      'LATISS/h/0  3       not known  2 times before, no digest',
      'Not found: 1 id of no source that a unit committed: 9',
      `plan ${plan.id}`,
    ].join('\n'),
  )
  const order = { id: 'ab', kind: 'resend' as const, by: 'kim', reason: 'why', orderedAt: 0, notedAt: null, alerts: 6 }
  const units = { ordered: 0, pending: 1, sent: 2, refused: 1 }
  expect(describeOrder({ ...order, units, refusals: ['LATISS/g/0: no'] })).toBe(
    'Order ab to resend 6 alerts, given 1970-01-01T00:00:00Z by kim: why\nunits: 1 pending, 2 sent, 1 refused\nrefused: LATISS/g/0: no',
  )
})

describe('which alerts', () => {
  it('are told in one of four ways', () => {
    expect(selectionOf({ unit: 'LATISS/g/0' })).toEqual({ unit: 'LATISS/g/0' })
    expect(selectionOf({ visit: '2026022500123' })).toEqual({ visit: 2026022500123n })
    expect(selectionOf({ visit: '2026-02-25T03:00:00.000' })).toEqual({ group: '2026-02-25T03:00:00.000' })
    expect(selectionOf({ ids: '170055002004914266, 3' })).toEqual({ ids: [170055002004914266n, 3n] })
    const [from, to] = (selectionOf({ night: '20260224' }) as { night: readonly [number, number] }).night
    expect(to - from).toBe(86_400_000)
  })

  it('may be the lines of a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pp-ids-'))
    writeFileSync(join(folder, 'ids'), '1\n2\n\n3\n')
    expect(selectionOf({ ids: `@${join(folder, 'ids')}` })).toEqual({ ids: [1n, 2n, 3n] })
    rmSync(folder, { recursive: true })
    expect(() => selectionOf({ ids: '@no/such/file' })).toThrow(/--ids names the file no\/such\/file: ENOENT/)
  })

  it.each([
    [{}, 'Which alerts? Give one of --unit, --visit, --night, --ids'],
    [{ unit: 'u', night: '20260224' }, 'not --unit and --night'],
    [{ ids: '1,x' }, '--ids has "x"; an id is a whole number below 2^63'],
    [{ ids: '9223372036854775808' }, '--ids has "9223372036854775808"'],
    [{ ids: ' ,' }, '--ids names none'],
    [{ night: '20260230' }, '"20260230" is no night'],
  ])('are refused: %j', (which, sentence) => {
    expect(() => selectionOf(which)).toThrow(sentence)
  })
})
