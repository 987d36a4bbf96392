import fc from 'fast-check'
import { expect, it } from 'vitest'
import { at, type NewRecord } from '../log-client.ts'
import { batchesOf } from './produce.ts'

const record = (partition: number, bytes: number): NewRecord => ({
  topic: 't',
  partition,
  key: null,
  value: Buffer.alloc(bytes),
  headers: { h: Buffer.alloc(1) },
})

it('puts what fits into one batch per partition', () => {
  const cut = batchesOf([record(0, 1), record(1, 1), record(0, 2)])
  expect(cut.map(({ to, batches }) => [at(to), batches.map(b => b.length)])).toEqual([
    ['t/0', [2]],
    ['t/1', [1]],
  ])
  expect(batchesOf([])).toEqual([])
})

it('sends a record that is larger than a batch alone', () => {
  expect(batchesOf([record(0, 1), record(0, 2_000_000), record(0, 1)])[0]!.batches.map(b => b.length)).toEqual([
    1, 1, 1,
  ])
})

it('keeps every record, its order and the limit of a batch', () => {
  const sizes = fc.array(fc.record({ partition: fc.nat({ max: 2 }), bytes: fc.nat({ max: 500_000 }) }), {
    maxLength: 20,
  })
  fc.assert(
    fc.property(sizes, wanted => {
      const records = wanted.map(({ partition, bytes }) => record(partition, bytes))
      for (const { to, batches } of batchesOf(records)) {
        expect(batches.flat()).toEqual(records.filter(r => r.partition === to.partition))
        for (const batch of batches) {
          expect(batch.length).toBeGreaterThan(0)
          expect(batch.reduce((sum, { value }) => sum + value!.length, 0)).toBeLessThan(1_048_588 - 1_000)
        }
      }
    }),
  )
})
