import { setTimeout as wait } from 'node:timers/promises'
import type { Instant } from '../../topology/model/time.ts'

/** The simulator's only sense of time, so that tests can play a night without waiting for it. */
export interface Clock {
  now(): Instant
  /** Resolves at the instant, at once when it has passed. Rejects with the signal's reason when aborted. */
  until(instant: Instant, signal: AbortSignal): Promise<void>
}

export const realClock: Clock = {
  now: () => Date.now(),
  until: async (instant, signal) => {
    signal.throwIfAborted()
    // A timer may fire a millisecond early by this clock; the loop waits out the rest.
    for (let left = instant - Date.now(); left > 0; left = instant - Date.now()) {
      await wait(left, undefined, { signal }).catch((error: unknown) => {
        throw signal.aborted ? signal.reason : error
      })
    }
  },
}
