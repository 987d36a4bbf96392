import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Repeats `attempt` while its error is one that `again` accepts, until the deadline (on the clock of `performance.now`).
 * The pause doubles from `pauseMs` to a quarter of a second.
 *
 * @throws the last error, when it is of another kind or time is up
 */
export async function retrying<T>(
  deadline: number,
  again: (error: unknown) => boolean | Promise<boolean>,
  attempt: () => Promise<T>,
  pauseMs = 3,
): Promise<T> {
  for (let pause = pauseMs; ; pause = Math.min(pause * 2, 250)) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() + pause > deadline || !(await again(error))) throw error
      await sleep(pause)
    }
  }
}
