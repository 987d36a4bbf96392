import type { Instant } from '../../topology/model/time.ts'
import { DataLoss } from '../log-client.ts'
import type { TaskPlan } from './plan.ts'

/** A fault of data or code that a new epoch cannot heal: the process must stop and say so. */
export class Unrecoverable extends Error {
  override readonly name: string = 'Unrecoverable'
}

/** A journal that is not what only this runtime can have written: nothing may be built on it. */
export class BrokenJournal extends Unrecoverable {
  override readonly name = 'BrokenJournal'
}

/** A task whose states a newer version of its stage has written: nothing is wrong, but this process cannot run it. */
export class NewerState extends Error {
  override readonly name = 'NewerState'
}

/** A state that would not come back from its journal as it went in. */
export class UnfitState extends Unrecoverable {
  override readonly name = 'UnfitState'
}

/** An entrance whose topic keeps the producer's time: in time or late could not be decided from it. */
export class NoAppendTime extends Unrecoverable {
  override readonly name = 'NoAppendTime'
  constructor(topic: string) {
    super(
      `${topic} is an entrance and must carry the broker's append time. Set it with:  kafka-configs.sh ` +
        `--bootstrap-server <broker> --alter --entity-type topics --entity-name ${topic} ` +
        `--add-config message.timestamp.type=LogAppendTime`,
    )
  }
}

/** An operator's reset of group offsets that would not be what he meant, with the commands that would. */
export class OrderRefused extends Unrecoverable {
  override readonly name = 'OrderRefused'
  constructor({ name, group, stage, inputs }: TaskPlan, what: string, moment?: Instant) {
    const topics = [...new Set(inputs.map(({ topic }) => `--topic ${topic}`))].join(' ')
    const to =
      moment === undefined ? '<UTC, like 2026-02-25T03:00:00.000>' : new Date(moment).toISOString().slice(0, -1)
    super(
      `${name} does not start: an order to replay cannot be obeyed. ${what}. All its inputs go to one moment:\n` +
        `  kafka-consumer-groups.sh --bootstrap-server <broker> --group ${group} --reset-offsets ${topics} --to-datetime ${to} --execute\n` +
        `To take the order back, and go on where the stage stands:\n  pp replay cancel ${stage.name} --reason '…'`,
    )
  }
}

/** Whether trying again would only repeat it. Trouble of the client or of the world heals, so it is not. */
export const isFatal = (error: unknown): error is Error => error instanceof Unrecoverable || error instanceof DataLoss
