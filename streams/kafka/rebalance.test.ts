import { describe, expect, it } from 'vitest'
import type { GroupPlan } from '../log-client.ts'
import { AssignerProtocol } from './internals.ts'
import { assignments, grantedBy, subscription } from './rebalance.ts'

const plan = (tasks: number): GroupPlan => ({
  group: 'g',
  tasks: Array.from({ length: tasks }, (_, partition) => ['left', 'right'].map(topic => ({ topic, partition }))),
  sessionTimeoutMs: 6_000,
})
const member = (memberId: string, of: GroupPlan, owned: number[]) => ({
  memberId,
  memberMetadata: subscription(of, owned),
})

describe('what members say to each other', () => {
  it('reads as the standard protocol of consumers', () => {
    expect(AssignerProtocol.MemberMetadata.decode(subscription(plan(3), []))).toMatchObject({
      topics: ['left', 'right'],
    })
    const { assignments: made } = assignments(plan(3), [member('a', plan(3), [])])
    const assigned = AssignerProtocol.MemberAssignment.decode(made[0]!.memberAssignment)!
    expect(assigned.assignment).toEqual({ left: [0, 1, 2], right: [0, 1, 2] })
  })

  it('gives a newcomer nothing until the owner has let go', () => {
    const first = assignments(plan(2), [member('a', plan(2), [0, 1]), member('b', plan(2), [])])
    expect(first.assignments.map(a => grantedBy(a.memberAssignment))).toEqual([
      { tasks: [0], settled: false },
      { tasks: [], settled: false },
    ])
    const second = assignments(plan(2), [member('a', plan(2), [0]), member('b', plan(2), [])])
    expect(second.assignments.map(a => grantedBy(a.memberAssignment))).toEqual([
      { tasks: [0], settled: true },
      { tasks: [1], settled: true },
    ])
  })

  it('gives no task to a member whose plan has another number of them, and names it', () => {
    const { assignments: made, refused } = assignments(plan(2), [member('a', plan(2), []), member('old', plan(3), [2])])
    expect(refused).toEqual(['old (3 tasks)'])
    expect(made.map(a => grantedBy(a.memberAssignment).tasks)).toEqual([[0, 1], []])
  })

  it('takes an empty assignment for no task', () => {
    expect(grantedBy(Buffer.alloc(0))).toEqual({ tasks: [], settled: true })
  })
})
