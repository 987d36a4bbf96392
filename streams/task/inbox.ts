import { at, type Chunk, type LogClient, type LogRecord, type Tail, type TopicPartition } from '../log-client.ts'

/** One record, or a move of the position over markers and gaps. */
export interface Item {
  readonly input: string
  readonly record: LogRecord | undefined
  readonly next: bigint
}

interface Input {
  readonly name: string
  readonly tail: Tail
  chunk: Chunk | undefined
  index: number
  emptied: () => void
}

/**
 * Pulls from the inputs of a task: at most one chunk per input waits here and one in its tail, so memory is bounded however fast
 * the brokers are. A failure of any tail is thrown by the next `take`.
 */
export class Inbox {
  readonly #inputs: Input[]
  readonly #ring: () => void
  #turn = 0
  #failure: { readonly error: unknown } | undefined

  constructor(client: LogClient, from: readonly (TopicPartition & { offset: bigint })[], ring: () => void) {
    this.#ring = ring
    this.#inputs = from.map(each => ({
      name: at(each),
      tail: client.read(each, 'committed'),
      chunk: undefined,
      index: 0,
      emptied: () => undefined,
    }))
    for (const input of this.#inputs) {
      this.#pump(input).catch((error: unknown) => {
        this.#failure ??= { error }
        ring()
      })
    }
  }

  /** The next item of a wanted input, inputs in turn; `undefined` when nothing wanted has come yet. */
  take(wanted: (input: string) => boolean): Item | undefined {
    if (this.#failure) throw this.#failure.error
    for (let i = 0; i < this.#inputs.length; i++) {
      const input = this.#inputs[(this.#turn + i) % this.#inputs.length]!
      if (!input.chunk || !wanted(input.name)) continue
      this.#turn = (this.#turn + i + 1) % this.#inputs.length
      return this.#takeFrom(input, input.chunk)
    }
    return undefined
  }
  /** Records that wait here. */
  get waiting(): number {
    let waiting = 0
    for (const { chunk, index } of this.#inputs) if (chunk) waiting += chunk.records.length - index
    return waiting
  }
  close(): void {
    for (const input of this.#inputs) {
      input.tail.close()
      input.emptied()
    }
  }

  #takeFrom(input: Input, { records, next }: Chunk): Item {
    const record = records[input.index++]
    const last = input.index >= records.length
    if (last) {
      input.chunk = undefined
      input.emptied()
    }
    return { input: input.name, record, next: last || !record ? next : record.offset + 1n }
  }
  async #pump(input: Input): Promise<void> {
    for await (const chunk of input.tail) {
      const emptied = new Promise<void>(resolve => (input.emptied = resolve))
      input.index = 0
      input.chunk = chunk
      this.#ring()
      await emptied
    }
  }
}
