import { hash } from 'node:crypto'

const MODULUS = 2 ** 48

/**
 * One number for a set of states, the same in whichever order they came: the sum of a hash of each, so that a change costs its own size
 * and not that of the set. Every commit holds it, and every restore counts it again: what compaction, a lost write or a leaked one
 * has changed is found before anything is built on it.
 */
export class Digest {
  readonly #of = new Map<string, number>()
  #sum = 0

  /** The bytes of a state as they stand in the journal; null where it is forgotten. */
  set(key: string, bytes: Buffer | null): void {
    const before = this.#of.get(key) ?? 0
    const after = bytes === null ? 0 : hashOf(key, bytes)
    if (bytes === null) this.#of.delete(key)
    else this.#of.set(key, after)
    this.#sum = (this.#sum + after - before + MODULUS) % MODULUS
  }
  /** Of no state it is 0. */
  get value(): number {
    return this.#sum
  }
}

/** 48 bits, which a number holds exactly. A NUL parts key and state, so that moving a byte from one to the other shows. */
const hashOf = (key: string, bytes: Buffer): number =>
  hash('sha1', Buffer.concat([Buffer.from(`${key}\0`), bytes]), 'buffer').readUIntBE(0, 6)
