import type { UnitLedger } from './ports.ts'
import { PipelineAborted, type PipelineThread } from './thread-runner.ts'

/** What several workers of one process share, so that a process on a large machine is no heavier than it must be. */

/**
 * Several threads as one: a job waits for the first that is free, in the order of asking, and its deadline begins when it has one. A unit that is
 * leased and waits here is read, and its neighbour's products are stored, while the processors compute a third.
 */
export function sharedThreads(threads: readonly PipelineThread[]): PipelineThread {
  const free = [...threads]
  const waiting: (() => void)[] = []
  return {
    run: async (job, options) => {
      while (free.length === 0) await new Promise<void>(resolve => waiting.push(resolve))
      const thread = free.pop()!
      try {
        if (options.signal.aborted) throw new PipelineAborted(String(options.signal.reason))
        return await thread.run(job, options)
      } finally {
        free.push(thread)
        waiting.shift()?.()
      }
    },
    close: async () => void (await Promise.all(threads.map(thread => thread.close()))),
  }
}

/**
 * One ledger for several workers, who ask it in turn. That there is nothing is true for all of them until the next hint, for `ms` at most: forty that
 * one hint has woken ask once each while there are units, and once more all together.
 */
export function sharedLedger(
  ledger: UnitLedger,
  ms: number,
  onHint: (hear: () => void) => void,
  now: () => number,
): UnitLedger {
  let hints = 0
  onHint(() => hints++)
  const inTurn = <Worker, Found>(ask: (worker: Worker) => Promise<Found | undefined>) => {
    let nothing: { readonly hints: number; readonly until: number } | undefined
    let turn: Promise<unknown> = Promise.resolve()
    const askNow = async (worker: Worker): Promise<Found | undefined> => {
      // A hint that comes while the ledger is asked may be about what it does not know yet.
      const heard = hints
      if (nothing?.hints === heard && now() < nothing.until) return undefined
      const found = await ask(worker)
      nothing = found === undefined ? { hints: heard, until: now() + ms } : undefined
      return found
    }
    return (worker: Worker): Promise<Found | undefined> => {
      const mine = turn.then(() => askNow(worker))
      turn = mine.catch(() => undefined)
      return mine
    }
  }
  type Worker = Parameters<UnitLedger['lease']>[0]
  const lease = inTurn((worker: Worker) => ledger.lease(worker))
  const claimPreload = inTurn((worker: Worker) => ledger.claimPreload(worker))
  return { ...ledger, lease, claimPreload }
}
