import { setTimeout as sleep } from 'node:timers/promises'
import { openObjectStore } from '../../sinks/objects/s3.ts'
import type { Config } from '../../streams/main/config.ts'

/** The archive comes after all else, in batches; a loaded machine takes its time. */
const PATIENCE_MS = 30_000

/** How many alerts are in the archive: waits until they are as many as were published, or for as long as that may take. */
export async function countArchived({ s3 }: Pick<Config, 's3'>, published: number): Promise<number> {
  const store = openObjectStore(s3)
  try {
    for (const patience = Date.now() + PATIENCE_MS; ; await sleep(500)) {
      let archived = 0
      for await (const { key } of store.list(s3.alertBucket, 'v2/alerts/')) if (key.endsWith('.avro.gz')) archived++
      if (archived >= published || Date.now() > patience) return archived
    }
  } finally {
    store.close()
  }
}
