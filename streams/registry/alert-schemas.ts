import { setTimeout as sleep } from 'node:timers/promises'
import { canonicalForm } from '../../schemas/canonical.ts'
import { type AvroSchema, wholeSchema } from '../../schemas/schemas.ts'
import { ALERT_CONTRACT, ALERT_SCHEMA_ID, type AlertSubject, alertSubjects } from './alert-subjects.ts'
import { importIntoApicurio, isApicurio } from './apicurio.ts'
import { importIntoConfluent } from './confluent.ts'
import { excerpt, RegistryError, type Rest, restAt } from './rest.ts'

/** Several processes may import at once; who came second waits for who came first. */
const LOOK_AGAIN_AFTER_MS = [0, 300, 1000, 3000]

/**
 * Makes the alert's schema readable under its id and subjects, in any registry: empty, in use, or already done. What is there is looked
 * at first and never overwritten. Throws RegistryError, also where the id belongs to another schema.
 */
export async function importAlertSchemas(address: string): Promise<void> {
  const rest = restAt(address)
  let refusal: string | undefined
  for (const wait of LOOK_AGAIN_AFTER_MS) {
    await sleep(wait)
    const lacking = await lackingSubjects(rest)
    if (lacking.length === 0) return
    refusal = await (isApicurio(rest.url) ? importIntoApicurio(rest) : importIntoConfluent(rest, lacking))
  }
  const lacking = await lackingSubjects(rest)
  if (lacking.length === 0) return
  throw new RegistryError(
    `The schema registry at ${rest.url} did not take the alert's schema as id ${ALERT_SCHEMA_ID} under ` +
      `${lacking.map(({ subject }) => subject).join(', ')}: ${refusal ?? 'it gave no reason'}.`,
  )
}

async function lackingSubjects(rest: Rest): Promise<readonly AlertSubject[]> {
  const byId = (await rest.get(`/schemas/ids/${ALERT_SCHEMA_ID}`)) as { readonly schema?: string } | undefined
  if (byId === undefined) return alertSubjects
  if (!isOurs(byId.schema)) {
    throw new RegistryError(
      `In the schema registry at ${rest.url} the id ${ALERT_SCHEMA_ID} belongs to another schema (${excerpt(byId.schema)}); ` +
        'alerts cannot be sent under it. Use a registry in which it is free.',
    )
  }
  const found = await Promise.all(alertSubjects.map(({ subject }) => versionsOf(rest, subject)))
  return alertSubjects.filter(({ version }, i) => !found[i]!.includes(version))
}

const versionsOf = async (rest: Rest, subject: string) =>
  ((await rest.get(`/subjects/${subject}/versions`)) as readonly number[] | undefined) ?? []

function isOurs(schema: string | undefined): boolean {
  try {
    return canonicalForm(JSON.parse(schema ?? '') as AvroSchema) === canonicalForm(wholeSchema(ALERT_CONTRACT))
  } catch {
    return false
  }
}
