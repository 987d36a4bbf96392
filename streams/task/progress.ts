/**
 * How far a task is with one input partition: what it has taken, what of that is done, and where a successor must read on.
 * Records may be done out of order (effects, inputs sorted by time): then `low` stays at the first that is not, and `done` says
 * which above it need not run again. With 5, 6, 7 taken and 6 done: low 5, done [6]; with 5 done too: low 7, done [].
 */
export class Progress {
  #next: bigint
  readonly #outstanding = new Set<bigint>()
  readonly #done: Set<bigint>

  constructor(from: bigint, done: Iterable<bigint> = []) {
    this.#next = from
    this.#done = new Set(done)
  }

  /** Takes a record; `false` where it was done before a restart. Offsets come in ascending order. */
  take(offset: bigint): boolean {
    if (this.#done.has(offset)) return false
    this.#outstanding.add(offset)
    return true
  }
  finish(offset: bigint): void {
    const wasLowest = offset === this.#first()
    this.#outstanding.delete(offset)
    if (!wasLowest) this.#done.add(offset)
  }
  /** The position of the reader: over markers and gaps too. */
  moveTo(next: bigint): void {
    this.#next = next
  }
  /** Where a successor reads on: every record below is done. */
  get low(): bigint {
    return this.#first() ?? this.#next
  }
  /** Offsets at or above `low` that are done. */
  get done(): bigint[] {
    const low = this.low
    for (const offset of this.#done) if (offset < low) this.#done.delete(offset)
    return [...this.#done]
  }
  /** The reader's position. */
  get next(): bigint {
    return this.#next
  }
  /** What must be remembered: bounds the intake. */
  get held(): number {
    return this.#outstanding.size + this.#done.size
  }

  #first(): bigint | undefined {
    for (const offset of this.#outstanding) return offset
    return undefined
  }
}
