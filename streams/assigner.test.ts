import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assign, grant, type Claim } from './assigner.ts'

const sizes = (plan: ReadonlyMap<string, readonly number[]>) => [...plan.values()].map(tasks => tasks.length)
const all = (plan: ReadonlyMap<string, readonly number[]>) => [...plan.values()].flat().sort((a, b) => a - b)
const range = (n: number) => Array.from({ length: n }, (_, i) => i)

/** How many tasks the best even spread could leave where they are: every choice of who gets one more is tried. */
function mostThatCanStay(members: readonly Claim[], tasks: number): number {
  const least = Math.floor(tasks / members.length)
  const choose = (rest: readonly Claim[], more: number): number => {
    const [first, ...others] = rest
    if (!first) return more === 0 ? 0 : -Infinity
    const plain = Math.min(first.owned.length, least) + choose(others, more)
    return more === 0 ? plain : Math.max(plain, Math.min(first.owned.length, least + 1) + choose(others, more - 1))
  }
  return choose(members, tasks % members.length)
}

describe('assign', () => {
  it('gives everything to a member alone, and nothing to nobody', () => {
    expect(assign([{ id: 'a', owned: [] }], 3)).toEqual(new Map([['a', [0, 1, 2]]]))
    expect(assign([], 3)).toEqual(new Map())
  })

  it('takes from the one who has and leaves it the rest', () => {
    const plan = assign([{ id: 'a', owned: range(7) }, { id: 'b', owned: [] }], 7) // prettier-ignore
    expect(plan).toEqual(new Map([['a', [0, 1, 2, 3]], ['b', [4, 5, 6]]])) // prettier-ignore
  })

  it('keeps members that have too many tasks for them idle', () => {
    expect(
      sizes(
        assign(
          ['a', 'b', 'c'].map(id => ({ id, owned: [] })),
          2,
        ),
      ).sort(),
    ).toEqual([0, 1, 1])
  })

  it.each([1, 2, 3, 4, 5])('covers all with an even spread and least moves through joins and leaves of %i ids', ids => {
    const walk = fc.array(fc.nat({ max: ids - 1 }), { maxLength: 12 })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 14 }), walk, (tasks, toggles) => {
        let members: Claim[] = [{ id: 'm0', owned: [] }]
        for (const toggle of toggles) {
          const id = `m${toggle}`
          const others = members.filter(member => member.id !== id)
          members = others.length < members.length ? others : [...members, { id, owned: [] }]
          const plan = assign(members, tasks)
          if (members.length === 0) continue
          expect(all(plan)).toEqual(range(tasks))
          expect(Math.max(...sizes(plan)) - Math.min(...sizes(plan))).toBeLessThanOrEqual(1)
          const stayed = members.flatMap(({ id, owned }) => owned.filter(task => plan.get(id)!.includes(task)))
          expect(stayed).toHaveLength(mostThatCanStay(members, tasks))
          members = members.map(({ id }) => ({ id, owned: plan.get(id)! }))
        }
      }),
    )
  })

  it('gives tasks to members of the newest version alone, spread as if the others were not there', () => {
    const members = fc.array(
      fc.record({ owned: fc.array(fc.nat({ max: 9 })), version: fc.integer({ min: 1, max: 3 }) }),
      {
        ...{ minLength: 1, maxLength: 5 },
      },
    )
    fc.assert(
      fc.property(members, fc.nat({ max: 9 }), (said, tasks) => {
        const all = said.map((member, i) => ({ ...member, id: `m${i}` }))
        const newest = all.filter(({ version }) => version === Math.max(...all.map(it => it.version)))
        const alone = assign(newest, tasks)
        expect(assign(all, tasks)).toEqual(new Map(all.map(({ id }) => [id, alone.get(id) ?? []])))
      }),
    )
  })

  it('stands claims that overlap or are out of range, in any order of members', () => {
    const claim = fc.array(fc.nat({ max: 20 }), { maxLength: 12 })
    fc.assert(
      fc.property(fc.array(claim, { minLength: 1, maxLength: 5 }), fc.nat({ max: 12 }), (claims, tasks) => {
        const members = claims.map((owned, i) => ({ id: `m${i}`, owned }))
        const plan = assign(members, tasks)
        expect(all(plan)).toEqual(range(tasks))
        expect(assign([...members].reverse(), tasks)).toEqual(plan)
      }),
    )
  })
})

describe('grant', () => {
  it('withholds what another still runs, and says that a round will follow', () => {
    const members = [{ id: 'a', owned: [0, 1] }, { id: 'b', owned: [] }] // prettier-ignore
    expect(grant(members, assign(members, 2))).toEqual({ granted: new Map([['a', [0]], ['b', []]]), settled: false }) // prettier-ignore
    const later = [{ id: 'a', owned: [0] }, { id: 'b', owned: [] }] // prettier-ignore
    expect(grant(later, assign(later, 2))).toEqual({ granted: new Map([['a', [0]], ['b', [1]]]), settled: true }) // prettier-ignore
  })

  it('never lets two run the same task, and settles in the second round', () => {
    const claims = fc.uniqueArray(fc.nat({ max: 11 }), { maxLength: 12 })
    fc.assert(
      fc.property(claims, fc.array(fc.nat({ max: 4 }), { minLength: 12, maxLength: 12 }), (claimed, owners) => {
        const members = range(5).map(i => ({ id: `m${i}`, owned: claimed.filter(task => owners[task] === i) }))
        const first = grant(members, assign(members, 12))
        for (const [id, tasks] of first.granted)
          for (const other of members)
            if (other.id !== id) expect(tasks.filter(task => other.owned.includes(task))).toEqual([])
        const after = members.map(({ id }) => ({ id, owned: first.granted.get(id)! }))
        const second = grant(after, assign(after, 12))
        expect(second.settled).toBe(true)
        expect(all(second.granted)).toEqual(range(12))
      }),
    )
  })
})
