/**
 * Id of a solar-system object: the characters of the MPC's packed provisional designation, 8 bits each, the first one highest. Seven or eight
 * printable ASCII characters: the top bit stays 0, and every id is its designation again.
 * Worked example: `K08A00B` (2008 AB) is 4b 30 38 41 30 30 42, which is 21163641423278146.
 */

const PACKED = /^[!-~]{7,8}$/

/** @throws RangeError for what is no packed designation */
export function ssObjectId(packed: string): bigint {
  if (!PACKED.test(packed))
    throw new RangeError(
      `"${packed}" is not a packed provisional designation; allowed are 7 or 8 printable ASCII characters`,
    )
  return [...packed].reduce((id, character) => (id << 8n) + BigInt(character.charCodeAt(0)), 0n)
}

/** The inverse of `ssObjectId`. @throws RangeError for an id that no designation gives */
export function packedDesignation(id: bigint): string {
  const bytes: number[] = []
  for (let rest = id; rest > 0n; rest >>= 8n) bytes.unshift(Number(rest & 0xffn))
  const packed = String.fromCharCode(...bytes)
  if (!PACKED.test(packed))
    throw new RangeError(`${id} is not the id of a solar-system object: its bytes are no designation`)
  return packed
}
