import { canonicalForm } from '../../schemas/canonical.ts'
import { wholeSchema } from '../../schemas/schemas.ts'
import { ALERT_CONTRACT, ALERT_SCHEMA_ID, type AlertSubject } from './alert-subjects.ts'
import { excerpt, type Rest } from './rest.ts'

/**
 * Confluent's registry takes an id from us while a subject is in mode IMPORT (its setting `mode.mutability`, on by default). Each subject is
 * put back to READWRITE whatever happened. Gives a clause on what was answered, where a subject was not taken.
 */
export async function importIntoConfluent(rest: Rest, subjects: readonly AlertSubject[]): Promise<string | undefined> {
  const schema = canonicalForm(wholeSchema(ALERT_CONTRACT))
  let refusal: string | undefined
  for (const { subject, version } of subjects) {
    const mode = await rest.send('PUT', `/mode/${subject}?force=true`, { mode: 'IMPORT' })
    try {
      const taken = await rest.send('POST', `/subjects/${subject}/versions`, { schema, version, id: ALERT_SCHEMA_ID })
      const refused = [mode, taken].find(({ status }) => status >= 300)
      if (refused !== undefined) refusal = `${subject} was answered ${refused.status} (${excerpt(refused.body)})`
    } finally {
      await rest.send('PUT', `/mode/${subject}`, { mode: 'READWRITE' })
    }
  }
  return refusal
}
