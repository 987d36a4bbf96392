import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
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
const program = fileURLToPath(new URL('main.ts', import.meta.url))

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

  it('are the same again for the same seed, record by record', async () => {
    const [a, b, other] = [await simulate(42), await simulate(42), await simulate(43)]
    expect(a).toEqual(b)
    expect(a.records).not.toBe(other.records)
  })

  it('are the same in a process of their own, whatever was played before', async () => {
    const [a, b] = await Promise.all([played(), played()])
    const here = new Tally()
    for (const seed of [42, 43]) here.add(await simulate(seed))
    expect(a).toEqual({ ...here.toJSON(), failed: [] })
    expect(b).toEqual(a)
  })
})

/** What `npm run sim` says of two nights, one of them with a replay and one with a blind listing. */
async function played(): Promise<unknown> {
  const args = ['--import', 'tsx', program, '--seeds', '2', '--start', '42', '--json']
  return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout) as unknown
}
