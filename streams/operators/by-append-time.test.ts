import fc from 'fast-check'
import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { arrival, marbles, recordAt, refusal, watermark } from '../testing/marbles.ts'
import { byAppendTime } from './by-append-time.ts'
import type { In } from './moves.ts'

const at = (topic: string, offset: number, timestamp: number, partition = 0) =>
  arrival(recordAt(topic, offset, timestamp, partition), 'k', offset)

describe('byAppendTime', () => {
  it('lets go up to and including the watermark, in order of append time, ties by topic then partition then offset', () => {
    marbles(byAppendTime(['control', 'visit']), 'a b c d w v', '. . . . cbaw dv', {
      a: at('visit', 1, 7),
      b: at('visit', 0, 7),
      c: at('control', 9, 7),
      d: at('visit', 2, 12),
      w: watermark(10),
      v: watermark(12),
    })
  })

  it('holds refused records in their place too, so that an offset is never passed over', () => {
    marbles(byAppendTime(['visit']), 'a b w', '. . baw', {
      a: refusal(recordAt('visit', 1, 9)),
      b: at('visit', 0, 3),
      w: watermark(9),
    })
  })

  it('lets nothing go at the end of the stream: what was not reached by a watermark will be read again', () => {
    marbles(byAppendTime(['visit']), 'a |', '. |', { a: at('visit', 0, 3) })
  })

  it('gives the same order whatever the order of arrival', () => {
    const records = fc.uniqueArray(
      fc.record({ topic: fc.constantFrom('control', 'visit'), offset: fc.nat(50), time: fc.nat(20), p: fc.nat(1) }),
      { selector: r => `${r.topic}/${r.p}/${r.offset}` },
    )
    const released = (moves: readonly In[]) => {
      const out: In[] = []
      const source = new Subject<In>()
      source.pipe(byAppendTime(['control', 'visit'])).subscribe(move => out.push(move))
      for (const move of [...moves, watermark(10), watermark(20)]) source.next(move)
      return out
    }
    fc.assert(
      fc.property(
        records.chain(rs => fc.tuple(fc.constant(rs), fc.shuffledSubarray(rs, { minLength: rs.length }))),
        ([a, b]) => {
          const moves = (rs: typeof a) => rs.map(r => at(r.topic, r.offset, r.time, r.p))
          expect(released(moves(b))).toEqual(released(moves(a)))
        },
      ),
    )
  })
})
