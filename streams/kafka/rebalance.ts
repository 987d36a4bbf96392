import { assign, grant, type Claim } from '../assigner.ts'
import type { GroupPlan } from '../log-client.ts'
import { AssignerProtocol } from './internals.ts'
import { byTopic } from './topics.ts'

/**
 * What members say to each other through the group protocol. Subscription and assignment are the standard ones of Kafka's
 * consumer, so that its tools show who reads what; tasks travel in the `userData` of both.
 */
export interface Granted {
  readonly tasks: readonly number[]
  /** False while tasks are withheld from somebody: another round follows as soon as their owners have let go. */
  readonly settled: boolean
}

export interface JoinedMember {
  readonly memberId: string
  readonly memberMetadata: Buffer
}

/** Bump it when what members say to each other changes: the group then refuses to mix the two. */
export const PROTOCOL = 'co-partitioned-sticky-1'
const STANDARD_VERSION = 0

/** "I can run a plan of so many tasks, from states of this version, and I run these now." */
export function subscription({ tasks, version = 1 }: GroupPlan, owned: readonly number[]): Buffer {
  const topics = [...new Set(tasks.flat().map(({ topic }) => topic))]
  const userData = Buffer.from(JSON.stringify({ tasks: tasks.length, version, owned }))
  return AssignerProtocol.MemberMetadata.encode({ version: STANDARD_VERSION, topics, userData })
}

/**
 * The leader's part: every member's assignment. Members whose plan has another number of tasks (a deployment under way
 * that changed it) get none, and are named in `refused`.
 */
export function assignments(
  plan: GroupPlan,
  members: readonly JoinedMember[],
): { assignments: { memberId: string; memberAssignment: Buffer }[]; refused: string[] } {
  const said = members.map(member => ({ id: member.memberId, ...decodeSubscription(member.memberMetadata) }))
  const agreeing: Claim[] = said.filter(({ tasks }) => tasks === plan.tasks.length)
  const { granted, settled } = grant(agreeing, assign(agreeing, plan.tasks.length))
  return {
    assignments: said.map(({ id }) => ({
      memberId: id,
      memberAssignment: assignment(plan, { tasks: granted.get(id) ?? [], settled }),
    })),
    refused: said.filter(({ id }) => !granted.has(id)).map(({ id, tasks }) => `${id} (${tasks} tasks)`),
  }
}

function assignment(plan: GroupPlan, granted: Granted): Buffer {
  const partitions = byTopic(granted.tasks.flatMap(task => plan.tasks[task]!), ({ partition }) => partition) // prettier-ignore
  return AssignerProtocol.MemberAssignment.encode({
    version: STANDARD_VERSION,
    assignment: Object.fromEntries(partitions.map(({ topic, partitions }) => [topic, partitions])),
    userData: Buffer.from(JSON.stringify(granted)),
  })
}

export function grantedBy(memberAssignment: Buffer): Granted {
  const decoded = AssignerProtocol.MemberAssignment.decode(memberAssignment)
  if (!decoded) return { tasks: [], settled: true }
  return JSON.parse(decoded.userData.toString()) as Granted
}

function decodeSubscription(metadata: Buffer): { tasks: number; version: number; owned: number[] } {
  const decoded = AssignerProtocol.MemberMetadata.decode(metadata)
  return JSON.parse(decoded!.userData.toString()) as { tasks: number; version: number; owned: number[] }
}
