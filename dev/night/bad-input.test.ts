import { describe, expect, it } from 'vitest'
import { FitsError, readFits, writeFits } from '../../pipeline/images/fits.ts'
import { avroType, codecWith, UndecodableError } from '../../schemas/codec.ts'
import { parseNotification } from '../../schemas/json/s3-notification.ts'
import type { AvroSchema } from '../../schemas/schemas.ts'
import { parseRawKey } from '../../topology/raw-key.ts'
import {
  announceWithout,
  cutAnnouncement,
  cuttingObjects,
  notJson,
  unparsableKey,
  withUnknownInstrument,
} from './bad-input.ts'
import { nextVisitOf } from './next-visit.ts'
import { planNight } from './plan.ts'

const plan = planNight({ seed: 2, instrument: 'LATISS', visits: 1, size: 128, start: Date.UTC(2026, 10, 22) })
const visit = nextVisitOf(plan, plan.visits[0]!, plan.options.start)

describe('bad input is bad in the way it says', () => {
  it('a notification that is not JSON', () => {
    expect(() => parseNotification(notJson())).toThrow()
  })

  it('a key that does not parse, in a notification that does', () => {
    const [record] = parseNotification(unparsableKey('raws', 0)).records
    expect(record).toMatchObject({ ok: true })
    expect(parseRawKey((record as { key: string }).key)).toMatchObject({ kind: 'refused', code: 'bad-key' })
  })

  it('a FITS cut in the middle, and no other object', async () => {
    const stored = new Map<string, Uint8Array>()
    const ports = cuttingObjects(
      {
        announce: async () => {},
        notify: async () => {},
        putObject: async (key, bytes) => void stored.set(key, bytes),
      },
      key => key === 'cut.fits',
    )
    const image = { width: 60, height: 60, data: new Float32Array(3600) }
    const bytes = writeFits([{ header: {} }, { header: {}, image }])
    await ports.putObject('cut.fits', bytes)
    await ports.putObject('whole.fits', bytes)
    expect(() => readFits(stored.get('cut.fits')!)).toThrow(FitsError)
    expect(readFits(stored.get('whole.fits')!)).toHaveLength(2)
  })

  it('an announcement that ends too early', () => {
    const codec = codecWith(new Map([['next-visit', 7]]))
    expect(codec.decode('next-visit', codec.encode('next-visit', visit))).toEqual(visit)
    expect(() => codec.decode('next-visit', cutAnnouncement(7, visit))).toThrow(UndecodableError)
  })

  it('an announcement under a schema without a field', async () => {
    const codec = codecWith(new Map([['next-visit', 7]]))
    const sent: Buffer[] = []
    await announceWithout(
      'instrument',
      {
        register: async (_subject: string, schema: AvroSchema) => {
          codec.learn(8, schema)
          return 8
        },
        send: async (_stream, bytes) => void sent.push(bytes),
      },
      visit,
    )
    expect(() => codec.decode('next-visit', sent[0]!)).toThrow(/instrument/)
    expect(() => codec.decode('next-visit', sent[0]!)).toThrow(UndecodableError)
  })

  it('an announcement for a camera that does not exist, valid otherwise', () => {
    const wrong = withUnknownInstrument(visit)
    expect(avroType('next-visit').decode(avroType('next-visit').encode(wrong)).instrument).toBe('NIRCam')
    expect(wrong.groupId).not.toBe(visit.groupId)
  })
})
