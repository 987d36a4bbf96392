import { DataLoss } from '../log-client.ts'

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

/** Whether trying again would only repeat it. Trouble of the client or of the world heals, so it is not. */
export const isFatal = (error: unknown): error is Error => error instanceof Unrecoverable || error instanceof DataLoss
