import { Observable, type OperatorFunction } from 'rxjs'
import type { Instant } from '../../topology/model/time.ts'
import type { In, UpstreamMark } from './moves.ts'

/**
 * Keeps the maximum of what each upstream task has said and passes on the minimum over all of them, whenever it rises.
 * `marks` holds the maxima: given from the last commit, read back at the next. Worked example with tasks a and b: a says 5
 * (nothing: b has not spoken), b says 3 (3), b says 9 (5), a says 4 (nothing: time never goes back).
 * Marks of tasks that are not in `upstream` are ignored.
 */
export const mergeWatermarks =
  (upstream: readonly string[], marks: Map<string, Instant>): OperatorFunction<In | UpstreamMark, In> =>
  source =>
    new Observable<In>(subscriber => {
      const expected = new Set(upstream)
      const lowest = () => Math.min(...upstream.map(task => marks.get(task) ?? -Infinity))
      let last = lowest()
      return source.subscribe({
        next: move => {
          if (move.kind !== 'upstream') return subscriber.next(move)
          if (!expected.has(move.from) || move.t <= (marks.get(move.from) ?? -Infinity)) return
          marks.set(move.from, move.t)
          const t = lowest()
          if (t <= last) return
          last = t
          subscriber.next({ kind: 'watermark', t })
        },
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      })
    })
