import { createHash } from 'node:crypto'
import type { Night } from './simulate.ts'

/** What a simulation must often have met to prove anything, as the last line calls it. */
const KINDS = {
  crashes: 'crash',
  fences: 'fence',
  rebalances: 'rebalance',
  lostReplies: 'lost reply',
  replays: 'replay',
  freezes: 'freeze',
  compactions: 'compaction',
  leaderMoves: 'leader move',
} as const
export type Kind = keyof typeof KINDS

/** The command that plays the night of a seed again, bit for bit. */
export const again = (seed: number): string => `npm run sim -- --seeds 1 --start ${seed}`

/** Counts nights, and in how many of them what happened. */
export class Tally {
  nights = 0
  failures = 0
  readonly #with = new Map<Kind, number>()
  readonly #records = new Map<number, string>()

  add({ seed, happened, faults, records }: Night): void {
    this.nights++
    this.#records.set(seed, records)
    if (faults.length > 0) this.failures++
    for (const kind of Object.keys(KINDS) as Kind[]) if (happened[kind] > 0) this.#with.set(kind, this.in(kind) + 1)
  }
  /** In how many nights it happened. */
  in(kind: Kind): number {
    return this.#with.get(kind) ?? 0
  }
  /** Hash of all that was committed in all nights, in whichever order they were played. */
  get records(): string {
    const ascending = [...this.#records].sort(([a], [b]) => a - b)
    return createHash('sha256').update(JSON.stringify(ascending)).digest('hex')
  }
  toString(): string {
    const kinds = (Object.keys(KINDS) as Kind[]).map(kind => `${KINDS[kind]} in ${this.in(kind)}`)
    return `${this.nights} seeds, ${this.failures} failures; ${kinds.join(', ')}`
  }
  toJSON(): object {
    return {
      seeds: this.nights,
      failures: this.failures,
      seedsWith: Object.fromEntries(this.#with),
      records: this.records,
    }
  }
}
