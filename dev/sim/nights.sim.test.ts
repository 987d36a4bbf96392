import { describe, expect, it } from 'vitest'
import { simulate } from './simulate.ts'
import { again, Tally, type Kind } from './tally.ts'

const SEEDS = 1_000
/** What must happen in a fifth of all nights at least. */
const OFTEN: readonly Kind[] = [
  'crashes',
  'fences',
  'rebalances',
  'lostReplies',
  'replays',
  'freezes',
  'compactions',
  'leaderMoves',
]
const AT_ONCE = 50

/** `npm run sim` plays more of them. */
describe(`${SEEDS} nights of the whole topology under seeded faults`, () => {
  const tally = new Tally()
  const firsts = Array.from({ length: SEEDS / AT_ONCE }, (_, i) => 1 + i * AT_ONCE)

  it.each(firsts)(`keep every promise, from seed %i on`, async first => {
    for (let seed = first; seed < first + AT_ONCE; seed++) {
      const night = await simulate(seed)
      tally.add(night)
      expect(night.faults, again(seed)).toEqual([])
    }
  })

  it('are nights in which much happens', () => {
    const rare = OFTEN.filter(kind => tally.in(kind) < tally.nights / 5)
    expect({ rare, nights: tally.nights, said: String(tally) }).toMatchObject({ rare: [], nights: SEEDS })
  })

  it('are the same again for the same seed', async () => {
    const [a, b] = [await simulate(42), await simulate(42)]
    expect(a).toEqual(b)
  })
})
