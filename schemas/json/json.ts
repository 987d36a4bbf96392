/** Bytes that are no JSON this system would read; the sentence says why. */
export class NotJsonError extends Error {
  override name = 'NotJsonError'
}

/** A notification of 1000 records takes about 1 MiB; no JSON that belongs here comes near these. */
export const MAX_BYTES = 4 * 1024 * 1024
export const MAX_DEPTH = 32

/** JSON from the bytes of a record, refused before it is parsed where it is larger or deeper than anything we read. Throws NotJsonError. */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_BYTES) throw new NotJsonError(`${bytes.length} bytes are more than the ${MAX_BYTES} allowed.`)
  if (depthOf(bytes) > MAX_DEPTH) throw new NotJsonError(`Brackets lie more than ${MAX_DEPTH} deep in one another.`)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch (error) {
    const what = bytes.length === 0 ? 'There are no bytes.' : `This is not JSON: ${(error as Error).message}.`
    throw new NotJsonError(what.replace(/\.+$/, '.'))
  }
}

/** How deep brackets lie in one another, those inside strings left out. */
function depthOf(bytes: Uint8Array): number {
  const [quote, backslash] = [0x22, 0x5c]
  let [depth, deepest, inString] = [0, 0, false]
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (inString) {
      if (byte === backslash) i++
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (byte === 0x5b || byte === 0x7b) deepest = Math.max(deepest, ++depth)
    else if (byte === 0x5d || byte === 0x7d) depth--
  }
  return deepest
}
