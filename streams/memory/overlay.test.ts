import { expect, it } from 'vitest'
import { at, type NewRecord } from '../log-client.ts'
import { MemoryBroker } from './broker.ts'
import { MemoryClient } from './client.ts'
import { Overlay } from './overlay.ts'

const tp = { topic: 'words', partition: 0 }
const spec = { topic: 'words', partitions: 2, config: { 'message.timestamp.type': 'LogAppendTime' } }
const word = (value: string): NewRecord => ({ ...tp, key: null, value: Buffer.from(value) })

/** Three words below, at 10, 20 and 30 s; then the overlay; then one more below, which it does not see. */
async function world() {
  let now = 0
  const broker = new MemoryBroker(() => now)
  broker.createTopic(spec)
  const below = new MemoryClient(broker)
  for (const value of ['a', 'b', 'c']) {
    now += 10_000
    await below.produce([word(value)])
  }
  const overlay = await Overlay.over(below, [spec], () => now)
  now += 10_000
  await below.produce([word('unseen')])
  return { broker, below, overlay }
}
async function read(overlay: Overlay, from: bigint, until: bigint) {
  const words: string[] = []
  const tail = overlay.read({ ...tp, offset: from }, 'committed')
  for await (const { records, next } of tail) {
    words.push(...records.map(({ offset, value }) => `${offset}${String(value)}`))
    if (next >= until) break
  }
  tail.close()
  return words
}

it('reads on from what lies below to what was written on top, and writes nothing below', async () => {
  const { broker, overlay } = await world()
  await (await overlay.fence('id')).commit([word('x')], { group: 'g', offsets: [{ ...tp, offset: 4n, metadata: 'm' }] })
  await overlay.produce([word('y')])
  expect(await read(overlay, 1n, 6n)).toEqual(['1b', '2c', '3x', '5y'])
  expect(await read(overlay, 3n, 6n)).toEqual(['3x', '5y'])
  expect(await read(overlay, 5n, 6n)).toEqual(['5y'])
  expect(overlay.written('words').map(({ value }) => String(value))).toEqual(['x', 'y'])
  expect(broker.committedRecords(tp).map(({ value }) => String(value))).toEqual(['a', 'b', 'c', 'unseen'])
  expect(broker.committed('g', tp)).toBeUndefined()
})

it('knows the offsets of both, and those of its own groups over those below', async () => {
  const { broker, overlay } = await world()
  await overlay.produce([word('y')])
  const offset = async (place: Parameters<Overlay['offsets']>[1]) => (await overlay.offsets([tp], place)).get(at(tp))
  expect([await offset('earliest'), await offset('latest')]).toEqual([0n, 4n])
  expect([await offset({ since: 20_000 }), await offset({ since: 30_001 }), await offset({ since: 40_001 })]).toEqual([
    1n,
    3n,
    4n,
  ])
  broker.setOffsets({ group: 'g', offsets: [{ ...tp, offset: 2n, metadata: 'below' }] })
  expect(await overlay.committed('g', [tp])).toEqual(new Map([[at(tp), { offset: 2n, metadata: 'below' }]]))
  overlay.setOffsets({ group: 'g', offsets: [{ ...tp, offset: 1n, metadata: '' }] })
  expect(await overlay.committed('g', [tp])).toEqual(new Map([[at(tp), { offset: 1n, metadata: '' }]]))
})

it('ends a reading at close, wherever it is, and refuses what does not lie under it', async () => {
  const { overlay } = await world()
  const tail = overlay.read({ ...tp, offset: 3n }, 'committed')
  const reading = (async () => {
    for await (const _ of tail) throw new Error('nothing was written')
  })()
  await new Promise(resolve => setImmediate(resolve))
  tail.close()
  await reading
  await expect(overlay.offsets([{ topic: 'words', partition: 7 }], 'latest')).rejects.toThrow()
})
