import type { Event, Out } from '../topology/model/step.ts'

/** What an effect leaves behind: records to write, and what it refuses inside a record whose rest it has done. */
export interface Done {
  readonly out: readonly Out[]
  readonly park?: readonly { readonly code: string; readonly reason: string }[]
}

/**
 * A stage that touches the world, one record at a time. Throwing `Rejection` parks the record; any other error is trouble outside and
 * the runtime tries again, so an effect may be called any number of times with the same record and must do its work once.
 */
export type Effect = (event: Event) => Promise<Done>

export const nothing: Done = { out: [] }
