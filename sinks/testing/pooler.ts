import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

export const hasPooler = spawnSync('pgbouncer', ['--version']).status === 0

export interface Pooler {
  /** The database through the pooler. */
  readonly url: string
  stop(): Promise<void>
}

/** PgBouncer in transaction mode before a database, with at most `connections` to it. Its only settings are those of a fresh install. */
export async function startPooler(database: string, connections: number): Promise<Pooler> {
  const { hostname, port, username, password, pathname } = new URL(database)
  const folder = await mkdtemp(join(tmpdir(), 'pp-pooler-'))
  // It refuses to run as root, so its folder is for anybody to read.
  await chmod(folder, 0o755)
  const mine = await freePort()
  const name = pathname.slice(1)
  const server = `host=${hostname} port=${port} user=${username} password=${password} dbname=${name}`
  const file = join(folder, 'pgbouncer.ini')
  await writeFile(
    file,
    `[databases]
${name} = ${server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${mine}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${connections}
max_client_conn = 2000
`,
  )
  const asNobody = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn('pgbouncer', ['-q', ...asNobody, file], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  const url = `postgres://${username}@127.0.0.1:${mine}/${name}`
  await answers(url)
  return {
    url,
    stop: async () => {
      child.kill('SIGINT')
      await ended
      await rm(folder, { recursive: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function answers(url: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      return await client.end()
    } catch (error) {
      if (tries === 100) throw error
      await sleep(50)
    }
  }
}
