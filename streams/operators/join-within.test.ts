import { filter, map, type OperatorFunction } from 'rxjs'
import { describe, it } from 'vitest'
import { to } from '../../topology/model/step.ts'
import type { Stream } from '../../topology/model/stream.ts'
import type { Held, Window, WindowSpec } from '../../topology/window/window.ts'
import { arrival, marbles, recordAt, watermark } from '../testing/marbles.ts'
import { joinWithin } from './join-within.ts'
import type { In } from './moves.ts'

interface Visit {
  readonly deadline: number
  readonly snaps: number
}
interface Raw {
  readonly snap: number
}
interface Listing {
  readonly attempt: number
  readonly found: readonly Held<Raw>[]
}
const stream = <V>(topic: string): Stream<V> => ({ topic, key: 'unit', cleanup: 'delete', format: { avro: 'audit' } })
const visits = stream<Visit>('visits')
const raws = stream<Raw>('raws')
const listings = stream<Listing>('listings')
const jobs = stream<string>('jobs')
const wanted = stream<number | null>('wanted')
const late = stream<number>('late')

const spec: WindowSpec<Visit, Raw, Listing> = {
  name: 'demo-window',
  ...{ left: visits, right: raws, answer: listings, emits: [jobs, wanted, late] },
  means: () => 'opens',
  deadline: ({ deadline }) => deadline,
  needs: ({ snaps }) => snaps,
  slot: ({ snap }) => snap,
  id: ({ snap }) => String(snap),
  found: ({ found }) => found,
  ...{ holdMs: 1_000, rememberMs: 10_000 },
  say: {
    decision: (key, { kind, inputs, rights }, at) => to(jobs, key, [kind, inputs, rights.length].join(' ').trim(), at),
    question: (key, { until }) => to(wanted, key, until),
    late: (key, { value }) => to(late, key, value.snap),
    unclaimed: (key, { value }) => to(late, key, value.snap),
  },
}

const storeOf = () => {
  const states = new Map<string, Window<Visit, Raw>>()
  return {
    get: (key: string) => states.get(key),
    set: (key: string, state: Window<Visit, Raw> | undefined) =>
      void (state ? states.set(key, state) : states.delete(key)),
    entries: () => states,
  }
}
const visit = (snaps: number) => arrival(recordAt('visits', 0, 10), 'u', { deadline: 100, snaps })
const raw = (snap: number, at: number) => arrival(recordAt('raws', snap, at), 'u', { snap })
/** An answer inherits the time of its question: the deadline. */
const listing = (...found: Held<Raw>[]) => arrival(recordAt('listings', 0, 100), 'u', { attempt: 0, found })

/** What the join says, as "topic value @time". */
const joined: OperatorFunction<In, string> = source =>
  source.pipe(
    joinWithin(spec, storeOf()),
    filter(move => move.kind === 'output'),
    map(({ out, at }) => `${out.stream} ${String(out.value)} @${at}`),
  )

describe('joinWithin', () => {
  it('says announced at once, and ready when the set is complete, without waiting for a tick', () => {
    marbles(joined, 'v r s w', 'a . b .', {
      ...{ v: visit(2), r: raw(0, 20), s: raw(1, 30), w: watermark(200) },
      ...{ a: 'jobs announced  0 @10', b: 'jobs ready complete 2 @30' },
    })
  })

  it('asks when the deadline has passed, and closes on the answer, never on time alone', () => {
    marbles(joined, 'v r u w x l', 'a . . q . p', {
      ...{ v: visit(2), r: raw(0, 20), u: watermark(99), w: watermark(100), x: watermark(5_000), l: listing() },
      ...{ a: 'jobs announced  0 @10', q: 'wanted 100 @100', p: 'jobs ready partial 1 @100' },
    })
  })

  it('counts a raw in time that only the listing found, and reports one after the deadline as late', () => {
    marbles(joined, 'v w r l', 'a q . pc', {
      ...{ v: visit(2), w: watermark(100), r: raw(1, 101), l: listing({ at: 99, value: { snap: 0 } }) },
      ...{ a: 'jobs announced  0 @10', q: 'wanted 100 @100', p: 'jobs ready partial 1 @100', c: 'late 1 @100' },
    })
  })
})
