import { fileURLToPath } from 'node:url'
import { runner } from 'node-pg-migrate'

/**
 * Brings the database to the newest schema: the SQL files of `migrations/` that it has not seen, in the order of their names, in one
 * transaction. Does nothing on a database that is current. Several processes may start at once: the others wait for the first.
 *
 * @param url of a database whose role may create tables; directly, not through a transaction pooler (the lock is the session's)
 * @throws when a migration fails; the database is then as it was
 */
export async function migrate(url: string): Promise<void> {
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
