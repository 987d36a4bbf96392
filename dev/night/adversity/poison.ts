import { typeOf } from '../../../schemas/avro-types.ts'
import type { Control, LogeventNextVisit, LogeventNextVisitCanceled } from '../../../schemas/avro/generated.ts'
import { frame } from '../../../schemas/codec.ts'
import { wholeSchema } from '../../../schemas/schemas.ts'
import { taiSecondsOfInstant, type Instant } from '../../../topology/model/time.ts'
import { nextVisit } from '../../../topology/streams.ts'
import type { Entrance, Summit } from '../kafka-world.ts'
import { objectCreated } from '../notification.ts'
import type { NightPorts } from '../play.ts'
import type { ParkedFate } from './switches.ts'

/** Records that are wrong on purpose, each with the code that it must be parked under. */

/** What a poison is made from: a good announcement of its moment, and the world. */
export interface Ingredients {
  readonly announcement: LogeventNextVisit
  readonly bucket: string
  readonly now: Instant
  readonly summit: Pick<Summit, 'framed' | 'register'>
  readonly putObject: NightPorts['putObject']
}

export interface Poison {
  readonly entrance: Entrance
  readonly code: string
  readonly make: (from: Ingredients) => Buffer | Promise<Buffer>
}

const STALE_S = 7200
/** An announcement like a good one, but for what is given, and under a group of its own. */
const announcing =
  (name: string, change: (good: LogeventNextVisit) => Partial<LogeventNextVisit>) =>
  ({ announcement, summit }: Ingredients): Buffer =>
    summit.framed('next-visit', {
      ...announcement,
      groupId: `${announcement.groupId}-${name}`,
      ...change(announcement),
    })

const announcements: Readonly<Record<string, Omit<Poison, 'entrance'>>> = {
  'ends too early': {
    code: 'undecodable',
    make: ({ announcement, summit }) => cut(summit.framed('next-visit', announcement)),
  },
  'has no field instrument': {
    code: 'undecodable',
    make: ({ announcement, summit }) => without('instrument', announcement, summit),
  },
  'is of no known instrument': {
    code: 'unknown-instrument',
    make: announcing('unknown', () => ({ instrument: 'NIRCam' })),
  },
  'has 0 in an enumeration': { code: 'bad-enum', make: announcing('enum', () => ({ dome: 0n })) },
  'points by azimuth and altitude': {
    code: 'unsupported-system',
    make: announcing('mount', () => ({ coordinateSystem: 4n })),
  },
}

/** The first bytes of a record: its frame and half of its body. */
const cut = (record: Buffer): Buffer => record.subarray(0, 5 + Math.floor((record.length - 5) / 2))

/** Under a schema without one of the fields: valid Avro, in the registry, and not what was agreed. */
export async function without(
  field: keyof LogeventNextVisit,
  announcement: LogeventNextVisit,
  { register }: Pick<Summit, 'register'>,
): Promise<Buffer> {
  const whole = wholeSchema('next-visit')
  const schema = { ...whole, fields: whole.fields!.filter(({ name }) => name !== field) }
  // A subject of its own: under the real one a registry that checks compatibility would refuse it.
  const id = await register(`${nextVisit.topic}-without-${field}-value`, schema)
  return frame(id, typeOf(schema).toBuffer(announcement))
}

export const cancellationOf = (
  { announcement }: Pick<Ingredients, 'announcement'>,
  now: Instant,
  groupId = announcement.groupId,
): LogeventNextVisitCanceled => ({
  private_sndStamp: taiSecondsOfInstant(now),
  private_rcvStamp: 0,
  private_seqNum: announcement.private_seqNum,
  private_identity: announcement.private_identity,
  private_origin: announcement.private_origin,
  private_revCode: announcement.private_revCode,
  private_efdStamp: now / 1000,
  private_kafkaStamp: taiSecondsOfInstant(now),
  salIndex: announcement.salIndex,
  scriptSalIndex: announcement.scriptSalIndex,
  groupId,
})

const cancellations: Readonly<Record<string, Omit<Poison, 'entrance'>>> = {
  'ends too early': {
    code: 'undecodable',
    make: from => cut(from.summit.framed('next-visit-canceled', cancellationOf(from, from.now))),
  },
  'names no group': {
    code: 'bad-group',
    make: from => from.summit.framed('next-visit-canceled', cancellationOf(from, from.now, ' ')),
  },
}

export const maskOrder = (instrument: string, detector: number, kind: Control['kind']): Control => ({
  kind,
  instrument,
  detector,
  reason: 'a rehearsal',
  by: 'the night',
  until: null,
})

const orders: Readonly<Record<string, Omit<Poison, 'entrance'>>> = {
  'is text': { code: 'undecodable', make: () => Buffer.from('mask detector 4, please') },
  'masks a detector that there is not': {
    code: 'unknown-detector',
    make: ({ announcement, summit }) => summit.framed('control', maskOrder(announcement.instrument, 999, 'mask')),
  },
}

/** A notification of one object that nobody put. */
const telling =
  (keyOf: (good: LogeventNextVisit) => string, written = (json: string) => json) =>
  ({ bucket, now, announcement }: Ingredients): Buffer =>
    Buffer.from(written(JSON.stringify(objectCreated(bucket, keyOf(announcement), new Uint8Array(2880), now))))

const CAMERA: Readonly<Record<string, { readonly code: string; readonly detector: string }>> = {
  LATISS: { code: 'AT', detector: 'R00_S00' },
  LSSTComCam: { code: 'CC', detector: 'R22_S11' },
  LSSTCam: { code: 'MC', detector: 'R22_S11' },
}

/** A good name of a raw that the camera's own controller took: exposures of all controllers share their numbers, so it has a high one. */
function keyOfController({ instrument }: LogeventNextVisit, now: Instant): string {
  const { code, detector } = CAMERA[instrument]!
  const day = new Date(now - 12 * 3_600_000).toISOString().slice(0, 10).replaceAll('-', '')
  const observation = `${code}_C_${day}_030000`
  return `${instrument}/${day}/${observation}/${observation}_${detector}.fits`
}

/** By the object store's rules a name may be anything; by ours no object has this one. */
export const unparsableRecord = (bucket: string, now: Instant) =>
  objectCreated(bucket, 'LATISS/tonight/IMG_0001.fits', new Uint8Array(2880), now).Records

const notifications: Readonly<Record<string, Omit<Poison, 'entrance'>>> = {
  'is not JSON': { code: 'not-json', make: () => Buffer.from('{"Records": [{"eventName": "ObjectCreated:Put", ') },
  'has a key that is no text': {
    code: 'bad-notification-record',
    make: telling(
      ({ instrument }) => `${instrument}/x`,
      json => json.replace('/x"', '/%E0%A4%A"'),
    ),
  },
  'has a key of no family': {
    code: 'bad-key',
    make: telling(({ instrument }) => `${instrument}/tonight/IMG_0001.fits`),
  },
  'has a key that climbs out': {
    code: 'unsafe-key',
    make: telling(({ instrument }) => `${instrument}/../../etc/passwd.fits`),
  },
  'is of a raw without sidecar': {
    code: 'sidecar-missing',
    make: async from => {
      const key = keyOfController(from.announcement, from.now)
      const bytes = new Uint8Array(2880)
      await from.putObject(key, bytes)
      return Buffer.from(JSON.stringify(objectCreated(from.bucket, key, bytes, from.now)))
    },
  },
}

const at = (entrance: Entrance, made: Readonly<Record<string, Omit<Poison, 'entrance'>>>) =>
  Object.fromEntries(Object.entries(made).map(([what, poison]) => [what, { ...poison, entrance }]))

/** By switch, and by what is wrong. */
export const poisons: Readonly<Record<ParkedFate, Readonly<Record<string, Poison>>>> = {
  'stale-announcement': at('next-visit', {
    'is two hours old': {
      code: 'stale',
      make: announcing('stale', ({ private_sndStamp, private_efdStamp }) => ({
        private_sndStamp: private_sndStamp - STALE_S,
        private_efdStamp: private_efdStamp - STALE_S,
      })),
    },
  }),
  'poison-next-visit': at('next-visit', announcements),
  'poison-next-visit-canceled': at('next-visit-canceled', cancellations),
  'poison-control': at('control', orders),
  'poison-raw-notification': at('raw-notification', notifications),
}
