import { execFileSync } from 'node:child_process'
import { chmod, cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { postgresAnswers } from '../probes.ts'
import type { Progress } from '../services.ts'
import { database } from '../versions.ts'
import { fetchArtifacts } from './artifacts.ts'
import { isRoot, nobody, runsFolder } from './folders.ts'
import type { ServicePlan } from './plan.ts'
import { postgresUrl, serverProgram } from './postgres.ts'
import { RunFolder } from './run.ts'
import { startService } from './start.ts'
import { Supervisor } from './supervisor.ts'

/** A copy of a running Postgres that follows it, until it is told to lead. It ends with `stop`, and in any case with this process. */
export interface Standby {
  /** It answers readers from the start, and writers once it leads. */
  readonly url: string
  /** Ends its following; resolves when it takes writes. What it has not received by now is lost. */
  promote(): Promise<void>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  stop(): Promise<void>
}

/** Its name, and that of the slot by which the primary keeps for it what it has not received. */
const NAME = 'standby'
/** What belongs to a running server and not to its data. */
const NOT_COPIED =
  /^\/(pg_(wal|replslot|dynshmem|notify|serial|snapshots|stat_tmp|subtrans)\/.|postmaster\.)|\/pgsql_tmp/

/**
 * Copies a primary that may be at work, and follows it through `port`, behind which it answers.
 *
 * @param mode whether each commit at the primary waits until the standby has it, from now on
 */
export async function startStandby(
  primary: string,
  port: number,
  mode: 'synchronous' | 'asynchronous',
  progress: Progress,
): Promise<Standby> {
  const { postgres: artifact } = await fetchArtifacts(progress)
  const run = new RunFolder(runsFolder())
  const supervisor = new Supervisor(run.path)
  run.supervisedBy(supervisor.pid)
  try {
    const { ports, running } = await startService(standbyPlan(artifact, primary, port), run, supervisor)
    supervisor.unref()
    const url = postgresUrl(ports[0]!)
    await withClient(primary, client => untilFollowing(client, mode))
    return {
      url,
      promote: () => withClient(url, promote),
      kill: async () => {
        process.kill(running.pid, 'SIGKILL')
        await running.exited
      },
      stop: () => supervisor.close(),
    }
  } catch (error) {
    await supervisor.close()
    throw error
  }
}

const standbyPlan = (artifact: string, primary: string, through: number): ServicePlan => ({
  name: 'postgres',
  portCount: 1,
  async prepare([port], { folder }) {
    const data = join(folder, 'data')
    await withClient(primary, client => copyCluster(client, data))
    await writeFile(join(data, 'standby.signal'), '')
    await chmod(data, 0o700)
    if (isRoot) execFileSync('chown', ['-R', `${nobody}:${nobody}`, folder])
    const address = `host=127.0.0.1 port=${through} user=${database.user} password=${database.password}`
    return serverProgram(artifact, { data, port: port!, folder }, [
      `primary_conninfo=${address} application_name=${NAME}`,
      `primary_slot_name=${NAME}`,
    ])
  },
  answers: ([port]) => postgresAnswers(postgresUrl(port!)),
})

/** As pg_basebackup does: the files in whatever state they are, and where in the log to begin with making them whole. */
async function copyCluster(primary: pg.Client, data: string): Promise<void> {
  const { rows: known } = await primary.query('select from pg_replication_slots where slot_name = $1', [NAME])
  if (known.length === 0) await primary.query('select pg_create_physical_replication_slot($1, true)', [NAME])
  const { rows: where } = await primary.query<{ data: string }>(`select current_setting('data_directory') as data`)
  const source = where[0]!.data
  await primary.query('select pg_backup_start($1, true)', [NAME])
  await cp(source, data, { recursive: true, filter: path => !NOT_COPIED.test(path.slice(source.length)) })
  const { rows } = await primary.query<{ label: string }>('select labelfile as label from pg_backup_stop(false)')
  await writeFile(join(data, 'backup_label'), rows[0]!.label)
}

async function untilFollowing(primary: pg.Client, mode: 'synchronous' | 'asynchronous'): Promise<void> {
  if (mode === 'synchronous') {
    await primary.query(`alter system set synchronous_standby_names = '${NAME}'`)
    await primary.query('select pg_reload_conf()')
  }
  const wanted = mode === 'synchronous' ? 'sync' : 'async'
  const asked = `select from pg_stat_replication where application_name = $1 and state = 'streaming' and sync_state = $2`
  for (let tries = 0; (await primary.query(asked, [NAME, wanted])).rowCount === 0; tries++) {
    if (tries === 300) throw new Error(`the standby does not follow within 30 s, ${mode}`)
    await sleep(100)
  }
}

async function promote(standby: pg.Client): Promise<void> {
  const { rows } = await standby.query<{ leads: boolean }>('select pg_promote() as leads')
  if (!rows[0]!.leads) throw new Error('the standby does not lead within the time that Postgres gives it, a minute')
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
