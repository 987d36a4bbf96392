import { Observable, type OperatorFunction, type Subscriber } from 'rxjs'
import { Rejection, type Event, type Step, type Wake } from '../../topology/model/step.ts'
import type { Instant } from '../../topology/model/time.ts'
import { Deadlines } from './deadlines.ts'
import type { Arrival, In, Move } from './moves.ts'

/** The states of a task by key; `undefined` forgets. */
export interface Store<S> {
  get(key: string): S | undefined
  set(key: string, state: S | undefined): void
  entries(): Iterable<[key: string, state: S]>
}

/** A step that answers a wake-up by asking for the same or an earlier one, this often in a row, never will stop. */
const MAX_WAKES = 1000

/**
 * The one operator that touches state: events and watermarks in, outputs out, synchronously.
 * An event's outputs inherit its `at` (unless they have their own) and `replay`; a wake-up's `at` is its deadline, its replay is 0.
 * At a watermark, due deadlines fire in (deadline, key) order until none is due: with deadlines 5 (key b), 5 (a) and 3 (c),
 * a watermark of 9 wakes c, a, b, and then whatever these asked for up to 9; a watermark of 4 followed by one of 9 does the
 * same, so that neither the rate of ticks nor catching up changes an output.
 * An event on which the step throws a `Rejection` becomes a refusal and changes no state; the subscription goes on. Any
 * other error of a step is a fault in its code and ends the stream.
 */
export const runStep =
  <S, Shared>(step: Step<S, Shared>, store: Store<S>, shared: Shared): OperatorFunction<In, Move> =>
  source =>
    new Observable<Move>(subscriber => {
      const run = new Run(step, store, shared, subscriber)
      return source.subscribe({
        next: move => {
          try {
            if (move.kind === 'event') run.event(move)
            else if (move.kind === 'watermark') run.wakeUntil(move.t)
            else run.done(move)
          } catch (error) {
            subscriber.error(error)
          }
        },
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      })
    })

class Run<S, Shared> {
  readonly #deadlines = new Deadlines()
  readonly #step: Step<S, Shared>
  readonly #store: Store<S>
  readonly #shared: Shared
  readonly #subscriber: Subscriber<Move>
  readonly #look: (key: string) => S | undefined

  constructor(step: Step<S, Shared>, store: Store<S>, shared: Shared, subscriber: Subscriber<Move>) {
    this.#step = step
    this.#store = store
    this.#shared = shared
    this.#subscriber = subscriber
    this.#look = key => store.get(key)
    for (const [key, state] of store.entries()) this.#deadlines.set(key, step.deadline(state))
  }

  event({ event, record }: Arrival): void {
    try {
      const note = this.#apply(this.#step.key?.(event) ?? event.key, event, event.replay)
      if (note !== undefined) this.#subscriber.next({ kind: 'note', record, sentence: note })
    } catch (error) {
      if (!(error instanceof Rejection)) throw error
      this.#subscriber.next({ kind: 'refusal', record, code: error.code, reason: error.message })
    }
    this.#subscriber.next({ kind: 'done', record })
  }

  done(refusal: Exclude<In, { kind: 'event' | 'watermark' }>): void {
    this.#subscriber.next(refusal)
    this.#subscriber.next({ kind: 'done', record: refusal.record })
  }

  wakeUntil(t: Instant): void {
    let wakes = 0
    let last = ''
    for (let next = this.#deadlines.dueBy(t); next !== undefined; next = this.#deadlines.dueBy(t)) {
      wakes = next.key === last ? wakes + 1 : 0
      last = next.key
      if (wakes > MAX_WAKES) {
        throw new Error(`step ${this.#step.name} keeps asking to be woken for ${next.key} at ${next.due}, by ${t}`)
      }
      this.#apply(next.key, { stream: '@deadline', key: next.key, at: next.due }, 0)
    }
    this.#subscriber.next({ kind: 'watermark', t })
  }

  #apply(key: string, event: Event | Wake, replay: number): string | undefined {
    const { state, out, note } = this.#step.on(this.#store.get(key), event, this.#shared, this.#look)
    const due = state === undefined ? undefined : this.#step.deadline(state)
    this.#store.set(key, state)
    this.#deadlines.set(key, due)
    for (const each of out) this.#subscriber.next({ kind: 'output', out: each, at: each.at ?? event.at, replay })
    return note
  }
}
