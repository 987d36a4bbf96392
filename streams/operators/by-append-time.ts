import { Observable, type OperatorFunction } from 'rxjs'
import type { In } from './moves.ts'

type Held = Exclude<In, { kind: 'watermark' }>

/**
 * Holds records back and lets them go in order of append time, up to and including the watermark, just before it.
 * Ties go by the order of `topics` (the stage's `reads`), then partition, then offset. So a stage that starts again after
 * a stop takes its inputs in the order in which they entered, however the partitions were fetched.
 * With topics [control, next-visit]: next-visit at 7, control at 7, next-visit at 12, watermark 10
 * gives control 7, next-visit 7, watermark 10, and 12 waits.
 */
export const byAppendTime =
  (topics: readonly string[]): OperatorFunction<In, In> =>
  source =>
    new Observable<In>(subscriber => {
      let held: Held[] = []
      const rank = new Map(topics.map((topic, i) => [topic, i]))
      const order = ({ record: a }: Held, { record: b }: Held): number =>
        a.timestamp - b.timestamp ||
        rank.get(a.topic)! - rank.get(b.topic)! ||
        a.partition - b.partition ||
        Number(a.offset - b.offset)
      return source.subscribe({
        next: move => {
          if (move.kind !== 'watermark') return void held.push(move)
          const released = held.filter(({ record }) => record.timestamp <= move.t).sort(order)
          held = held.filter(({ record }) => record.timestamp > move.t)
          for (const each of released) subscriber.next(each)
          subscriber.next(move)
        },
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      })
    })
