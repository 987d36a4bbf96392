import pg from 'pg'
import { Rejection } from '../../topology/model/step.ts'

/**
 * The refusal behind an error that will be the same next time: a Rejection, or what the database's types and constraints refuse (classes
 * 22 and 23; a text with a NUL among them). Undefined for trouble that passes: whoever retried a record for ever on account of its own
 * bytes would hold up all behind it.
 */
export function refusalOf(error: unknown): Rejection | undefined {
  if (error instanceof Rejection) return error
  if (!(error instanceof pg.DatabaseError) || !/^2[23]/.test(error.code ?? '')) return undefined
  const where = [error.table, error.column ?? error.constraint].filter(part => part !== undefined).join('.')
  const sentence = [error.message, error.detail].filter(part => part !== undefined).join(': ')
  return new Rejection('unstorable', `the database refuses a row${where && ` (${where})`}: ${sentence}`)
}
