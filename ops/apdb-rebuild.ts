import { Command, Option } from 'commander'
import { migrate } from '../sinks/postgres/migrate.ts'
import { listMonths } from '../sinks/postgres/partitions.ts'
import { openPool } from '../sinks/postgres/pool.ts'
import { comparedTables, diffTable, type TableDiff } from '../sinks/associate/diff.ts'
import { rebuild, RebuildError } from '../sinks/associate/rebuild.ts'
import { type Config, ConfigError, loadConfig } from '../streams/main/config.ts'
import { openDatabase, openStore } from '../streams/main/world.ts'
import { json, readDatabase } from './ledger.ts'
import { table } from './table.ts'

interface RebuildOptions {
  readonly into: string
  readonly diff: boolean
  readonly json: boolean
}

/** `pp apdb rebuild` (docs/rebuild.md). */
export const rebuildCommand = (print: (text: string) => void): Command =>
  new Command('rebuild')
    .description(
      'apply the archived results in the order of their commits to an empty database, or go on with one; then compare',
    )
    .requiredOption('--into <url>', 'an empty PostgreSQL database, or one that an earlier call began')
    .option('--no-diff', 'do not compare with the database of the configuration')
    .addOption(new Option('--json', 'print JSON').default(false))
    .action((options: RebuildOptions) => rebuildApdb(loadConfig(process.env), options, print))

/**
 * Rebuilds, with a line of progress on standard error every few seconds, and says table by table how the outcome compares with the APDB.
 * @throws ConfigError where the archive is not complete, the database is none to rebuild into, or the two differ
 */
export async function rebuildApdb(
  config: Config,
  options: RebuildOptions,
  print: (text: string) => void,
): Promise<void> {
  const { into } = options
  if (into === config.postgres.url)
    throw new ConfigError('--into is postgres.url: the APDB in use cannot be rebuilt over itself')
  if (options.diff) await refuseMonthsAway(config)
  await migrate(into).catch((error: Error) => {
    throw new ConfigError(`The database of --into cannot be prepared: ${error.message}`)
  })
  const target = openPool(into, { name: `${config.app}-rebuild`, max: 1 })
  const store = openStore(config)
  try {
    const begun = Date.now()
    const rebuilt = await rebuild(target, store, config.s3.centralBucket, reportProgress()).catch((error: unknown) => {
      throw error instanceof RebuildError ? new ConfigError(error.message) : error
    })
    const seconds = (Date.now() - begun) / 1000
    const diffs = options.diff ? await compare(config, target) : undefined
    print(options.json ? json({ ...rebuilt, seconds, diffs }) : textOf(rebuilt, seconds, diffs))
    if (diffs?.some(differs)) throw new ConfigError('The rebuilt database differs from the APDB')
  } finally {
    store.close()
    await target.end()
  }
}

/** Rows of a month that is detached would all count as rebuilt for nothing. */
async function refuseMonthsAway(config: Config): Promise<void> {
  const months = await readDatabase(config, 'The APDB', listMonths)
  const away = months.filter(({ state }) => state !== 'attached').map(({ month }) => month)
  if (away.length === 0) return
  throw new ConfigError(
    `${away.join(', ')} ${away.length === 1 ? 'is' : 'are'} detached from the APDB, so it cannot be compared: attach again ` +
      `(${away.map(month => `pp apdb partitions add ${month} --apply`).join('; ')}), or give --no-diff`,
  )
}

const differs = ({ onlyLeft, onlyRight, different }: TableDiff) => onlyLeft + onlyRight + different > 0

async function compare(config: Config, target: ReturnType<typeof openPool>): Promise<TableDiff[]> {
  const apdb = openDatabase(config, 'rebuild-diff', { max: 1, statementTimeoutMs: 120_000 })
  try {
    const diffs: TableDiff[] = []
    for (const name of comparedTables) diffs.push(await diffTable(apdb, target, name))
    return diffs
  } finally {
    await apdb.end()
  }
}

function reportProgress() {
  let told = Date.now()
  return ({ unit, committedAtMjdTai }: { unit: string; committedAtMjdTai: number }, before: number) => {
    if (Date.now() - told < 5000) return
    told = Date.now()
    process.stderr.write(`  … ${before + 1} commits, at ${unit} of MJD ${committedAtMjdTai.toFixed(5)}\n`)
  }
}

function textOf(
  { commits, sources, objects, withdrawn, untilMjdTai }: Awaited<ReturnType<typeof rebuild>>,
  seconds: number,
  diffs: readonly TableDiff[] | undefined,
): string {
  const until = untilMjdTai === null ? '' : `, the last of MJD ${untilMjdTai.toFixed(5)} (TAI)`
  const head = `${commits} commits applied${until}: ${sources} DiaSources, ${objects} new DiaObjects, ${withdrawn} withdrawn, in ${seconds.toFixed(1)} s`
  if (diffs === undefined) return head
  const rows = diffs.map(diff => [
    ...[diff.table, String(diff.equal), String(diff.different), String(diff.onlyLeft), String(diff.onlyRight)],
  ])
  const examples = diffs.flatMap(({ table: name, examples }) => examples.map(example => `${name}: ${example}`))
  return [head, '', table(['table', 'equal', 'different', 'only APDB', 'only rebuilt'], rows), ...examples].join('\n')
}
