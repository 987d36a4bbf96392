import { expect, it, vi } from 'vitest'
import type { Lease, UnitLedger } from './ports.ts'
import { sharedLedger, sharedThreads } from './shared.ts'
import type { PipelineAnswer, PipelineJob } from './thread.ts'
import { PipelineAborted, type PipelineThread } from './thread-runner.ts'

const answer: PipelineAnswer = { refused: { code: 'c', detail: 'd' } }
const job = (visit: bigint) => ({ visit }) as PipelineJob
const options = () => ({ deadlineMs: 1, signal: new AbortController().signal })

/** A thread that answers when told to. */
function thread() {
  const closed = vi.fn(async () => {})
  const running: { visit: bigint; end: () => void; fail: () => void }[] = []
  const it: PipelineThread = {
    run: ({ visit }) =>
      new Promise((resolve, reject) => {
        running.push({ visit, end: () => resolve(answer), fail: () => reject(new Error('crashed')) })
      }),
    close: closed,
  }
  return { it, running, closed }
}
const settle = () => new Promise(resolve => setImmediate(resolve))

it('gives jobs to threads that are free, the others in the order of asking, also after one that failed', async () => {
  const [a, b] = [thread(), thread()]
  const threads = sharedThreads([a.it, b.it])
  const ends = [1n, 2n, 3n, 4n].map(visit => threads.run(job(visit), options()))
  await settle()
  expect([...a.running, ...b.running].map(({ visit }) => visit).toSorted()).toEqual([1n, 2n])
  const [busy] = [a.running, b.running].filter(running => running[0]!.visit === 2n)
  busy![0]!.fail()
  await expect(ends[1]).rejects.toThrow('crashed')
  await settle()
  expect(busy![1]!.visit).toBe(3n)
  busy![1]!.end()
  expect(await ends[2]).toBe(answer)
  await settle()
  expect(busy![2]!.visit).toBe(4n)
  await threads.close()
  expect(a.closed).toHaveBeenCalledOnce()
  expect(b.closed).toHaveBeenCalledOnce()
})

it('begins no job whose lease was lost while it waited, and lets the next one begin', async () => {
  const a = thread()
  const threads = sharedThreads([a.it])
  const lost = new AbortController()
  void threads.run(job(1n), options())
  const second = threads.run(job(2n), { deadlineMs: 1, signal: lost.signal })
  void threads.run(job(3n), options())
  lost.abort('lost')
  await settle()
  a.running[0]!.end()
  await expect(second).rejects.toBeInstanceOf(PipelineAborted)
  await settle()
  expect(a.running.map(({ visit }) => visit)).toEqual([1n, 3n])
})

/** A ledger with so many ready units; counts how often it was asked, and what is asked at the same time. */
function ledgerWith(units: number) {
  const state = { units, asked: 0, now: 0, hint: () => {}, whileAsking: () => {} }
  const ledger = {
    lease: async () => {
      state.asked++
      state.whileAsking()
      const found = state.units > 0
      if (found) state.units--
      await settle()
      return found ? ({ unit: `u${state.units}` } as Lease) : undefined
    },
    claimPreload: async () => undefined,
  } as unknown as UnitLedger
  const shared = sharedLedger(
    ledger,
    100,
    hear => (state.hint = hear),
    () => state.now,
  )
  const all = async (workers: number) =>
    (await Promise.all(Array.from({ length: workers }, (_, i) => shared.lease({ id: `w${i}`, holds: [] })))).filter(
      it => it !== undefined,
    ).length
  return { state, all }
}

it('asks once for all when there is nothing, until a hint or the time', async () => {
  const { state, all } = ledgerWith(3)
  expect(await all(40)).toBe(3)
  expect(state.asked).toBe(4)
  state.units = 2
  expect(await all(40)).toBe(0)
  state.hint()
  expect(await all(40)).toBe(2)
  expect(state.asked).toBe(7)
  state.units = 1
  state.now = 100
  expect(await all(40)).toBe(1)
})

it('asks again when a hint came while the ledger was saying that there is nothing', async () => {
  const { state, all } = ledgerWith(0)
  state.whileAsking = () => {
    state.whileAsking = () => {}
    state.hint()
    state.units = 1
  }
  // The first is told of the unit or not: then the second is.
  expect(await all(2)).toBe(1)
})
