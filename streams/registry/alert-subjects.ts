import { splitForm } from '../../schemas/canonical.ts'
import { wholeSchema } from '../../schemas/schemas.ts'

/** The alert's contract and its registry id: major · 100 + minor, computed and not allotted, since readers compute it too. */
export const ALERT_CONTRACT = 'lsst.v11_1.alert'
export const ALERT_SCHEMA_ID = 1101

/** A subject under which the alert's schema can be found, and its version there. */
export interface AlertSubject {
  readonly subject: string
  readonly version: number
}

/**
 * `alert-packet` has the id as its version: BOOM asks for it so. The topic is named by the major version and its clients ask for the
 * topic's subject; Rubin's own job names the subject by the minor version too. Both are there.
 */
export const alertSubjects: readonly AlertSubject[] = [
  { subject: 'alert-packet', version: ALERT_SCHEMA_ID },
  { subject: 'lsst-alerts-v11-value', version: 1 },
  { subject: 'lsst-alerts-v11.1-value', version: 1 },
]

/**
 * What a registry holds and gives out: the canonical form, as Rubin uploads it, so that nobody comes to rely on defaults or docs that are
 * not there elsewhere; with name and namespace apart, as Confluent's registry prints it and Fink reads it.
 */
export const alertSchemaText = (): string => splitForm(wholeSchema(ALERT_CONTRACT))
