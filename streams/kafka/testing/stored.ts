import type { TopicPartition } from '../../log-client.ts'
import { openCluster } from '../clusters.ts'
import { fetch } from '../fetch.ts'
import { withLeader } from '../leaders.ts'
import { silent } from './world.ts'

/** The batches at the beginning of a partition as the broker has them, a MiB of them at most. */
export async function storedBytes(brokers: readonly string[], tp: TopicPartition): Promise<Buffer> {
  const handle = openCluster({ brokers, clientId: 'wire', log: silent }, 5_000)
  const limits = { maxWaitMs: 100, maxBytes: 1 << 20, maxPartitionBytes: 1 << 20 }
  const [fetched] = await withLeader(await handle.connect(), tp, performance.now() + 5_000, leader =>
    fetch(leader, [{ ...tp, offset: 0n }], 'committed', limits),
  )
  await handle.close()
  return fetched!.bytes
}

const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** How each whole batch of records is packed, as its attributes say; markers of transactions are none. (KIP-98; the bits are the format's.) */
export function codecsOf(bytes: Buffer): (typeof codecNames)[number][] {
  const found: (typeof codecNames)[number][] = []
  for (let at = 0; at + 61 <= bytes.length; at += 12 + bytes.readInt32BE(at + 8)) {
    if (at + 12 + bytes.readInt32BE(at + 8) > bytes.length) break
    const attributes = bytes.readInt16BE(at + 21)
    if ((attributes & 0x20) === 0) found.push(codecNames[attributes & 0x07]!)
  }
  return found
}
