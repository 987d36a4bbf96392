import { setMaxListeners } from 'node:events'
import { Rejection, type Event, type Out } from '../../topology/model/step.ts'
import { at } from '../log-client.ts'
import type { Log } from '../log.ts'
import type { Arrival, In, Move, UpstreamMark } from '../operators/moves.ts'
import { backOff, sleep, type Scheduler } from '../scheduler.ts'
import type { Processor } from './processor.ts'

/**
 * Does what a record asks of the world and says what is to be written. It may run again for the same record after a crash, so it
 * must be idempotent. A `Rejection` parks the record; any other error is retried for ever. `park`: parts of the record that
 * could not be processed while the rest could.
 */
export type Effect = (event: Event) => Promise<EffectResult>
export interface EffectResult {
  readonly out: readonly Out[]
  readonly park?: readonly { readonly code: string; readonly reason: string }[]
}

interface EffectsOptions {
  readonly effect: Effect
  /** The same output with its value as bytes; throws a `Rejection` where it cannot be written. */
  readonly encode: (out: Out) => Out
  readonly concurrency: number
  readonly scheduler: Scheduler
  readonly log: Log
  readonly emit: (move: Move) => void
  /** Hears of every try that failed. */
  readonly onRetry: () => void
}

const STUCK_MS = 60_000

/** Runs an effect on several records at once; each record's moves come out together when it is done, in whatever order that is. */
export class Effects implements Processor {
  readonly #options: EffectsOptions
  readonly #closing = new AbortController()
  #running = 0

  constructor(options: EffectsOptions) {
    this.#options = options
    // One listener for each that waits to try again: many, and no leak.
    setMaxListeners(options.concurrency, this.#closing.signal)
  }

  get hasRoom(): boolean {
    return this.#running < this.#options.concurrency
  }
  get running(): number {
    return this.#running
  }
  next(move: In | UpstreamMark): void {
    if (move.kind === 'event') void this.#run(move)
    else if (move.kind !== 'upstream') {
      this.#options.emit(move)
      if (move.kind === 'refusal') this.#options.emit({ kind: 'done', record: move.record })
    }
  }
  /** What still runs comes to nothing: whoever takes the task over does it again. */
  close(): void {
    this.#closing.abort()
  }

  async #run(arrival: Arrival): Promise<void> {
    this.#running++
    const isOver = this.#watch(arrival)
    const result = await this.#outcome(arrival)
    isOver()
    this.#running--
    if (!result || this.#closing.signal.aborted) return
    const { event, record } = arrival
    const { emit } = this.#options
    for (const { code, reason } of result.park ?? []) emit({ kind: 'refusal', record, code, reason })
    for (const each of result.out) emit({ kind: 'output', out: each, at: each.at ?? event.at, replay: event.replay })
    emit({ kind: 'done', record })
  }

  /** Says of an effect that neither ends nor fails that it holds its task's time: after a minute, and each time twice as much later. */
  #watch({ record }: Arrival): () => void {
    const { scheduler, log } = this.#options
    const began = scheduler.now()
    let cancel = (): void => undefined
    const wait = (ms: number) => {
      cancel = scheduler.after(ms, () => {
        if (this.#closing.signal.aborted) return
        const facts = { record: `${at(record)}@${record.offset}`, code: 'effect-stuck', ms: scheduler.now() - began }
        log.warn(facts, 'an effect does not come to an end: what follows its record in time waits for it')
        wait(2 * ms)
      })
    }
    wait(STUCK_MS)
    return () => cancel()
  }

  /** Tries until it is done, refused, or no longer ours to do (`undefined`). */
  async #outcome({ event, record }: Arrival): Promise<EffectResult | undefined> {
    const { effect, encode, scheduler, log, onRetry } = this.#options
    for (let attempt = 1; !this.#closing.signal.aborted; attempt++) {
      try {
        const { out, park = [] } = await effect(event)
        return { out: out.map(encode), park }
      } catch (error) {
        if (error instanceof Rejection) return { out: [], park: [{ code: error.code, reason: error.message }] }
        const facts = { record: `${at(record)}@${record.offset}`, attempt, err: error }
        log.warn(facts, 'a record could not be processed yet; it is tried again')
        onRetry()
        await sleep(scheduler, backOff(scheduler, attempt - 1), this.#closing.signal)
      }
    }
    return undefined
  }
}
