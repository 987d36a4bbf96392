import { expect, it } from 'vitest'
import { type Notification, parseNotification } from '../../schemas/json/s3-notification.ts'
import { rawIntake } from './raw-intake.ts'
import { sidecars } from './sidecars.ts'
import { latissKey, memoryBucket } from './testing/bucket.ts'

const record = (key: string, eventName = 'ObjectCreated:Put') => ({
  eventName,
  s3: { bucket: { name: 'raw' }, object: { key: encodeURIComponent(key), size: 5, eTag: 'e' } },
})
const setup = () => {
  const store = memoryBucket()
  const intake = rawIntake(
    sidecars({ bucket: store.bucket, tries: 2, pauseMs: 0, pause: async () => {}, capacity: 10 }),
    'raw',
  )
  const notify = (...records: object[]) => {
    const value: Notification = parseNotification(Buffer.from(JSON.stringify({ Records: records })))
    return intake({ stream: 'raw-notification', key: '', at: 7, replay: 0, value })
  }
  return { ...store, notify }
}

it('keys a raw by the unit that its sidecar names', async () => {
  const { put, notify } = setup()
  put(latissKey(4, 'json'), { GROUPID: '2026-11-22T05:18:33.000', CURINDEX: 2 })
  expect(await notify(record(latissKey(4)))).toEqual({
    out: [
      {
        stream: 'raw-arrival',
        key: 'LATISS/2026-11-22T05:18:33.000/0',
        value: {
          instrument: 'LATISS',
          group: '2026-11-22T05:18:33.000',
          detector: 0,
          snap: 1,
          exposure: 2026112200004n,
          bucket: 'raw',
          key: latissKey(4),
          size: 5n,
          eTag: 'e',
        },
      },
    ],
    park: [],
  })
})

it('reads group and snap from a key that holds them, and asks the store nothing', async () => {
  const { notify, calls } = setup()
  const { out } = await notify(record('HSC/42/2022032100001/0/404/HSC-R2/HSC-2022032100001-0-404-r-42.fz'))
  expect(out).toMatchObject([{ key: 'HSC/2022032100001/42', value: { snap: 0, exposure: 404n } }])
  expect(calls).toEqual([])
})

it('lets pass in silence what lies in another bucket, whatever its name', async () => {
  const { notify, put, calls } = setup()
  put(latissKey(4, 'json'), { GROUPID: 'g', CURINDEX: 1 })
  const elsewhere = (key: string) => {
    const { eventName, s3 } = record(key)
    return { eventName, s3: { ...s3, bucket: { name: 'central' } } }
  }
  expect(await notify(elsewhere('calib/LATISS/0/bias.fits'), elsewhere(latissKey(4)))).toEqual({ out: [], park: [] })
  expect(calls).toEqual([])
})

it('lets pass in silence what is rightly there and is no raw', async () => {
  const { notify } = setup()
  const removed = record(latissKey(1), 'ObjectRemoved:Delete')
  expect(await notify(record(latissKey(1, 'json')), removed)).toEqual({ out: [], park: [] })
})

it('parks a bad record with its reason, and its neighbours go on', async () => {
  const { put, notify } = setup()
  put(latissKey(2, 'json'), { GROUPID: 'g', CURINDEX: 1 })
  const { out, park } = await notify(
    { eventName: 'ObjectCreated:Put' },
    record('LATISS/../secrets'),
    record('Kodak/1.fits'),
    record(latissKey(3)),
    record(latissKey(2)),
  )
  expect(out).toHaveLength(1)
  expect(park.map(p => p.code)).toEqual([
    'bad-notification-record',
    'unsafe-key',
    'unknown-instrument',
    'sidecar-missing',
  ])
})
