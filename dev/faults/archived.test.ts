import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { packetKey } from '../../sinks/archive/archive.ts'
import { archiveFaults } from './archived.ts'

const [one, two, three] = [170_055_002_004_914_266n, 170_055_002_004_914_267n, 170_056_000_000_000_001n]

/** A bucket with these objects; empty ones have no bytes. */
function bucketOf(keys: readonly string[], empty: readonly string[] = []) {
  const objects = new Set(keys)
  const asked: string[] = []
  return {
    objects,
    asked,
    async *list(_: string, prefix: string) {
      asked.push(prefix)
      await Promise.resolve()
      for (const key of [...objects].filter(it => it.startsWith(prefix)))
        yield { key, size: empty.includes(key) ? 0 : 9, lastModified: 0 }
    },
  }
}

it('finds nothing where each DiaSource has its packet, by one listing of the packets', async () => {
  const store = bucketOf([...[one, three].map(packetKey), 'v2/schemas/1101.json'])
  expect(await archiveFaults(store, 'b', [three, one])).toEqual({ missing: [], strange: [] })
  expect(store.asked).toEqual(['v2/alerts/'])
})

it('waits for packets that are on their way', async () => {
  const store = bucketOf([packetKey(one)])
  const looking = archiveFaults(store, 'b', [one, two])
  await sleep(50)
  store.objects.add(packetKey(two))
  expect(await looking).toEqual({ missing: [], strange: [] })
})

it('names, when its patience is at an end, what is missing or empty, and what nothing belongs to', async () => {
  const keys = [one, two, three].map(packetKey)
  const store = bucketOf([keys[1]!, keys[2]!], [keys[1]!])
  expect(await archiveFaults(store, 'b', [one, two], 0)).toEqual({ missing: [keys[0], keys[1]], strange: [keys[2]] })
})
