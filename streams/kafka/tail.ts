import type { Chunk, Tail, TopicPartition } from '../log-client.ts'

interface Waiting {
  resolve(result: IteratorResult<Chunk>): void
  reject(error: Error): void
}

const DONE: IteratorResult<Chunk> = { done: true, value: undefined }

/** One reader of one partition. It holds at most one chunk that nobody has taken yet, and asks for no more until then. */
export class PartitionTail implements Tail {
  readonly from: TopicPartition
  /** The offset to ask for next. */
  position: bigint
  /** True while a broker is asked on its behalf. */
  asked = false
  readonly #changed: () => void
  #chunk: Chunk | undefined
  #error: Error | undefined
  #closed = false
  #waiting: Waiting | undefined

  /** @param changed called when the tail wants more or is closed */
  constructor(from: TopicPartition, position: bigint, changed: () => void) {
    this.from = from
    this.position = position
    this.#changed = changed
  }

  get closed(): boolean {
    return this.#closed
  }
  get hungry(): boolean {
    return !this.#closed && !this.#error && !this.#chunk && !this.asked
  }

  accept(chunk: Chunk): void {
    this.position = chunk.next
    if (this.#waiting) this.#settle(waiting => waiting.resolve({ done: false, value: chunk }))
    else this.#chunk = chunk
  }

  fail(error: Error): void {
    if (this.#waiting) {
      this.#settle(waiting => waiting.reject(error))
      this.close()
    } else this.#error ??= error
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#chunk = undefined
    this.#settle(waiting => waiting.resolve(DONE))
    this.#changed()
  }

  [Symbol.asyncIterator](): AsyncIterator<Chunk> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.close()
        return DONE
      },
    }
  }

  async #next(): Promise<IteratorResult<Chunk>> {
    if (this.#closed) return DONE
    if (this.#waiting) throw new Error('a tail has one reader, which waits for one chunk at a time')
    const chunk = this.#chunk
    if (chunk) {
      this.#chunk = undefined
      this.#changed()
      return { done: false, value: chunk }
    }
    if (this.#error) {
      this.close()
      throw this.#error
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  #settle(how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) how(waiting)
  }
}
