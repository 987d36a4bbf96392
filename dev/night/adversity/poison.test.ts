import { describe, expect, it } from 'vitest'
import type { AvroSchema } from '../../../schemas/schemas.ts'
import { codecWith, UndecodableError } from '../../../schemas/codec.ts'
import { parseNotification } from '../../../schemas/json/s3-notification.ts'
import { rawIntake } from '../../../streams/raws/raw-intake.ts'
import { fanOut } from '../../../topology/fan-out.ts'
import { Rejection } from '../../../topology/model/step.ts'
import { defaultSettings } from '../../../topology/settings.ts'
import { nextVisitOf } from '../next-visit.ts'
import { planNight } from '../plan.ts'
import { poisons, type Ingredients, type Poison } from './poison.ts'
import { parkedFates } from './switches.ts'

const now = Date.UTC(2026, 10, 22, 3)
const plan = planNight({ seed: 2, instrument: 'LSSTComCam', visits: 1, size: 128, start: now })
const contracts = new Map([['next-visit', 7] as const, ['next-visit-canceled', 8] as const, ['control', 9] as const])
const codec = codecWith(contracts)
const ingredients: Ingredients = {
  announcement: nextVisitOf(plan, plan.visits[0]!, now),
  bucket: 'raws',
  now,
  summit: {
    framed: (entrance, value) => codec.encode(entrance, value as never),
    register: async (_subject, schema: AvroSchema) => {
      codec.learn(10, schema)
      return 10
    },
  },
  putObject: async () => {},
}

/** The code that the system would park the record under; undefined where it takes it. */
async function codeOf(entrance: Poison['entrance'], value: Buffer): Promise<string | undefined> {
  const event = (decoded: unknown) => ({ stream: entrance, key: '', at: now, replay: 0, value: decoded })
  try {
    if (entrance !== 'raw-notification') {
      fanOut(defaultSettings).on(undefined, event(codec.decode(entrance, value)), undefined, () => undefined)
      return undefined
    }
    const noSidecar = { read: () => Promise.reject(new Rejection('sidecar-missing', 'it never came')) }
    const { park } = await rawIntake(noSidecar, 'raws')(event(parseNotification(value)))
    return park[0]?.code
  } catch (error) {
    if (error instanceof Rejection) return error.code
    if (error instanceof UndecodableError) return 'undecodable'
    return (error as Error).name === 'NotJsonError' ? 'not-json' : String(error)
  }
}

describe.each(parkedFates)('%s', fate => {
  it.each(Object.entries(poisons[fate]))('%s', async (_what, { entrance, code, make }) => {
    expect(await codeOf(entrance, await make(ingredients))).toBe(code)
  })
})

it('is made from an announcement that would be taken', async () => {
  const good = ingredients.summit.framed('next-visit', ingredients.announcement)
  expect(await codeOf('next-visit', good)).toBeUndefined()
})
