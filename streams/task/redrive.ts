import type { LogRecord } from '../log-client.ts'
import { Rejection } from '../../topology/model/step.ts'

/** What an operator's redrive says of the record that it puts back. */
export interface Redrive {
  /** The stage that had refused it: every other reader of the topic passes it over, having had it before. */
  readonly stage: string
  /** Where it stood when it was refused, "topic/partition@offset". */
  readonly of: string
  /** How often it had been parked. */
  readonly attempt: number
}

/** The header of a record that was put back. */
export const REDRIVE = 'redrive'

export const redriveHeaders = (redrive: Redrive): Record<string, Buffer> => ({
  [REDRIVE]: Buffer.from(JSON.stringify(redrive)),
})

/**
 * What the header says, in whatever record: at an entrance anybody can have written it, so that it counts for nothing there until the
 * audit confirms it (ops/dlq). @throws Rejection where it is there and makes no sense
 */
export function redriveOf({ headers }: Pick<LogRecord, 'headers'>): Redrive | undefined {
  const header = headers[REDRIVE]
  if (header === undefined) return undefined
  try {
    const { stage, of, attempt } = JSON.parse(String(header)) as Partial<Record<keyof Redrive, unknown>>
    if (typeof stage === 'string' && typeof of === 'string' && isCount(attempt)) return { stage, of, attempt }
  } catch {
    // Said below.
  }
  throw new Rejection(
    'bad-redrive',
    'The header "redrive" does not say for which stage the record was put back: all its readers would take it.',
  )
}

/** The contract counts in 32 bits. */
const MOST_ATTEMPTS = 2 ** 31 - 2
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MOST_ATTEMPTS
