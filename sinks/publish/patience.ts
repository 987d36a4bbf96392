import type { NewRecord, Publisher, PublishTask } from './ports.ts'

/** When something that could not be packed is tried next. */
export interface Patience {
  readonly tries: number
  readonly notBefore: number
}

export const isWaiting = (stuck: ReadonlyMap<string, Patience>, key: string): boolean =>
  Date.now() < (stuck.get(key)?.notBefore ?? -Infinity)

/** Packs, or says why not yet and gives nothing; each failure doubles the wait for the next try, 15 s at most. */
export async function packPatiently(
  { log }: Pick<Publisher, 'log'>,
  stuck: Map<string, Patience>,
  { key, facts }: { readonly key: string; readonly facts: object },
  pack: () => Promise<NewRecord[]>,
): Promise<NewRecord[] | undefined> {
  if (isWaiting(stuck, key)) return undefined
  try {
    const records = await pack()
    stuck.delete(key)
    return records
  } catch (error) {
    const tries = (stuck.get(key)?.tries ?? 0) + 1
    stuck.set(key, { tries, notBefore: Date.now() + Math.min(15_000, 500 * 2 ** tries) })
    log.warn({ ...facts, tries, err: error }, 'cannot pack the alerts of this unit')
    return undefined
  }
}

/** Trouble with the database is waited out: the row is still there at the next round. */
export async function quietly<T>(
  { log }: Pick<Publisher, 'log'>,
  { index }: Pick<PublishTask, 'index'>,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    log.warn({ shard: index, err: error }, 'the outbox does not answer; trying again')
    return undefined
  }
}
