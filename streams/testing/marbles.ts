import type { OperatorFunction } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { expect } from 'vitest'
import type { Event } from '../../topology/model/step.ts'
import type { LogRecord } from '../log-client.ts'
import type { Arrival, Refusal, UpstreamMark, Watermark } from '../operators/moves.ts'

/**
 * `operator` turns `given` into `then`. Each blank-separated group is what happens at one instant, letters standing for `values`,
 * `.` nothing, `|` the end, `#` an error: given 'a b', then 'px .' says that a gives p and x at once, and b nothing.
 * (RxJS's own marbles let a group take as many frames as it has characters, which no two lines then share.)
 */
export function marbles<A, B>(
  operator: OperatorFunction<A, B>,
  given: string,
  then: string,
  values: Readonly<Record<string, A | B>>,
  error?: unknown,
): void {
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ cold, expectObservable }) => {
    expectObservable(cold(aligned(given), values as Record<string, A>).pipe(operator)).toBe(
      aligned(then),
      values,
      error,
    )
  })
}

const FRAMES = 12
const aligned = (line: string): string =>
  line
    .split(' ')
    .map(group => (group === '.' ? '' : group.length === 1 ? group : `(${group})`).padEnd(FRAMES, '-'))
    .join('')

/** A record as it was read; `offset` doubles as its identity. */
export const recordAt = (topic: string, offset: number, timestamp = 0, partition = 0): LogRecord => ({
  topic,
  partition,
  offset: BigInt(offset),
  timestamp,
  appendTime: true,
  key: null,
  value: null,
  headers: {},
})
export const arrival = (record: LogRecord, key: string, value: unknown, more: Partial<Event> = {}): Arrival => ({
  kind: 'event',
  event: { stream: record.topic, key, at: record.timestamp, replay: 0, value, ...more },
  record,
})
export const refusal = (record: LogRecord, code = 'undecodable', reason = 'no'): Refusal => ({
  kind: 'refusal',
  record,
  code,
  reason,
})
export const watermark = (t: number): Watermark => ({ kind: 'watermark', t })
export const upstream = (from: string, t: number): UpstreamMark => ({ kind: 'upstream', from, t })
