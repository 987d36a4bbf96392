import { avroType, frame } from '../../../schemas/codec.ts'
import { sidecarKey } from '../../../topology/raw-key.ts'
import { nextVisit, rawNotification } from '../../../topology/streams.ts'
import {
  announceWithout,
  cutAnnouncement,
  cutInTheMiddle,
  notJson,
  unparsableKey,
  withUnknownInstrument,
} from '../../night/bad-input.ts'
import type { Summit } from '../../night/kafka-world.ts'
import type { S3Event } from '../../night/notification.ts'
import type { NightPlan } from '../../night/plan.ts'
import type { NightPorts } from '../../night/play.ts'
import { rawKeyOf } from '../../night/raw.ts'

/** What befalls each visit of the night, in order. Those that wait for their deadline come first: the others go on meanwhile. */
export const FATES = [
  'raw never comes',
  'notification lost',
  'beside bad records',
  'raw cut',
  'in a bad notification',
] as const
export type Fate = (typeof FATES)[number]

/** A record that must be parked. */
export interface Poison {
  readonly what: string
  readonly topic: string
  readonly value: Buffer
}

/**
 * The night's world with bad input between the good, and raws and notifications lost, as `FATES` says. What was sent that must be
 * parked is told to `poison`, in order.
 */
export function badNight(
  plan: NightPlan,
  bucket: string,
  ports: NightPorts,
  summit: Summit,
  poison: (sent: Poison) => void,
): NightPorts {
  const keys = plan.visits.map(visit => rawKeyOf(plan, visit, visit.exposures[0]!, plan.detectors[0]!))
  const fateOf = (key: string): Fate => FATES[keys.findIndex(raw => key === raw || key === sidecarKey(raw))]!
  const send = async (what: string, stream: 'next-visit' | 'raw-notification', value: Buffer) => {
    const { topic } = stream === 'next-visit' ? nextVisit : rawNotification
    poison({ what, topic, value })
    await summit.send(stream, value)
  }
  return {
    announce: async visit => {
      if (FATES[plan.visits.findIndex(({ group }) => group === visit.groupId)] === 'beside bad records') {
        const schema = avroType('next-visit').schema
        const id = await summit.register(`${nextVisit.topic}-value`, schema)
        await send('cut', 'next-visit', cutAnnouncement(id, visit))
        const asWithout = {
          ...summit,
          send: (stream: 'next-visit' | 'raw-notification', value: Buffer) => send('no field', stream, value),
        }
        await announceWithout('instrument', asWithout, visit)
        const unknown = avroType('next-visit').encode(withUnknownInstrument(visit))
        await send('unknown instrument', 'next-visit', frame(id, unknown))
      }
      await ports.announce(visit)
    },
    putObject: async (key, bytes) => {
      const fate = fateOf(key)
      if (fate === 'raw never comes') return
      await ports.putObject(key, fate === 'raw cut' && keys.includes(key) ? cutInTheMiddle(bytes) : bytes)
    },
    notify: async event => {
      const key = decodeURIComponent(event.Records[0]!.s3.object.key)
      const fate = fateOf(key)
      if (fate === 'raw never comes' || fate === 'notification lost') return
      if (fate === 'beside bad records' && !keys.includes(key)) {
        await send('not JSON', 'raw-notification', notJson())
        await send('bad key', 'raw-notification', unparsableKey(bucket, Date.now()))
      }
      if (fate !== 'in a bad notification' || !keys.includes(key)) return ports.notify(event)
      // One notification of two objects: the bad one is parked, with the whole notification, and the good one goes on.
      const bad = JSON.parse(String(unparsableKey(bucket, Date.now()))) as S3Event
      const both = { Records: [...bad.Records, ...event.Records] }
      await send('bad key in company', 'raw-notification', Buffer.from(JSON.stringify(both)))
    },
  }
}
