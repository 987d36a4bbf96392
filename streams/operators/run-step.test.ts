import { describe, expect, it } from 'vitest'
import { Rejection, type Step } from '../../topology/model/step.ts'
import { arrival, marbles, recordAt, refusal, watermark } from '../testing/marbles.ts'
import type { Move } from './moves.ts'
import { runStep, type Store } from './run-step.ts'

interface Count {
  readonly n: number
  readonly due?: number
}
/** Counts per key; a value v > 0 asks to be woken at v, 0 forgets; a wake-up at an odd instant asks once more, one later. */
const counter: Step<Count, string> = {
  name: 'counter',
  key: event => (event.value === 'other' ? 'elsewhere' : event.key),
  on: (state, event, shared, look) => {
    if (event.stream === '@deadline') {
      const out = [{ stream: 'woken', key: event.key, value: event.at }]
      return { state: event.at % 2 ? { n: state!.n, due: event.at + 1 } : { n: state!.n }, out }
    }
    const { value } = event as { value: unknown }
    if (value === 'bad') throw new Rejection('bad-value', 'It is bad.')
    if (value === 'bug') throw new TypeError('a fault in the code')
    if (value === 0) return { state: undefined, out: [] }
    const n = (state?.n ?? 0) + 1
    const seen = `${shared}${n}${look('b') ? ' and b' : ''}`
    return {
      state: typeof value === 'number' && value > 0 ? { n, due: value } : { n },
      out: [{ stream: 'counts', key: event.key, value: seen }],
    }
  },
  deadline: state => state.due,
}

const storeOf = (states = new Map<string, Count>()): Store<Count> & { states: Map<string, Count> } => ({
  states,
  get: key => states.get(key),
  set: (key, state) => void (state === undefined ? states.delete(key) : states.set(key, state)),
  entries: () => states,
})
const rec = (offset: number) => recordAt('in', offset, 100 + offset)
const done = (offset: number): Move => ({ kind: 'done', record: rec(offset) })
const said = (key: string, value: unknown, at: number, replay = 0): Move => ({
  kind: 'output',
  out: { stream: typeof value === 'number' ? 'woken' : 'counts', key, value },
  at,
  replay,
})

describe('runStep', () => {
  it('runs events through the state of their key; outputs inherit time and replay; each record ends with its done', () => {
    const store = storeOf()
    marbles(runStep(counter, store, '#'), 'a b c', 'px qy rz', {
      a: arrival(rec(0), 'a', -1),
      b: arrival(rec(1), 'a', -1, { replay: 7 }),
      c: arrival(rec(2), 'b', -1),
      p: said('a', '#1', 100),
      q: said('a', '#2', 101, 7),
      r: said('b', '#1', 102),
      x: done(0),
      y: done(1),
      z: done(2),
    })
    expect(store.states).toEqual(
      new Map([
        ['a', { n: 2 }],
        ['b', { n: 1 }],
      ]),
    )
  })

  it("takes the state's key from the step, and lets it look at other keys", () => {
    const store = storeOf(new Map([['b', { n: 1 }]]))
    marbles(runStep(counter, store, '#'), 'a', 'px', {
      a: arrival(rec(0), 'a', 'other'),
      p: said('a', '#1 and b', 100),
      x: done(0),
    })
    expect([...store.states.keys()]).toEqual(['b', 'elsewhere'])
  })

  it('wakes in (deadline, key) order until none is due, each at its own deadline, then says the watermark', () => {
    // b asks for 5, a for 5, c for 4; those woken at 5 ask again for 6: all of it happens at watermark 6, as it would at 4, 5, 6.
    const events = { a: arrival(rec(0), 'b', 5), b: arrival(rec(1), 'a', 5), c: arrival(rec(2), 'c', 4) }
    const values = {
      ...events,
      ...{ p: said('b', '#1', 100), q: said('a', '#1', 101), r: said('c', '#1', 102) },
      ...{ x: done(0), y: done(1), z: done(2) },
      ...{ 1: said('c', 4, 4), 2: said('a', 5, 5), 3: said('b', 5, 5), 4: said('a', 6, 6), 5: said('b', 6, 6) },
      ...{ u: watermark(4), v: watermark(5), w: watermark(6) },
    }
    // `look("b")` is true for a and c: their outputs say so.
    values.q = said('a', '#1 and b', 101)
    values.r = said('c', '#1 and b', 102)
    marbles(runStep(counter, storeOf(), '#'), 'a b c w', 'px qy rz 12345w', values)
    marbles(runStep(counter, storeOf(), '#'), 'a b c u v w', 'px qy rz 1u 23v 45w', values)
  })

  it('reads timers off restored states, and forgets those of forgotten keys', () => {
    const store = storeOf(
      new Map([
        ['a', { n: 1, due: 4 }],
        ['b', { n: 1, due: 4 }],
      ]),
    )
    marbles(runStep(counter, store, '#'), 'a w', 'x pw', {
      a: arrival(rec(0), 'a', 0),
      w: watermark(9),
      x: done(0),
      p: said('b', 4, 4),
    })
  })

  it('turns a rejection into a refusal without touching state, and goes on', () => {
    const store = storeOf()
    marbles(runStep(counter, store, '#'), 'a b c', 'px qy rz', {
      a: arrival(rec(0), 'a', -1),
      b: arrival(rec(1), 'a', 'bad'),
      c: arrival(rec(2), 'a', -1),
      p: said('a', '#1', 100),
      q: refusal(rec(1), 'bad-value', 'It is bad.'),
      r: said('a', '#2', 102),
      ...{ x: done(0), y: done(1), z: done(2) },
    })
  })

  it("lets an output have a time of its own, and passes on a step's note", () => {
    const telling: Step<Count> = {
      ...counter,
      on: () => ({
        state: undefined,
        out: [{ stream: 'counts', key: 'a', value: 'x', at: 42 }],
        note: 'as it should be',
      }),
    }
    marbles(runStep(telling, storeOf(), undefined), 'a', 'pnx', {
      a: arrival(rec(0), 'a', 1),
      p: { kind: 'output', out: { stream: 'counts', key: 'a', value: 'x', at: 42 }, at: 42, replay: 0 },
      n: { kind: 'note', record: rec(0), sentence: 'as it should be' },
      x: done(0),
    })
  })

  it('lets records that were refused before it pass, as done', () => {
    const r = refusal(rec(0))
    marbles(runStep(counter, storeOf(), '#'), 'r', 'rx', { r, x: done(0) })
  })

  it('ends with a fault of the step', () => {
    const fault = new TypeError('a fault in the code')
    marbles(runStep(counter, storeOf(), '#'), 'a', '#', { a: arrival(rec(0), 'a', 'bug') }, fault)
  })

  it('ends when a step asks for the same wake-up for ever', () => {
    const stuck: Step<Count> = { ...counter, on: (_, e) => ({ state: { n: 1, due: e.at }, out: [] }) }
    const fault = new Error('step counter keeps asking to be woken for a at 100, by 200')
    marbles(
      runStep(stuck, storeOf(), undefined),
      'aw',
      'x#',
      { a: arrival(rec(0), 'a', 1), w: watermark(200), x: done(0) },
      fault,
    )
  })
})
