import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeTick, encodeTick, NotATickError } from './clock-tick.ts'
import { NotJsonError, parseJson } from './json.ts'
import { isCreation, NotANotificationError, parseNotification, type StoredObject } from './s3-notification.ts'

const bytes = (json: unknown) => Buffer.from(typeof json === 'string' ? json : JSON.stringify(json))

describe('JSON', () => {
  it.each([
    ['', 'There are no bytes.'],
    ['{"a":', 'This is not JSON: Unexpected end'],
    ['SIMPLE  =  T', 'This is not JSON: Unexpected token'],
    ['['.repeat(1_000_000), 'Brackets lie more than 32 deep'],
    [`"${'a'.repeat(4 * 1024 * 1024)}"`, '4194306 bytes are more than the 4194304 allowed'],
  ])('refuses %.20s', (text, sentence) => {
    expect(() => parseJson(bytes(text))).toThrow(NotJsonError)
    expect(() => parseJson(bytes(text))).toThrow(sentence)
  })

  it('refuses text that is not UTF-8', () => {
    expect(() => parseJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow(NotJsonError)
  })

  it('does not count brackets inside strings', () => {
    const text = `\\"${'['.repeat(100)}`
    expect(parseJson(bytes(`["${text}", []]`))).toEqual([JSON.parse(`"${text}"`), []])
  })

  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), text => {
        expect(parseJson(bytes(text))).toEqual(JSON.parse(text))
      }),
    )
  })
})

const event = (key: string, more: object = {}) => ({
  eventVersion: '2.2',
  eventSource: 'ceph:s3',
  awsRegion: '',
  eventTime: '2026-11-22T03:04:05.678901Z',
  eventName: 'ObjectCreated:Put',
  userIdentity: { principalId: 'summit' },
  s3: {
    s3SchemaVersion: '1.0',
    configurationId: 'pp',
    bucket: { name: 'rubin-summit', arn: 'arn:aws:s3:::rubin-summit', id: '1', ownerIdentity: { principalId: 'x' } },
    object: {
      key,
      size: 5_000_000,
      eTag: '9a0364b9e99bb480dd25e1f0284c8555',
      versionId: '',
      sequencer: 'A1',
      metadata: [],
      tags: [],
    },
  },
  eventId: '1',
  opaqueData: '',
  ...more,
})
const one = (record: unknown) => parseNotification(bytes({ Records: [record] })).records[0]!

describe('object-store notifications', () => {
  it('are read with what a store writes besides', () => {
    expect(one(event('LATISS/20261122/AT_O_20261122_000001/AT_O_20261122_000001_R00_S00.fits'))).toEqual({
      ok: true,
      bucket: 'rubin-summit',
      key: 'LATISS/20261122/AT_O_20261122_000001/AT_O_20261122_000001_R00_S00.fits',
      size: 5_000_000,
      eTag: '9a0364b9e99bb480dd25e1f0284c8555',
      eventName: 'ObjectCreated:Put',
      eventTime: '2026-11-22T03:04:05.678901Z',
    })
  })

  it.each([
    ['ObjectCreated:Put', true],
    ['s3:ObjectCreated:CompleteMultipartUpload', true],
    ['ObjectRemoved:Delete', false],
    ['s3:ObjectRemoved:DeleteMarkerCreated', false],
    ['Object:ObjectCreated:Put', false],
  ])('%s', (eventName, created) => {
    expect(isCreation(one(event('a', { eventName })) as StoredObject)).toBe(created)
  })

  it('have their keys decoded, whatever is in them', () => {
    expect(one(event('LSSTCam%2Fa+b%2Bc%C3%A9'))).toMatchObject({ key: 'LSSTCam/a b+cé' })
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 50 }), key => {
        expect(one(event(new URLSearchParams({ key }).toString().slice(4)))).toMatchObject({ ok: true, key })
      }),
    )
  })

  it.each([
    [null, 'Record 0 of the notification: must be object.'],
    [event(''), '/s3/object/key must NOT have fewer than 1 characters'],
    [event('a%'), 'the key "a%" is not rightly url-encoded'],
    [event('a%FF'), 'the key "a%FF" is not rightly url-encoded'],
    [event('a\ud800'), 'the key "a\\ud800" is not rightly url-encoded'],
    [event('a', { eventName: undefined }), "must have required property 'eventName'"],
    [event('a', { eventName: 'put' }), '/eventName must match pattern'],
    [event('a', { s3: { bucket: { name: 'b' }, object: {} } }), "/s3/object must have required property 'key'"],
    [event('a', { s3: { bucket: {}, object: { key: 'a' } } }), "/s3/bucket must have required property 'name'"],
    [event('a', { s3: { bucket: { name: 'b' }, object: { key: 'a', size: -1 } } }), '/s3/object/size must be >= 0'],
    [event('a', { s3: { bucket: { name: 'b' }, object: { key: 7 } } }), '/s3/object/key must be string'],
  ])('a bad record says why, its neighbours go on', (bad, reason) => {
    const { records } = parseNotification(bytes({ Records: [bad, event('good'), bad] }))
    expect(records.map(record => record.ok)).toEqual([false, true, false])
    expect(records[0]).toMatchObject({ reason: expect.stringContaining(reason) as string })
    expect(records[2]).toMatchObject({ reason: expect.stringContaining('Record 2 of') as string })
  })

  it('need not say size and eTag', () => {
    const record = one({ eventName: 'ObjectCreated:Post', s3: { bucket: { name: 'b' }, object: { key: 'k' } } })
    expect(record).toEqual({ ok: true, bucket: 'b', key: 'k', eventName: 'ObjectCreated:Post' })
  })

  it('that are none are refused whole', () => {
    for (const json of [{}, [], null, 7, { Records: {} }, { records: [] }])
      expect(() => parseNotification(bytes(json))).toThrow(NotANotificationError)
    expect(() => parseNotification(bytes({ Records: Array(1001).fill(event('a')) }))).toThrow(
      '1001 records are more than the 1000 allowed',
    )
  })

  it('the message of a store that tries its notifications out has no records', () => {
    expect(parseNotification(bytes({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'b' }))).toEqual({
      records: [],
    })
  })

  it('no JSON at all makes it fail otherwise than by its own errors', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.json().map(json => `{"Records":[${json}]}`),
        ),
        text => {
          try {
            parseNotification(bytes(text))
          } catch (error) {
            expect(error).toBeInstanceOf(NotANotificationError)
          }
        },
      ),
    )
  })
})

describe('clock ticks', () => {
  const tick = {
    t: 1_795_000_000_123,
    end: { 'raw-notification/0': '9223372036854775807', 'next-visit/0': '0' },
    hold: false,
  }

  it('come back as they went', () => {
    expect(encodeTick(tick).toString()).toBe(JSON.stringify(tick))
    expect(decodeTick(encodeTick(tick))).toEqual(tick)
    expect(decodeTick(bytes({ ...tick, more: 1 }))).toEqual(tick)
  })

  it.each([
    [{ ...tick, t: 1.5 }, '/t must be integer'],
    [{ ...tick, t: undefined }, "must have required property 't'"],
    [{ ...tick, hold: 'no' }, '/hold must be boolean'],
    [{ ...tick, end: { 'a/0': 5 } }, '/end/a~10 must be string'],
    [{ ...tick, end: { 'a/0': '-1' } }, '/end/a~10 must match pattern'],
    [{ ...tick, end: { a: '1' } }, '/end must match pattern'],
    [[], 'must be object'],
  ])('%j is none', (json, why) => {
    expect(() => decodeTick(bytes(json))).toThrow(NotATickError)
    expect(() => decodeTick(bytes(json))).toThrow(why)
    expect(() => encodeTick(json as never)).toThrow(NotATickError)
  })
})
