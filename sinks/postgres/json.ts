/** JSON text in which 64-bit integers are strings and, as ever in JSON, non-finite numbers are null. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? part.toString() : part))
