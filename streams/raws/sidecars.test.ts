import { expect, it } from 'vitest'
import { Rejection } from '../../topology/model/step.ts'
import { parseSidecar, sidecars } from './sidecars.ts'
import { latissKey, memoryBucket } from './testing/bucket.ts'

const setup = () => {
  const store = memoryBucket()
  let pauses = 0
  const landing: (() => void)[] = []
  const pause = async () => {
    pauses++
    landing.shift()?.()
  }
  const known = sidecars({ bucket: store.bucket, tries: 5, pauseMs: 100, pause, capacity: 3 })
  const read: typeof known.read = (...of) => known.read(...of)
  return { ...store, read, landing, pauses: () => pauses }
}
const sidecar = latissKey(1, 'json')
/** The sidecar of another detector of the same exposure. */
const neighbour = sidecar.replace('R00_S00', 'R00_S01')

it('asks once per exposure, however many detectors want to know', async () => {
  const { put, read, calls } = setup()
  put(sidecar, { GROUPID: 'g', CURINDEX: 2 })
  const answers = await Promise.all([
    ...Array.from({ length: 100 }, () => read('raw', sidecar)),
    ...Array.from({ length: 89 }, () => read('raw', neighbour)),
  ])
  expect(new Set(answers.map(a => `${a.group} ${a.snap}`))).toEqual(new Set(['g 1']))
  expect(calls).toEqual([`get ${sidecar}`])
})

it('takes no answer of another controller, whose exposure has the same number', async () => {
  const { put, read } = setup()
  const camera = sidecar.replaceAll('AT_O', 'AT_C')
  put(sidecar, { GROUPID: 'of the observatory', CURINDEX: 1 })
  expect(await read('raw', sidecar)).toMatchObject({ group: 'of the observatory' })
  await expect(read('raw', camera)).rejects.toMatchObject({ code: 'sidecar-missing' })
  put(camera, { GROUPID: 'of the camera', CURINDEX: 1 })
  expect(await read('raw', camera)).toMatchObject({ group: 'of the camera' })
})

it('waits for a sidecar that lands after its image', async () => {
  const { put, read, landing, pauses } = setup()
  landing.push(
    () => {},
    () => put(sidecar, { GROUPID: 'late', CURINDEX: 1 }),
  )
  expect(await read('raw', sidecar)).toEqual({ group: 'late', snap: 0 })
  expect(pauses()).toBe(2)
})

it('of one detector that never comes keeps no other detector of the exposure from its group', async () => {
  const { put, read } = setup()
  put(neighbour, { GROUPID: 'g', CURINDEX: 1 })
  const answers = await Promise.allSettled([
    read('raw', sidecar),
    ...Array.from({ length: 188 }, () => read('raw', neighbour)),
  ])
  expect(answers.map(({ status }) => status)).toEqual(['rejected', ...Array<string>(188).fill('fulfilled')])
})

it('gives up with a sentence, and asks anew for the next detector of the exposure', async () => {
  const { put, read } = setup()
  await expect(read('raw', sidecar)).rejects.toMatchObject({ code: 'sidecar-missing' })
  put(neighbour, { GROUPID: 'g', CURINDEX: 1 })
  expect(await read('raw', neighbour)).toEqual({ group: 'g', snap: 0 })
})

it('passes on trouble of the store, and remembers none of it: a retry finds the group', async () => {
  const { bucket, put } = memoryBucket()
  put(sidecar, { GROUPID: 'g', CURINDEX: 1 })
  let troubles = 2
  const get: typeof bucket.get = (...of) => (troubles-- > 0 ? Promise.reject(new Error('503')) : bucket.get(...of))
  const known = sidecars({ bucket: { ...bucket, get }, tries: 5, pauseMs: 100, pause: async () => {}, capacity: 3 })
  await expect(known.read('raw', sidecar)).rejects.toThrow('503')
  await expect(known.read('raw', neighbour)).rejects.toThrow('503')
  expect(await known.read('raw', sidecar)).toEqual({ group: 'g', snap: 0 })
})

it('forgets the oldest exposure first', async () => {
  const { put, read, calls } = setup()
  for (const n of [1, 2, 3, 4]) {
    put(latissKey(n, 'json'), { GROUPID: `g${n}`, CURINDEX: 1 })
    await read('raw', latissKey(n, 'json'))
  }
  await read('raw', latissKey(4, 'json'))
  await read('raw', latissKey(1, 'json'))
  expect(calls.filter(call => call.includes('000004'))).toHaveLength(1)
  expect(calls.filter(call => call.includes('000001'))).toHaveLength(2)
})

it.each([
  ['{', 'not JSON'],
  ['null', 'not a JSON object'],
  ['{"CURINDEX":1}', 'GROUPID is missing'],
  ['{"GROUPID":"","CURINDEX":1}', 'GROUPID is missing or empty'],
  ['{"GROUPID":"g","CURINDEX":0}', 'CURINDEX is 0; allowed are the integers from 1'],
  ['{"GROUPID":"g"}', 'CURINDEX is undefined'],
])('refuses %s', (text, reason) => {
  expect(() => parseSidecar(Buffer.from(text), 'k.json')).toThrow(Rejection)
  expect(() => parseSidecar(Buffer.from(text), 'k.json')).toThrow(`k.json: ${reason}`)
})
