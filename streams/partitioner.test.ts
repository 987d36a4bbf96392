import fc from 'fast-check'
import { expect, it } from 'vitest'
import { murmur2, partitionFor } from './partitioner.ts'

it('gives the hashes that the tests of Kafka itself hold', () => {
  const hashes = {
    '21': -973932308,
    foobar: -790332482,
    'a-little-bit-long-string': -985981536,
    'a-little-bit-longer-string': -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
    abc: 479470107,
  }
  for (const [key, hash] of Object.entries(hashes)) expect(murmur2(Buffer.from(key)), key).toBe(hash)
})

it('takes the sign off before it divides', () => {
  expect(partitionFor('foobar', 6)).toBe((-790332482 & 0x7fffffff) % 6)
  expect(partitionFor('LATISS/2026-11-22T01/0', 1)).toBe(0)
})

it('stays inside the topic and takes text as UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 500 }), (key, partitions) => {
      const partition = partitionFor(key, partitions)
      expect(partition).toBe(partitionFor(Buffer.from(key, 'utf8'), partitions))
      expect(partition >= 0 && partition < partitions).toBe(true)
    }),
  )
})

it('refuses a topic without partitions', () => {
  expect(() => partitionFor('k', 0)).toThrow('at least one partition')
})
