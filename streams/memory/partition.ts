import { DataLoss, type GroupOffsets, type LogRecord, type Place, type TopicPartition } from '../log-client.ts'

/** A transaction as the coordinator knows it. */
export interface Transaction {
  readonly producer: string
  /** `committed` and `aborted` once that is decided; its markers, which tell readers, may be written later. */
  state: 'open' | 'committed' | 'aborted'
  /** When it was opened. */
  readonly since: number
  readonly touched: Set<Partition>
  offsets: GroupOffsets | undefined
}

/** What lies at one offset: a record, a control marker, or nothing, where the cleaner has been: an emptied batch takes its offsets still. */
export type Slot =
  | { readonly record: LogRecord; readonly transaction: Transaction | undefined }
  | { readonly marks: Transaction; readonly kind: 'commit' | 'abort' }
  | undefined

/** What a broker answers to a fetch: raw slots, and which aborted transactions lie among them. */
export interface Fetched {
  readonly slots: readonly Slot[]
  /** In the order in which they were completed, as brokers tell it, and not in that of their first offsets. */
  readonly aborted: readonly Aborted[]
  readonly from: number
  readonly next: number
  readonly highWatermark: number
}
export interface Aborted {
  readonly producer: string
  readonly first: number
  readonly last: number
}

/** One partition's log: offsets are indexes, the start moves by retention, waiting readers are told of every change. */
export class Partition {
  readonly slots: Slot[] = []
  start = 0
  /** Readers that are under way: a tombstone outlives them (`delete.retention.ms` is longer than any restore). */
  readers = 0
  /** First offset of each transaction that committed readers may not pass yet. */
  readonly #open = new Map<Transaction, number>()
  #aborted: Aborted[] = []
  readonly #waiting = new Set<() => void>()
  /** What was ever written, also where the cleaner has been. */
  readonly #written: Slot[] = []

  get highWatermark(): number {
    return this.slots.length
  }
  /** Last stable offset: nothing above the first record of an open transaction is shown to committed readers. */
  get stable(): number {
    let stable = this.slots.length
    for (const first of this.#open.values()) if (first < stable) stable = first
    return stable
  }
  /** One end of the log, or the first record that is no older than an instant. */
  offset(place: Place): number {
    if (place === 'earliest') return this.start
    if (place === 'latest') return this.highWatermark
    if (place === 'stable') return this.stable
    const isSince = (slot: Slot) => slot !== undefined && 'record' in slot && slot.record.timestamp >= place.since
    const found = this.slots.findIndex(isSince)
    return found < 0 ? this.highWatermark : found
  }
  append(slot: Slot, transaction?: Transaction): void {
    if (transaction && !this.#open.has(transaction)) this.#open.set(transaction, this.slots.length)
    this.#push(slot)
  }
  /** Writes the marker. Readers pass it when `release` has moved the last stable offset, a little later. */
  mark(transaction: Transaction): void {
    const kind = transaction.state === 'committed' ? 'commit' : 'abort'
    const [first, last] = [this.#open.get(transaction)!, this.slots.length]
    if (kind === 'abort') this.#aborted.push({ producer: transaction.producer, first, last })
    this.#push({ marks: transaction, kind })
  }
  release(transaction: Transaction): void {
    this.#open.delete(transaction)
    this.#changed()
  }

  /** What lies in `[from, from + max)`, for a committed reader only up to the last stable offset; `undefined` where there is nothing yet. */
  fetch(tp: TopicPartition, from: number, isolation: 'committed' | 'uncommitted', max: number): Fetched | undefined {
    if (from < this.start || from > this.highWatermark) {
      throw new DataLoss(tp, BigInt(from), BigInt(this.start), BigInt(this.highWatermark))
    }
    const next = Math.min(isolation === 'committed' ? this.stable : this.highWatermark, from + max)
    if (next <= from) return undefined
    const aborted = this.#aborted.filter(({ first, last }) => first < next && last >= from)
    return { slots: this.slots.slice(from, next), aborted, from, next, highWatermark: this.highWatermark }
  }
  everCommitted(): LogRecord[] {
    return this.#written.flatMap(slot =>
      slot && 'record' in slot && this.isCommitted(slot.record.offset) ? [slot.record] : [],
    )
  }
  isCommitted(offset: bigint): boolean {
    const slot = this.#written[Number(offset)]
    return slot !== undefined && 'record' in slot && (slot.transaction?.state ?? 'committed') === 'committed'
  }
  /** Calls back at the next change, once; returns how to forget it. */
  onChange(call: () => void): () => void {
    this.#waiting.add(call)
    return () => this.#waiting.delete(call)
  }

  /** What retention does. */
  deleteBefore(first: number): void {
    this.start = first
    this.slots.fill(undefined, 0, first)
  }
  /**
   * What the cleaner does below the last stable offset: keeps each key's last record, and leaves the gaps. A tombstone goes too, unless
   * somebody is reading; aborted records go with their marker, and their transaction is told no more.
   */
  compact(): void {
    const { stable } = this
    const seen = new Set<string>()
    for (let i = stable - 1; i >= this.start; i--) {
      const slot = this.slots[i]
      if (slot === undefined) continue
      if ('marks' in slot) {
        this.slots[i] = undefined
        continue
      }
      const key = String(slot.record.key)
      const isAborted = slot.transaction?.state === 'aborted'
      const isTombstone = slot.record.value === null && this.readers === 0
      if (isAborted || isTombstone || seen.has(key)) this.slots[i] = undefined
      if (!isAborted) seen.add(key)
    }
    this.#aborted = this.#aborted.filter(({ last }) => last >= stable)
  }

  #push(slot: Slot): void {
    this.slots.push(slot)
    this.#written.push(slot)
    this.#changed()
  }
  #changed(): void {
    if (this.#waiting.size === 0) return
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const call of waiting) call()
  }
}

/**
 * Which records of an answer a committed reader may have: those of a producer's aborted transaction are left out from where it began up
 * to its marker. Several may be open at once, and a fetch may begin in the middle of any, so the list is taken in order of first offsets.
 */
export function committedOf({ slots, aborted, from }: Fetched): LogRecord[] {
  const beginning = [...aborted].sort((a, b) => a.first - b.first)
  const live = new Set<string>()
  return slots.flatMap((slot, i) => {
    while (beginning.length > 0 && beginning[0]!.first <= from + i) live.add(beginning.shift()!.producer)
    if (slot === undefined) return []
    if ('marks' in slot) {
      if (slot.kind === 'abort') live.delete(slot.marks.producer)
      return []
    }
    return slot.transaction && live.has(slot.transaction.producer) ? [] : [slot.record]
  })
}
