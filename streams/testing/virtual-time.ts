import type { Scheduler } from '../scheduler.ts'

/** Uniform random numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Timer {
  readonly due: number
  readonly run: () => void
}

/** A scheduler whose time stands still until it is moved. */
export class VirtualTime implements Scheduler {
  readonly random: () => number
  readonly #timers = new Set<Timer>()
  #now: number

  constructor(start = 0, random: () => number = seeded(1)) {
    this.#now = start
    this.random = random
  }

  now(): number {
    return this.#now
  }
  /** In whole milliseconds, as real timers. */
  after(ms: number, run: () => void): () => void {
    const timer = { due: this.#now + Math.max(0, Math.ceil(ms)), run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Runs what is due up to `t` in order of time, letting everything that follows from each settle before the next. */
  async advanceTo(t: number): Promise<void> {
    await settle()
    for (let next = this.#next(t); next; next = this.#next(t)) {
      this.#timers.delete(next)
      this.#now = next.due
      next.run()
      await settle()
    }
    this.#now = t
  }
  #next(t: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) if (timer.due <= t && (!first || timer.due < first.due)) first = timer
    return first
  }
}

/** Resolves when nothing but timers and new input can go on: all promises that hang on promises alone have run. */
export const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
