/**
 * The name Kafka gives to an error (`NOT_LEADER_FOR_PARTITION`), also when kafkajs has wrapped it; undefined for one that
 * did not come as a broker's answer (a lost connection, a time-out).
 */
export function kafkaErrorOf(error: unknown): string | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    const type = 'type' in e ? e.type : undefined
    if (typeof type === 'string') return type
  }
  return undefined
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The request reached a broker that does not lead the partition now: nothing was stored. */
export const LEADER_MOVED: ReadonlySet<string | undefined> = new Set([
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
])

/** The coordinator moved, is loading, or still completes the transaction before: ask again, nothing was done. */
export const COORDINATOR_BUSY: ReadonlySet<string | undefined> = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'CONCURRENT_TRANSACTIONS',
])

/**
 * Somebody newer holds the transactional id, or the coordinator took it from us when our transaction timed out. Newer names
 * of this error (`PRODUCER_FENCED`) are translated to this one by the broker for the request versions that kafkajs speaks.
 */
export const FENCED: ReadonlySet<string | undefined> = new Set(['INVALID_PRODUCER_EPOCH'])
