import { describe, expect, it } from 'vitest'
import { inBatches } from './batches.ts'

class Refused extends Error {}

/** Batches of numbers as they were worked on; `fate` says what becomes of one. */
function recorder(fate: (batch: readonly number[]) => Error | undefined = () => undefined, most = 4) {
  const batches: (readonly number[])[] = []
  const call = inBatches<number>(
    async items => {
      batches.push(items)
      await new Promise(resolve => setImmediate(resolve))
      const error = fate(items)
      if (error) throw error
    },
    { most, gather: () => Promise.resolve(), refusalOf: error => (error instanceof Refused ? error : undefined) },
  )
  return { batches, call }
}
const outcomes = async (calls: readonly Promise<void>[]) =>
  (await Promise.allSettled(calls)).map(({ status }) => status === 'fulfilled')

describe('calls that come together', () => {
  it('are worked on together, and at most so many', async () => {
    const { batches, call } = recorder()
    expect(await outcomes([1, 2, 3, 4, 5].map(call))).toEqual(Array(5).fill(true))
    expect(batches).toEqual([[1, 2, 3, 4], [5]])
  })
  it('and those that come meanwhile make the next batch', async () => {
    const { batches, call } = recorder()
    const first = call(1)
    await new Promise(resolve => setImmediate(resolve))
    const rest = [2, 3].map(call)
    expect(await outcomes([first, ...rest])).toEqual([true, true, true])
    expect(batches).toEqual([[1], [2, 3]])
    await call(4)
    expect(batches).toHaveLength(3)
  })
})

describe('a batch that is refused', () => {
  it('is tried one by one: the culprits are refused, their neighbours are done', async () => {
    const { batches, call } = recorder(batch => (batch.some(n => n % 2 === 0) ? new Refused('even') : undefined))
    expect(await outcomes([1, 2, 3, 4].map(call))).toEqual([true, false, true, false])
    expect(batches).toEqual([[1, 2, 3, 4], [1], [2], [3], [4]])
  })
  it('says why to the culprit', async () => {
    await expect(recorder(() => new Refused('even')).call(2)).rejects.toThrow('even')
  })
})

it('trouble outside is everybody’s, is not tried again here, and ends no later call', async () => {
  let isDown = true
  const { batches, call } = recorder(() => (isDown ? new Error('the database is away') : undefined))
  expect(await outcomes([1, 2, 3].map(call))).toEqual([false, false, false])
  expect(batches).toEqual([[1, 2, 3]])
  isDown = false
  await call(4)
})
