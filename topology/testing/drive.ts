import type { Stream } from '../model/stream.ts'
import { Rejection, type Event, type Replay, type Step, type Wake } from '../model/step.ts'
import type { Instant } from '../model/time.ts'

/** What a step wrote, with what it inherited. */
export interface Written {
  readonly stream: string
  readonly key: string
  readonly at: Instant
  readonly replay: Replay
  readonly value: unknown
}

export interface Drive<S> {
  send<V>(stream: Stream<V>, key: string, at: Instant, value: NoInfer<V>, replay?: Replay): Drive<S>
  /** The watermark: wakes everything due by `t`, in (deadline, key) order, until nothing is due. */
  advance(t: Instant): Drive<S>
  readonly written: readonly Written[]
  /** Values written to one stream, since the start. */
  to<V>(stream: Stream<V>): readonly V[]
  readonly refused: readonly Rejection[]
  readonly notes: readonly string[]
  readonly states: ReadonlyMap<string, S>
}

/**
 * Runs a step alone, the way a task does: state per key, deadlines read off it, refusals caught.
 * Everything a step is given is frozen, and after every event its state goes through text and back: a step that
 * mutates, or that keeps what a restart would lose, fails here.
 */
export function drive<S>(step: Step<S>): Drive<S> {
  const states = new Map<string, S>()
  const written: Written[] = []
  const refused: Rejection[] = []
  const notes: string[] = []

  const apply = (key: string, event: Event | Wake, replay: Replay) => {
    try {
      const { state, out, note } = step.on(states.get(key), event, undefined, other => states.get(other))
      if (state === undefined) states.delete(key)
      else states.set(key, frozen(restored(state)))
      if (note) notes.push(note)
      const undeclared = out.find(it => step.emits?.every(({ topic }) => topic !== it.stream))
      if (undeclared) throw new Error(`${step.name} wrote to ${undeclared.stream} and does not say so in emits`)
      written.push(...out.map(each => ({ ...each, at: each.at ?? event.at, replay })))
    } catch (error) {
      if (!(error instanceof Rejection)) throw error
      refused.push(error)
    }
  }
  const nextDue = (t: Instant) =>
    [...states]
      .map(([key, state]) => ({ key, due: step.deadline(state) ?? Infinity }))
      .filter(({ due }) => due <= t)
      .sort((a, b) => a.due - b.due || (a.key < b.key ? -1 : 1))[0]

  const self: Drive<S> = {
    send(stream, key, at, value, replay = 0) {
      const event: Event = frozen({ stream: stream.topic, key, at, replay, value })
      apply(step.key?.(event) ?? key, event, replay)
      return self
    },
    advance(t) {
      for (let next = nextDue(t); next; next = nextDue(t)) {
        apply(next.key, { stream: '@deadline', key: next.key, at: next.due }, 0)
      }
      return self
    },
    written,
    to: <V>(stream: Stream<V>) => written.filter(it => it.stream === stream.topic).map(it => it.value as V),
    refused,
    notes,
    states,
  }
  return self
}

/** Through JSON and back, bigints kept: what a journal does to a state. */
export const restored = <T>(value: T): T =>
  JSON.parse(
    JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? { $bigint: String(each) } : each)),
    (_, each: unknown) =>
      typeof each === 'object' && each !== null && '$bigint' in each ? BigInt(each.$bigint as string) : each,
  ) as T

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(frozen)
  }
  return value
}
