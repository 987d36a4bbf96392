export interface Running {
  /** Finishes what is in hand and leaves its groups, so that others take over in milliseconds. */
  stop(): Promise<void>
}
