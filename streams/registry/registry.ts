import type { WriterSchemas } from '../../schemas/codec.ts'
import { type AvroSchema, type ContractName, wholeSchema } from '../../schemas/schemas.ts'
import { importAlertSchemas } from './alert-schemas.ts'
import { ALERT_CONTRACT, ALERT_SCHEMA_ID } from './alert-subjects.ts'
import { excerpt, RegistryError, type Rest, restAt } from './rest.ts'

export { importAlertSchemas } from './alert-schemas.ts'
export { RegistryAway, RegistryError } from './rest.ts'

/** Which contract the values of a topic follow. */
export interface TopicContract {
  readonly topic: string
  readonly contract: ContractName
}

/**
 * A new version of a contract must read everything written under any earlier one: topics keep days of records, and a restore or a replay reads
 * them all, whereas old code meets new records only while a deployment rolls, and then resolves them by their own schema. So new fields
 * need a default, and readers are deployed before writers.
 */
const COMPATIBILITY = 'BACKWARD_TRANSITIVE'

/**
 * Puts all contracts into the registry and gives their ids, for `codecWith`: the alert's schema under its own id, each topic's contract as
 * `<topic>-value`. May be run any number of times, by any number of processes at once. Throws RegistryError where the registry is down, is
 * none, or refuses a contract as incompatible with what its topic holds.
 */
export async function prepareRegistry(
  address: string,
  topics: readonly TopicContract[],
): Promise<Map<ContractName, number>> {
  await importAlertSchemas(address)
  const rest = restAt(address)
  const ids = new Map<ContractName, number>([[ALERT_CONTRACT, ALERT_SCHEMA_ID]])
  for (const { topic, contract } of topics)
    if (contract !== ALERT_CONTRACT) ids.set(contract, await register(rest, `${topic}-value`, contract))
  return ids
}

async function register(rest: Rest, subject: string, contract: ContractName): Promise<number> {
  const path = `/${encodeURIComponent(subject)}`
  const schema = JSON.stringify(wholeSchema(contract))
  const { status, body } = await rest.send('POST', `/subjects${path}/versions`, { schema, schemaType: 'AVRO' })
  const id = (body as { id?: unknown } | undefined)?.id
  if (status === 409)
    throw new RegistryError(
      `The contract ${contract} cannot read what was written as ${subject} before (${COMPATIBILITY}): ${excerpt(body)}. ` +
        'Give new fields a default, and change no type; or use a new topic.',
    )
  if (status >= 300 || !Number.isInteger(id))
    throw new RegistryError(
      `The schema registry at ${rest.url} refused ${contract} as ${subject} with ${status}: ${excerpt(body)}`,
    )
  await setCompatibility(rest, `/config${path}`)
  return id as number
}

async function setCompatibility(rest: Rest, path: string): Promise<void> {
  const isSet = async () =>
    ((await rest.get(path)) as { compatibilityLevel?: string } | undefined)?.compatibilityLevel === COMPATIBILITY
  if (await isSet()) return
  const { status, body } = await rest.send('PUT', path, { compatibility: COMPATIBILITY })
  // Of several processes that set it at the same moment Apicurio answers all but one with 409.
  if (status >= 300 && !(await isSet()))
    throw new RegistryError(`The schema registry at ${rest.url} answered PUT ${path} with ${status}: ${excerpt(body)}`)
}

/** Other writers' schemas, for `codecWith`, which keeps them. Ids are never given anew, so an answer holds for good. */
export function writerSchemas(address: string): WriterSchemas {
  const rest = restAt(address)
  return {
    byId: async id => {
      if (id < 0) return undefined
      const found = (await rest.get(`/schemas/ids/${id}`)) as { schema?: string; schemaType?: string } | undefined
      if (found === undefined) return undefined
      // A schema in another language is one that Avro cannot read, which is what the reader will be told.
      if ((found.schemaType ?? 'AVRO') !== 'AVRO') return { type: found.schemaType! }
      try {
        return JSON.parse(found.schema ?? '') as AvroSchema
      } catch {
        throw new RegistryError(`The schema registry at ${rest.url} gave schema ${id} as no JSON: ${excerpt(found)}`)
      }
    },
  }
}
