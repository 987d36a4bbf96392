import { fileURLToPath } from 'node:url'
import { runner } from 'node-pg-migrate'
import pg from 'pg'

/**
 * Brings the database to the newest schema: the SQL files of `migrations/` that it has not seen, in the order of their names, in one
 * transaction. Does nothing on a database that is current. Several processes may start at once: the others wait for the first.
 *
 * @param url of a database whose role may create tables; directly, not through a transaction pooler (the lock is the session's)
 * @throws when a migration fails; the database is then as it was. When the server is older than PostgreSQL 17
 */
export async function migrate(url: string): Promise<void> {
  await refuseOldServer(url)
  const quiet = () => undefined
  await runner({
    databaseUrl: url,
    dir: fileURLToPath(new URL('migrations', import.meta.url)),
    direction: 'up',
    migrationsTable: 'migrations',
    advisoryLockMode: 'wait',
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  })
}

/** Every connection of ours sets `transaction_timeout`, which bounds publish's watermark; servers before 17 do not know it. */
async function refuseOldServer(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    const version = rows[0]!.server_version
    if (parseInt(version) < 17) throw new Error(`the database is PostgreSQL ${version}; 17 or newer is needed`)
  } finally {
    await client.end()
  }
}
