import { typeOf } from '../../schemas/avro-types.ts'
import type { LogeventNextVisit } from '../../schemas/avro/generated.ts'
import { avroType, frame } from '../../schemas/codec.ts'
import { wholeSchema } from '../../schemas/schemas.ts'
import { nextVisit } from '../../topology/streams.ts'
import type { Summit } from './kafka-world.ts'
import { objectCreated } from './notification.ts'
import type { NightPorts } from './play.ts'

/** What goes wrong out there, on purpose. Each must be parked or end in a named state, and its neighbours must go on. */

/** A notification that is not JSON. */
export const notJson = (): Buffer => Buffer.from('{"Records": [{"eventName": "ObjectCreated:Put", ')

/** A notification of an object that is no raw by its name. */
export const unparsableKey = (bucket: string, at: number): Buffer =>
  Buffer.from(JSON.stringify(objectCreated(bucket, 'LATISS/tonight/IMG_0001.fits', new Uint8Array(2880), at)))

/** The first half of a file, as an interrupted transfer leaves it. */
export const cutInTheMiddle = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, Math.floor(bytes.length / 2))

/** The same world, but objects with the wanted keys are cut in the middle; their notifications still name the full size. */
export const cuttingObjects = (ports: NightPorts, wanted: (key: string) => boolean): NightPorts => ({
  announce: visit => ports.announce(visit),
  notify: event => ports.notify(event),
  putObject: (key, bytes) => ports.putObject(key, wanted(key) ? cutInTheMiddle(bytes) : bytes),
})

/** An announcement whose bytes end too early for its schema. */
export function cutAnnouncement(id: number, visit: LogeventNextVisit): Buffer {
  const body = avroType('next-visit').encode(visit)
  return frame(id, body.subarray(0, body.length - 20))
}

/** An announcement written under a schema without one of the fields: valid Avro, in the registry, and not what was agreed. */
export async function announceWithout(
  field: keyof LogeventNextVisit,
  summit: Pick<Summit, 'register' | 'send'>,
  visit: LogeventNextVisit,
): Promise<void> {
  const whole = wholeSchema('next-visit')
  const schema = { ...whole, fields: whole.fields!.filter(({ name }) => name !== field) }
  // A subject of its own: under the real one a registry that checks compatibility would refuse it.
  const id = await summit.register(`${nextVisit.topic}-without-${field}-value`, schema)
  await summit.send('next-visit', frame(id, typeOf(schema).toBuffer(visit)))
}

/** An announcement for a camera that does not exist, under a group of its own. */
export const withUnknownInstrument = (visit: LogeventNextVisit): LogeventNextVisit => ({
  ...visit,
  instrument: 'NIRCam',
  groupId: `${visit.groupId}-unknown`,
})
