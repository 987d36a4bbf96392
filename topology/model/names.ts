import type { Stage } from './topology.ts'

/** Names of a stage towards Kafka: the same for every process that may ever run it, so no host, pod or version in them. */

export const groupOf = (app: string, stage: string): string => `${app}.${stage}`

export const journalOf = (stage: string): string => `${stage}-table`

/** The lock of one task; all of a stage begin with `<app>.<stage>.`. */
export const transactionalIdOf = (app: string, stage: string, index: number): string => `${app}.${stage}.${index}`

/** Whether its tasks keep state and offsets in a journal of their own: all but services. */
export const isJournaled = (stage: Stage): boolean => stage.run !== 'service'
