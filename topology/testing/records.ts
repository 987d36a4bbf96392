import { type ContractName, wholeSchema } from '../../schemas/schemas.ts'

/** What is wrong with a value's fields: those it lacks and those the contract does not know. */
export function fullRecord(name: ContractName, value: object): string[] {
  const wanted = new Set(wholeSchema(name).fields!.map(field => field.name))
  const lacking = [...wanted].filter(field => (value as Record<string, unknown>)[field] === undefined)
  const unknown = Object.keys(value).filter(field => !wanted.has(field))
  return [...lacking.map(field => `lacks ${field}`), ...unknown.map(field => `has ${field}`)]
}
