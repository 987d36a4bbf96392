import { at, type LogClient } from '../log-client.ts'
import type { Log } from '../log.ts'
import type { TaskPlan } from './plan.ts'

/** What our own commits write beside a group's offsets; an operator's tool leaves it empty. */
export const METADATA = 'pp:'

/**
 * An operator who resets the offsets of a group orders a replay. The journal is the truth of where a task stands, and replay is not
 * built yet: so the order is not obeyed, and it must not be ignored in silence.
 */
export async function sayOrders(client: LogClient, { name, group, inputs }: TaskPlan, log: Log): Promise<void> {
  const offsets = await client.committed(group, inputs)
  const reset = inputs.map(at).filter(input => offsets.get(input)?.metadata.startsWith(METADATA) === false)
  if (reset.length === 0) return
  const facts = { task: name, group, reset: reset.map(input => `${input}@${offsets.get(input)!.offset}`) }
  log.warn(
    facts,
    'offsets of the group were reset by hand; replay is not built yet, and the task goes on where its journal says',
  )
}
