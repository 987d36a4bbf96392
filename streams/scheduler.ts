/**
 * The process's own time: for pacing commits and back-off, never for a decision. Injected, so that tests run on virtual time.
 */
export interface Scheduler {
  /** Milliseconds, UTC. */
  now(): number
  /** Calls back after `ms`; the returned function cancels. */
  after(ms: number, run: () => void): () => void
  /** Uniform in [0, 1): jitter. */
  random(): number
}

export const systemScheduler: Scheduler = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
}

/** Resolves after `ms`, or at once when the signal aborts. */
export function sleep(scheduler: Scheduler, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const end = () => {
      cancel()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const cancel = scheduler.after(ms, end)
    signal?.addEventListener('abort', end, { once: true })
  })
}

/** Exponential back-off with jitter: between half and the whole of `firstMs · 2^attempt`, never above `capMs`. */
export const backOff = (scheduler: Scheduler, attempt: number, firstMs = 200, capMs = 30_000): number =>
  Math.min(capMs, firstMs * 2 ** Math.min(attempt, 30)) * (0.5 + scheduler.random() / 2)

/** Wakes whoever waits. A ring while nobody waits is kept for the next one. */
export class Bell {
  readonly #scheduler: Scheduler
  #rung = false
  #waiting: (() => void) | undefined

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }
  readonly ring = (): void => {
    this.#rung = true
    this.#waiting?.()
  }
  /** Resolves at the next ring, or after `ms` where given. */
  async wait(ms?: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>(resolve => {
        const cancel = ms === undefined ? () => undefined : this.#scheduler.after(ms, resolve)
        this.#waiting = () => {
          cancel()
          resolve()
        }
      })
    }
    this.#waiting = undefined
    this.#rung = false
  }
}
