import { dirname } from 'node:path/posix'
import { setTimeout as sleep } from 'node:timers/promises'
import { packetKey } from '../../sinks/archive/archive.ts'
import type { ObjectStore } from '../../sinks/objects/s3.ts'

/** The archive comes last of all, in batches; its process may just have been killed, and a session has to end. */
const PATIENCE_MS = 60_000

export interface ArchiveFaults {
  /** Keys of packets that are not there, of DiaSources that are. */
  readonly missing: readonly string[]
  /** Keys of what no DiaSource belongs to. */
  readonly strange: readonly string[]
}

/**
 * Holds the archive of alerts against the DiaSources: each has its packet, and no packet is of anything else. Waits until that is so, or for as
 * long as it may take. Names alone are looked at, a thousand in a request: what is in a packet the tests of the whole night look at.
 */
export async function archiveFaults(
  store: Pick<ObjectStore, 'list'>,
  bucket: string,
  stored: Iterable<bigint>,
  patienceMs = PATIENCE_MS,
): Promise<ArchiveFaults> {
  const wanted = new Set([...stored].map(packetKey))
  for (const patience = Date.now() + patienceMs; ; await sleep(250)) {
    const found = new Set<string>()
    for await (const { key, size } of store.list(bucket, `${PACKETS}/`)) if (size > 0) found.add(key)
    const missing = [...wanted].filter(key => !found.has(key))
    if (missing.length === 0 || Date.now() > patience)
      return { missing, strange: [...found].filter(key => !wanted.has(key)) }
  }
}

/** The folder of all packets. */
const PACKETS = dirname(dirname(packetKey(1n)))
