export interface Running {
  /** Finishes what is in hand and leaves its groups, so that others take over in milliseconds. */
  stop(): Promise<void>
  /** Resolves when it has ended by itself, rightly: the process then ends with 0, and whoever runs it starts a new one. */
  readonly ended?: Promise<void>
}
