import { parseJson } from './json.ts'
import { validator } from './validate.ts'

/**
 * One tick of the clock service: `t` (ms UTC, less ε) was read before the end offsets of the entrance topics ("topic/partition" → offset).
 * `epsilonMs`: that ε. `heldUntil`: when the last hold that operators ordered ends, or ended.
 */
export interface ClockTick {
  readonly t: number
  readonly end: Readonly<Record<string, string>>
  readonly hold: boolean
  readonly heldUntil?: number
  readonly epsilonMs?: number
}

/** JSON that is no clock tick; the sentence says what is wrong and where. */
export class NotATickError extends Error {
  override name = 'NotATickError'
}

const misfit = validator({
  type: 'object',
  required: ['t', 'end', 'hold'],
  properties: {
    t: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    end: {
      type: 'object',
      maxProperties: 10_000,
      propertyNames: { pattern: '^[A-Za-z0-9._-]{1,249}/(0|[1-9][0-9]{0,9})$' },
      additionalProperties: { type: 'string', pattern: '^(0|[1-9][0-9]{0,18})$' },
    },
    hold: { type: 'boolean' },
    heldUntil: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    epsilonMs: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  },
})

function checked(tick: unknown): ClockTick {
  const wrong = misfit(tick)
  if (wrong !== undefined)
    throw new NotATickError(
      `This is no clock tick: ${wrong}. Allowed: {"t": ms, "end": {"topic/partition": "offset"}, "hold": true or false}.`,
    )
  const { t, end, hold, heldUntil, epsilonMs } = tick as ClockTick
  return { t, end, hold, ...(heldUntil !== undefined && { heldUntil }), ...(epsilonMs !== undefined && { epsilonMs }) }
}

/** Throws NotATickError where a field is not what it must be. */
export const encodeTick = (tick: ClockTick): Buffer => Buffer.from(JSON.stringify(checked(tick)))

/** Throws NotJsonError, NotATickError. Unknown fields are left out. */
export const decodeTick = (bytes: Uint8Array): ClockTick => checked(parseJson(bytes))
