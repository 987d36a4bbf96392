import { expect, it, vi } from 'vitest'
import type { RawListed, RawWanted } from '../../schemas/avro/generated.ts'
import { listings } from './listings.ts'
import { rawReconcile } from './raw-reconcile.ts'
import { sidecars } from './sidecars.ts'
import { latissKey, memoryBucket } from './testing/bucket.ts'

const noon = Date.UTC(2026, 10, 23, 3, 0, 0)
const setup = () => {
  const store = memoryBucket()
  const warnings: object[] = []
  const read = sidecars({ bucket: store.bucket, tries: 1, pauseMs: 0, pause: async () => {}, capacity: 100 })
  const log = { warn: (fields: object) => void warnings.push(fields) }
  const reconcile = rawReconcile(listings({ bucket: store.bucket, rawBucket: 'raw', sidecars: read, log }))
  const raw = (sequence: number, group: string, at: number, snap = 1) => {
    store.put(latissKey(sequence, 'json'), { GROUPID: group, CURINDEX: snap }, at)
    store.put(latissKey(sequence), 'pixels', at)
  }
  const ask = async (wanted: Partial<RawWanted> = {}) => {
    const value = {
      ...{ instrument: 'LATISS', group: 'g', detector: 0, attempt: 0 },
      ...{ announcedAt: noon - 60_000, until: noon, deadline: noon },
    }
    const { out } = await reconcile({
      stream: 'raw-wanted',
      key: 'k',
      at: noon,
      replay: 0,
      value: { ...value, ...wanted },
    })
    expect(out).toHaveLength(1)
    return out[0]! as { key: string; value: RawListed }
  }
  return { ...store, raw, ask, warnings }
}

it('answers with every snap of the group that was there by the deadline, by time', async () => {
  const { raw, ask } = setup()
  raw(4, 'g', noon - 1000, 2)
  raw(3, 'g', noon - 5000, 1)
  raw(5, 'other', noon - 1000)
  raw(6, 'g', noon + 1)
  const { key, value } = await ask()
  expect(key).toBe('LATISS/g/0')
  expect(value.found.map(f => [f.at - noon, f.raw.snap, f.raw.exposure])).toEqual([
    [-5000, 0, 2026112200003n],
    [-1000, 1, 2026112200004n],
  ])
})

it('counts every object for a window that was reopened', async () => {
  const { raw, ask } = setup()
  raw(6, 'g', noon + 1)
  expect((await ask({ until: null, attempt: 7 })).value).toMatchObject({ attempt: 7, found: [{ at: noon + 1 }] })
})

it.each([
  ['open', { attempt: 0 }],
  ['asked by an older version', { attempt: 0, deadline: null }],
  ['reopened', { attempt: 7, until: null }],
])('finds what lies under the next day of a window across 12 h UTC that is %s', async (_, how) => {
  const { put, ask } = setup()
  const noonUtc = Date.UTC(2026, 10, 23, 12, 0, 0)
  const key = 'LATISS/20261123/AT_O_20261123_000001/AT_O_20261123_000001_R00_S00'
  put(`${key}.json`, { GROUPID: 'g', CURINDEX: 1 }, noonUtc + 5000)
  put(`${key}.fits`, 'pixels', noonUtc + 5000)
  const window = { announcedAt: noonUtc - 60_000, until: noonUtc + 60_000, deadline: noonUtc + 60_000 }
  const { value } = await ask({ ...window, ...how })
  expect(value.found.map(({ raw }) => raw.exposure)).toEqual([2026112300001n])
})

it('looks under every name that a camera has in keys', async () => {
  const { put, ask } = setup()
  const key = 'ComCam/20261122/CC_O_20261122_000007/CC_O_20261122_000007_R22_S11'
  put(`${key}.json`, { GROUPID: 'g', CURINDEX: 1 }, noon - 9)
  put(`${key}.fits`, 'pixels', noon - 9)
  const { value } = await ask({ instrument: 'LSSTComCam', detector: 4 })
  expect(value.found.map(({ raw }) => [raw.instrument, raw.exposure])).toEqual([['LSSTComCam', 2026112200007n]])
})

it('lists the unit alone where the key names the group, however much the store holds', async () => {
  const { put, ask, calls } = setup()
  for (let detector = 0; detector < 104; detector++)
    for (const group of ['g', 'h', 'i']) put(`HSC/${detector}/${group}/0/404/HSC-R2/a.fz`, 'pixels', noon - 9)
  const { value } = await ask({ instrument: 'HSC', detector: 42 })
  expect(value.found.map(({ raw }) => [raw.group, raw.detector, raw.snap])).toEqual([['g', 42, 0]])
  expect(new Set(calls)).toEqual(new Set(['folders HSC/42/g/', 'list HSC/42/g/0/']))
})

it('answers, with nothing, when there is nothing', async () => {
  expect((await setup().ask()).value).toEqual({ attempt: 0, found: [] })
})

it('looks backwards from the newest exposure and no further than the announcement', async () => {
  const { raw, ask, calls } = setup()
  for (let n = 1; n <= 50; n++) raw(n, 'old', noon - 3_600_000)
  raw(51, 'g', noon - 1000)
  expect((await ask()).value.found).toHaveLength(1)
  expect(calls.filter(call => call.startsWith('list '))).toHaveLength(1 + 5)
})

it('finds what is there behind an exposure with a number too high, copied in long ago', async () => {
  const { raw, ask } = setup()
  raw(90_000, 'old', noon - 3_600_000)
  raw(51, 'g', noon - 1000)
  expect((await ask()).value.found).toHaveLength(1)
})

it('serves all who wait with one listing more than the one that runs', async () => {
  const { raw, ask, calls } = setup()
  raw(1, 'g', noon - 1000)
  await Promise.all(Array.from({ length: 189 }, () => ask()))
  expect(calls.filter(call => call.startsWith('folders '))).toHaveLength(1)
})

it('begins a new listing for a request that comes while one runs: that one may have looked too early', async () => {
  const { raw, ask, calls } = setup()
  const first = ask()
  await vi.waitUntil(() => calls.includes('folders LATISS/20261122/'), { interval: 0 })
  raw(1, 'g', noon - 1)
  expect((await ask()).value.found).toHaveLength(1)
  await first
  expect(calls.filter(call => call.startsWith('folders '))).toHaveLength(2)
})

it('leaves out a raw without a sidecar, says so, and finds its neighbours', async () => {
  const { raw, put, ask, warnings } = setup()
  put(latissKey(9), 'pixels', noon - 1)
  raw(8, 'g', noon - 2)
  expect((await ask()).value.found).toHaveLength(1)
  expect(warnings).toEqual([{ key: latissKey(9), code: 'sidecar-missing' }])
})

it('does not answer when the store fails', async () => {
  const { bucket } = memoryBucket()
  // eslint-disable-next-line require-yield -- it fails before it could
  const folders = async function* (): AsyncGenerator<string> {
    throw new Error('503')
  }
  const read = sidecars({ bucket, tries: 1, pauseMs: 0, pause: async () => {}, capacity: 1 })
  const reconcile = rawReconcile(
    listings({ bucket: { ...bucket, folders }, rawBucket: 'raw', sidecars: read, log: { warn: () => {} } }),
  )
  const value: RawWanted = {
    ...{ instrument: 'LATISS', group: 'g', detector: 0, attempt: 0 },
    ...{ announcedAt: noon, until: noon, deadline: noon },
  }
  await expect(reconcile({ stream: 'raw-wanted', key: 'k', at: noon, replay: 0, value })).rejects.toThrow('503')
})
