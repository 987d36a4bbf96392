import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { postgresAnswers } from '../probes.ts'
import { database } from '../versions.ts'
import { isRoot, nobody } from './folders.ts'
import type { ServicePlan } from './plan.ts'

/** As an address for `pg` and `psql`. */
export const postgresUrl = (port: number) =>
  `postgresql://${database.user}:${database.password}@127.0.0.1:${port}/${database.name}`

/** It refuses to run as root, so root starts it as `nobody`. */
const account = isRoot ? { uid: nobody, gid: nobody } : {}

/** Postgres with a new, empty cluster. One port. */
export function postgresPlan(artifact: string): ServicePlan {
  return {
    name: 'postgres',
    portCount: 1,
    async prepare([port], { folder, runToEnd }) {
      const data = join(folder, 'data')
      const password = join(folder, 'password')
      mkdirSync(data, { mode: 0o700 })
      writeFileSync(password, database.password, { mode: 0o600 })
      if (isRoot) for (const path of [folder, data, password]) chownSync(path, nobody, nobody)

      const cluster = ['-D', data, '-U', database.user, '-A', 'scram-sha-256', `--pwfile=${password}`]
      const encoding = ['-E', 'UTF8', '--locale=C', '--no-sync']
      await runToEnd({
        name: 'initdb',
        command: join(artifact, 'bin', 'initdb'),
        args: [...cluster, ...encoding],
        cwd: folder,
        ...account,
      })
      rmSync(password)
      return serverProgram(artifact, { data, port: port!, folder })
    },
    answers: ([port]) => postgresAnswers(postgresUrl(port!)),
  }
}

/** The server on a cluster that is there; `more` are settings of its own, `name=value`. */
export function serverProgram(
  artifact: string,
  { data, port, folder }: { readonly data: string; readonly port: number; readonly folder: string },
  more: readonly string[] = [],
) {
  // Nothing of this run outlives it, so nothing has to reach the disk; no socket file, so no shared path.
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'shared_buffers=128MB']
  const unsafe = ['fsync=off', 'full_page_writes=off']
  return {
    command: join(artifact, 'bin', 'postgres'),
    args: ['-D', data, '-p', String(port), ...[...settings, ...unsafe, ...more].flatMap(setting => ['-c', setting])],
    cwd: folder,
    ...account,
    // The "fast" end, which does not wait for clients to leave.
    stopSignal: 'SIGINT' as const,
  }
}
