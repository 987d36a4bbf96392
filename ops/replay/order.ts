import { ConfigError } from '../../streams/main/config.ts'
import type { GroupOffsets, LogClient } from '../../streams/log-client.ts'
import { readCommitted } from '../../streams/read-topic.ts'
import { Journal } from '../../streams/task/journal.ts'
import { METADATA, standingOf } from '../../streams/task/orders.ts'
import { taskPlans, type TaskPlan } from '../../streams/task/plan.ts'
import type { Instant } from '../../topology/model/time.ts'
import { stageOf, type Topology } from '../../topology/model/topology.ts'
import { at } from '../../streams/log-client.ts'
import { commitOrder, type Operator } from '../operator.ts'
import { offsetsAt } from './foresee.ts'
import { roleOf } from './stages.ts'

export interface Operating extends Operator {
  readonly topology: Topology
  readonly app: string
  /** Who gives the order, and why. */
  readonly by: string
  readonly reason: string
}

/**
 * Resets the groups of these stages as Kafka's tool would, each with its record on `audit` in one transaction.
 * @throws ConfigError where a group has members
 */
export async function giveOrders(
  operating: Operating,
  { stages, since, detail }: { readonly stages: readonly string[]; readonly since: Instant; readonly detail: object },
): Promise<void> {
  await refuseLive(operating, stages)
  const { client, topology, app } = operating
  for (const stage of stages) {
    const plans = taskPlans(app, topology, stageOf(topology, stage))
    const offsets = await offsetsAt(client, plans, { since })
    await write(operating, 'replay apply', { stage, since, ...detail }, { group: plans[0]!.group, offsets })
  }
}

/**
 * Takes back what was ordered of these stages and not taken yet: their groups' offsets are again those of the journals.
 * @returns tasks that had an order
 * @throws ConfigError where a group has members
 */
export async function cancelOrders(operating: Operating, stages: readonly string[]): Promise<string[]> {
  await refuseLive(operating, stages)
  const { client, topology, app } = operating
  const ordered: string[] = []
  for (const stage of stages) {
    const plans = taskPlans(app, topology, stageOf(topology, stage))
    const { group } = plans[0]!
    const offsets = new Map<string, GroupOffsets['offsets'][number]>()
    for (const plan of plans) {
      const kept = await client.committed(group, plan.inputs)
      const foreign = plan.inputs.filter(tp => kept.get(at(tp))?.metadata.startsWith(METADATA) === false)
      if (foreign.length === 0) continue
      ordered.push(plan.name)
      const stands = await placesOf(client, plan)
      for (const tp of foreign)
        offsets.set(at(tp), { ...tp, offset: stands.get(at(tp))!, metadata: `${METADATA}cancelled` })
    }
    if (offsets.size > 0) await write(operating, 'replay cancel', { stage }, { group, offsets: [...offsets.values()] })
  }
  return ordered
}

async function placesOf(client: LogClient, plan: TaskPlan) {
  const journal = new Journal()
  for (const record of await readCommitted(client, [plan.journal])) journal.apply(record)
  return (await standingOf(client, plan, journal.commit)).offsets
}

async function write(operating: Operating, action: string, detail: object, offsets: GroupOffsets): Promise<void> {
  const { client, app, by, reason } = operating
  const producer = await client.fence(`${app}.operator`)
  const note = { action, by, reason, detail: JSON.stringify(detail) }
  await commitOrder(operating, producer, [], note, 'kafka-consumer-groups --describe', offsets)
}

async function refuseLive({ client, topology, app }: Operating, stages: readonly string[]): Promise<void> {
  for (const stage of stages) {
    const { group } = taskPlans(app, topology, stageOf(topology, stage))[0]!
    const members = await client.members(group)
    if (members === 0) continue
    const role = roleOf(topology, stage)
    throw new ConfigError(
      `${group} has ${members} member${members > 1 ? 's' : ''}: nothing was ordered. Stop every "pp run ${role}" first; ` +
        'one that was killed is a member until its session ends (kafka.sessionTimeoutMs)',
    )
  }
}
