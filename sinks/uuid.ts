import { createHash } from 'node:crypto'

/** Rubin's namespace: the UUID of version 5 of `lsst.org` in that of domain names. */
const LSST = Buffer.from('840b31d905cd5161b2c800d32b280d0f', 'hex')

/** A UUID that follows from a name (RFC 9562, version 5): whoever makes it, and however often, it is the same. */
export function uuidOf(name: string): string {
  const bytes = createHash('sha1').update(LSST).update(name).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
