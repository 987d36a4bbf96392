import { Command, Option } from 'commander'
import { toJson } from '../sinks/postgres/json.ts'
import type { Pool } from '../sinks/postgres/pool.ts'
import { chains, datasetsOf, membersOf } from '../sinks/repository/contents.ts'
import { type Config, ConfigError, loadConfig } from '../streams/main/config.ts'
import { readDatabase } from './ledger.ts'
import { table } from './table.ts'

/** `pp repo`: the registry of the central repository. */
export const repoCommand = (print: (text: string) => void): Command =>
  new Command('repo').description('the registry of the central repository').addCommand(
    new Command('show')
      .description('the runs of a chain, newest first, or the datasets of a run or a group')
      .argument('<run|chain|group>')
      .addOption(new Option('--json', 'print JSON').default(false))
      .action((name: string, { json }: { json: boolean }) =>
        showRepository(loadConfig(process.env), { name, json }, print),
      ),
  )

/**
 * Prints what the central repository's registry has under a name: the runs of a chain, newest first, or the datasets of a run or group.
 * @throws ConfigError where there is nothing of that name, with the chains that there are
 */
export async function showRepository(
  config: Config,
  { name, json }: { readonly name: string; readonly json: boolean },
  print: (text: string) => void,
): Promise<void> {
  const { rows, head, cells } = await readDatabase(config, 'The registry', pool => found(pool, name))
  print(json ? JSON.stringify(JSON.parse(toJson(rows)), null, 2) : table(head, cells))
}

async function found(pool: Pool, name: string) {
  const members = await membersOf(pool, name)
  if (members.length > 0)
    return {
      rows: members,
      head: ['', 'run', 'datasets', 'bytes', 'since'],
      cells: members.map(({ position, run, datasets, bytes, since }) => [
        ...[String(position), run, String(datasets), String(bytes), new Date(since).toISOString()],
      ]),
    }
  const ofRun = await datasetsOf(pool, { run: name })
  const rows = ofRun.length > 0 ? ofRun : await datasetsOf(pool, { group: name })
  if (rows.length > 0)
    return {
      rows,
      head: ['unit', 'type', 'bytes', 'id', 'object'],
      cells: rows.map(({ unit, type, size, id, bucket, key }) => [unit, type, String(size), id, `${bucket}/${key}`]),
    }
  const known = await chains(pool)
  throw new ConfigError(
    `The registry has no chain, run or group "${name}"; ` +
      (known.length > 0 ? `its newest chains are ${known.slice(0, 5).join(', ')}` : 'nothing is registered yet'),
  )
}
