import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeState, encodeState } from './json.ts'

describe('state as JSON', () => {
  it('gives back what was kept, bigints included', () => {
    const { tree } = fc.letrec(tie => ({
      leaf: fc.oneof(
        fc.bigInt(),
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map(x => x + 0),
        fc.string(),
        fc.boolean(),
        fc.constant(null),
      ),
      tree: fc.oneof(
        { maxDepth: 4 },
        tie('leaf'),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(
          fc.string().filter(key => key !== '$n' && key !== '__proto__'),
          tie('tree'),
          { maxKeys: 4, noNullPrototype: true },
        ),
      ),
    }))
    fc.assert(
      fc.property(tree, state => {
        const back = decodeState(encodeState(state))
        expect(back).toEqual(Object.is(state, -0) ? 0 : state)
      }),
    )
  })

  it.each([
    [{ a: { b: NaN } }, 'state.a.b is NaN'],
    [{ a: [1, -Infinity] }, 'state.a[1] is -Infinity'],
    [{ seen: new Map() }, 'state.seen is a Map'],
    [{ at: new Date(0) }, 'state.at is a Date'],
    [{ f: () => 1 }, 'state.f is a function'],
    [{ a: { $n: 'x' } }, 'state.a has a field $n'],
  ])('refuses what JSON would change: %j', (state, sentence) => {
    expect(() => encodeState(state)).toThrow(sentence)
  })
})
