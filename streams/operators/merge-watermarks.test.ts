import { describe, expect, it } from 'vitest'
import { arrival, marbles, recordAt, upstream, watermark } from '../testing/marbles.ts'
import { mergeWatermarks } from './merge-watermarks.ts'

const event = arrival(recordAt('in', 0), 'k', 1)

describe('mergeWatermarks', () => {
  it('waits for every task, emits the minimum when it rises, and never goes back', () => {
    const marks = new Map<string, number>()
    marbles(mergeWatermarks(['x<a', 'x<b'], marks), 'a b c d e', '. p . q .', {
      a: upstream('x<a', 5),
      b: upstream('x<b', 3),
      c: upstream('x<a', 6),
      d: upstream('x<b', 9),
      e: upstream('x<a', 4),
      p: watermark(3),
      q: watermark(6),
    })
    expect(Object.fromEntries(marks)).toEqual({ 'x<a': 6, 'x<b': 9 })
  })

  it('goes on from the marks of the last commit and does not say again what it had said', () => {
    const marks = new Map([
      ['x<a', 5],
      ['x<b', 3],
    ])
    marbles(mergeWatermarks(['x<a', 'x<b'], marks), 'a b c', '. . p', {
      a: upstream('x<b', 3),
      b: upstream('x<a', 7),
      c: upstream('x<b', 4),
      p: watermark(4),
    })
  })

  it('keeps the same task on two topics apart, ignores tasks it does not know, lets all else pass in its place', () => {
    marbles(mergeWatermarks(['x<a', 'y<a'], new Map()), 'a b c d e', '. b . . p', {
      a: upstream('x<a', 5),
      b: event,
      c: upstream('z<a', 9),
      d: upstream('y<b', 9),
      e: upstream('y<a', 8),
      p: watermark(5),
    })
  })

  it('passes on end and error', () => {
    marbles(mergeWatermarks(['x<a'], new Map()), 'a . |', 'p . |', { a: upstream('x<a', 1), p: watermark(1) })
    marbles(mergeWatermarks(['x<a'], new Map()), 'a . #', 'p . #', { a: upstream('x<a', 1), p: watermark(1) })
  })
})
