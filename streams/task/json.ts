import { UnfitState } from './faults.ts'

/**
 * State as JSON. A bigint is written as {"$n":"123"}; instants stay numbers. What JSON would change silently (NaN,
 * infinities, Map, Set, Date, class instances) is refused with its path, since a restored state must equal the one that was kept.
 */
export function encodeState(state: unknown): Buffer {
  return Buffer.from(JSON.stringify(plain(state, 'state')))
}

export function decodeState(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString('utf8'), (_, value: unknown) =>
    typeof value === 'object' && value !== null && '$n' in value ? BigInt(String(value.$n)) : value,
  )
}

function plain(value: unknown, path: string): unknown {
  if (typeof value === 'bigint') return { $n: value.toString() }
  if (typeof value === 'number' && !Number.isFinite(value)) throw unfit(path, String(value))
  if (typeof value === 'function' || typeof value === 'symbol') throw unfit(path, `a ${typeof value}`)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((each, i) => plain(each, `${path}[${i}]`))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw unfit(path, `a ${value.constructor.name}`)
  if ('$n' in value) throw new UnfitState(`${path} has a field $n, which marks a bigint`)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each, `${path}.${key}`)]))
}

const unfit = (path: string, found: string) =>
  new UnfitState(
    `${path} is ${found}; a state holds plain objects, arrays, strings, finite numbers, bigints, booleans, null`,
  )
