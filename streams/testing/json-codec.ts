import { UndecodableError, type Codec } from '../../schemas/codec.ts'
import { decodeState, encodeState } from '../task/json.ts'

/** A codec that writes any value as JSON under any contract's name: for tests of the runtime, whose steps have values of their own. */
export const jsonCodec: Codec = {
  encode: (_, value) => encodeState(bytesAsText(value)),
  decode: (_, bytes) => {
    try {
      return decodeState(bytes) as never
    } catch (error) {
      throw new UndecodableError((error as Error).message)
    }
  },
  knows: () => true,
  prefetch: async () => undefined,
  learn: () => undefined,
}

const bytesAsText = (value: unknown): unknown => {
  if (Buffer.isBuffer(value)) return value.toString()
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, bytesAsText(each)]))
}
