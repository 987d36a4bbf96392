import { readFileSync } from 'node:fs'

/** What a test run came to. A file that could not be loaded and an error outside of tests count as failed. */
export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Of two runs together. */
export const sumOf = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
})

/** The counts the reporter left, or undefined when it never got to write them. */
export function readCounts(file: string): Counts | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Counts
  } catch {
    return undefined
  }
}

/** The closing line of `npm test`, e.g. `12 passed, 0 failed` or `12 passed, 0 failed, 1 skipped`. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`
}

/**
 * Brings the counts and vitest's exit code to one answer: success only when something passed, nothing failed and
 * vitest itself says so. A run that cannot say what it did is counted as one failure, with the reason in `why`.
 */
export function verdict(
  counts: Counts | undefined,
  vitestCode: number,
): {
  readonly counts: Counts
  readonly exitCode: number
  readonly why?: string
} {
  const found = counts ?? { passed: 0, failed: 0, skipped: 0 }
  if (found.failed > 0) return { counts: found, exitCode: vitestCode || 1 }
  const failure = (why: string) => ({ counts: { ...found, failed: 1 }, exitCode: vitestCode || 1, why })

  if (counts === undefined) return failure(`The test run ended before its end (code ${vitestCode}): counted as failed.`)
  if (vitestCode !== 0) return failure(`Vitest ended with code ${vitestCode} outside of any test: counted as failed.`)
  if (found.passed === 0) return failure('No test ran: counted as failed.')
  return { counts: found, exitCode: 0 }
}
