import { createHash } from 'node:crypto'
import type { LogRecord } from '../../streams/log-client.ts'

/**
 * One hash of records, of everything that they hold and of their order: two runs did the same if it is the same. Each record is framed by
 * JSON, so that nothing of one field can pass for a part of the next.
 */
export function hashOf(records: Iterable<LogRecord>): string {
  const hash = createHash('sha256')
  for (const { topic, partition, offset, timestamp, appendTime, key, value, headers } of records) {
    const place = [topic, partition, String(offset), timestamp, appendTime]
    const told = Object.entries(headers).map(([name, bytes]) => [name, textOf(bytes)])
    hash.update(`${JSON.stringify([place, textOf(key), textOf(value), told])}\n`)
  }
  return hash.digest('hex')
}

const textOf = (bytes: Buffer | null | undefined) => bytes?.toString('base64') ?? null
