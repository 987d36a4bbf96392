import type { Instant } from '../../topology/model/time.ts'

interface Entry {
  readonly due: Instant
  readonly key: string
}
const before = (a: Entry, b: Entry): boolean => a.due < b.due || (a.due === b.due && a.key < b.key)

/**
 * The deadlines of a task's states, earliest first, ties by key: a binary heap beside the valid deadline of each key.
 * A changed deadline leaves its old entry in the heap, which is skipped when it comes up; when stale entries are the
 * majority the heap is built anew, so that memory follows the number of keys.
 */
export class Deadlines {
  readonly #valid = new Map<string, Instant>()
  #heap: Entry[] = []

  get size(): number {
    return this.#valid.size
  }

  set(key: string, due: Instant | undefined): void {
    if (this.#valid.get(key) === due) return
    if (due === undefined) {
      this.#valid.delete(key)
    } else {
      this.#valid.set(key, due)
      this.#push({ due, key })
    }
    if (this.#heap.length > 64 && this.#heap.length > 2 * this.#valid.size) this.#rebuild()
  }

  /** The earliest deadline at or before `t`, left in place. */
  dueBy(t: Instant): Entry | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#valid.get(first.key) === first.due) return first.due <= t ? first : undefined
      this.#pop()
    }
    return undefined
  }

  #rebuild(): void {
    // A sorted array is a heap.
    this.#heap = [...this.#valid].map(([key, due]) => ({ due, key })).sort((a, b) => (before(a, b) ? -1 : 1))
  }
  #push(entry: Entry): void {
    const heap = this.#heap
    let i = heap.length
    for (let parent = (i - 1) >> 1; i > 0 && before(entry, heap[parent]!); parent = (i - 1) >> 1) {
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = entry
  }
  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let i = 0
    for (let child = 1; child < heap.length; child = 2 * i + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
  }
}
