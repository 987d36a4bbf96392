import { Argument, Command, Option } from 'commander'
import {
  addMonth,
  detachMonth,
  listMonths,
  listWaiting,
  type Month,
  openOrders,
  unfinishedUnits,
  type Waiting,
} from '../sinks/postgres/partitions.ts'
import { isMadeFrom } from '../sinks/postgres/months.ts'
import type { Pool } from '../sinks/postgres/pool.ts'
import { type Config, ConfigError, loadConfig } from '../streams/main/config.ts'
import { directUrlOf, openDatabase } from '../streams/main/world.ts'
import { WINDOW_DAYS } from '../topology/association/associate.ts'
import type { Instant } from '../topology/model/time.ts'
import { rebuildCommand } from './apdb-rebuild.ts'
import { json, nightOf } from './ledger.ts'
import { table } from './table.ts'
import { timeOf } from './times.ts'

type Print = (text: string) => void
export interface MonthFlags {
  readonly apply?: boolean
  readonly json: boolean
}

/** `pp apdb`: the Alert Production Database. */
export function apdbCommand(print: Print): Command {
  const partitions = new Command('partitions').description('months of the source tables (docs/apdb.md)')
  const asJson = () => new Option('--json', 'print JSON').default(false)
  partitions
    .command('ls')
    .description('months that are attached or detached, and what waits in the default partitions')
    .addOption(asJson())
    .action((flags: { json: boolean }) => showMonths(loadConfig(process.env), flags, print))
  const ordered = (name: string, description: string) =>
    partitions
      .command(name)
      .description(`${description}; without --apply it says what it would do`)
      .addArgument(new Argument('<month>', 'like 2026-11'))
      .option('--apply', 'do it')
      .addOption(asJson())
  ordered('add', 'make a month, or attach it again, with the rows that wait for it').action(
    (month: string, flags: MonthFlags) => orderAdd(loadConfig(process.env), month, flags, print),
  )
  ordered('detach', 'take a month out of the APDB; its tables stay, for an archive').action(
    (month: string, flags: MonthFlags) => orderDetach(loadConfig(process.env), month, flags, print),
  )
  return new Command('apdb')
    .description('the Alert Production Database')
    .addCommand(partitions)
    .addCommand(rebuildCommand(print))
}

/** Prints the months. @throws ConfigError where the database does not answer */
export async function showMonths(config: Config, { json: asJson }: { readonly json: boolean }, print: Print) {
  const { months, waiting } = await withApdb(config, stateOf)
  if (asJson) return print(json({ months, waiting }))
  print(
    months.length === 0
      ? 'There is no month: all rows lie in the default partitions.'
      : table(['month', 'state', 'sources', 'forced', 'bytes'], months.map(lineOf)),
  )
  for (const line of waiting.map(saidOf)) print(line)
}

/** Says what adding a month would do, or does it. @throws ConfigError for what is no month, and where the database refuses */
export async function orderAdd(config: Config, text: string, flags: MonthFlags, print: Print): Promise<void> {
  const month = monthOf(text)
  await withApdb(config, async pool => {
    const { months, waiting } = await stateOf(pool)
    const state = months.find(each => each.month === month)?.state ?? 'missing'
    const moving = waiting.filter(each => each.month === month)
    const rows = moving.reduce((sum, each) => sum + each.rows, 0)
    const plan = { month, state, moving, applied: flags.apply === true && state !== 'attached' }
    if (!flags.json) print(describeAdd(plan, rows))
    if (!plan.applied) return flags.json ? print(json(plan)) : undefined
    const began = Date.now()
    const moved = await addMonth(pool, month)
    const seconds = (Date.now() - began) / 1000
    print(flags.json ? json({ ...plan, moved, seconds }) : `Done in ${seconds.toFixed(1)} s; ${moved} rows moved.`)
  })
}

function describeAdd({ month, state, applied }: { month: string; state: string; applied: boolean }, rows: number) {
  if (state === 'attached') return `${month} is attached; nothing to do.`
  const verb = state === 'missing' ? 'make' : 'attach again'
  const what = `${verb} ${month} and move ${rows} rows out of the default partitions`
  const meanwhile = rows > 0 ? ' Whoever needs those waits until it is done.' : ''
  return applied ? `To ${what}.${meanwhile}` : `Would ${what}; nothing was changed (--apply does it).${meanwhile}`
}

/**
 * Says what detaching a month would do, or does it.
 * @throws ConfigError where the month is not attached, association still reads it, or units of it have not ended
 */
export async function orderDetach(
  config: Config,
  text: string,
  flags: MonthFlags,
  print: Print,
  now: Instant = Date.now(),
): Promise<void> {
  const month = monthOf(text)
  await withApdb(config, async pool => {
    const { months } = await stateOf(pool)
    const found = months.find(each => each.month === month)
    if (found?.state !== 'attached') throw new ConfigError(notAttached(month, months))
    await refuseNeeded(pool, month, now)
    if (flags.apply) await detachMonth(pool, month)
    if (flags.json) return print(json({ ...found, applied: flags.apply === true }))
    const verb = flags.apply ? 'Detached' : 'Would detach'
    print(`${verb} ${month}${flags.apply ? '' : '; nothing was changed (--apply does it)'}: these tables stay`)
    print(
      table(
        ['table', 'rows', 'bytes'],
        found.parts.map(it => [it.table, rowsOf(it.rows), String(it.bytes)]),
      ),
    )
  })
}

const notAttached = (month: string, months: readonly Month[]): string => {
  const attached = months.filter(({ state }) => state === 'attached').map(it => it.month)
  const state = months.find(it => it.month === month)?.state ?? 'not there'
  return `${month} is ${state}; attached are ${attached.join(', ') || 'none'}`
}

/** Detaching what a commit or an alert still reads would change what comes out of them, and nobody would notice. */
async function refuseNeeded(pool: Pool, month: string, now: Instant): Promise<void> {
  const [from, to] = nightsOf(month)
  const free = to + (WINDOW_DAYS + 1) * 86_400_000
  if (now < free)
    throw new ConfigError(
      `${month} is history that association and alerts read: ${WINDOW_DAYS} days before each visit; it may be detached from ${timeOf(free)} on`,
    )
  const units = await unfinishedUnits(pool, new Date(from), new Date(to))
  if (units > 0)
    throw new ConfigError(
      `${units} units of ${month} have not ended or are not told yet; \`pp units --all\` lists them, and the month stays until they have`,
    )
  const orders = (await openOrders(pool)).filter(it => isMadeFrom(month, it.visit, it.committed))
  if (orders.length > 0)
    throw new ConfigError(
      `order ${orders[0]!.order} about alerts is not carried out yet, and needs ${month}; \`pp alerts orders\` says how far it is`,
    )
}

/** From the noon before its first night to the one after its last. */
function nightsOf(month: string): readonly [Instant, Instant] {
  const [year, number] = month.split('-').map(Number) as [number, number]
  const next = number === 12 ? `${year + 1}0101` : String(year * 10_000 + (number + 1) * 100 + 1)
  return [nightOf(`${month.replace('-', '')}01`)[0], nightOf(next)[0]]
}

function monthOf(text: string): string {
  const isMonth = /^\d{4}-(0[1-9]|1[0-2])$/.test(text) && text >= '2010-01' && text <= '2054-10'
  if (!isMonth)
    throw new ConfigError(`"${text}" is no month that ids can have; one is like 2026-11, from 2010-01 to 2054-10`)
  return text
}

const stateOf = async (pool: Pool) => ({ months: await listMonths(pool), waiting: await listWaiting(pool) })

const rowsOf = (rows: number | null): string => (rows === null ? 'not counted yet' : `~${rows}`)
const lineOf = ({ month, state, parts }: Month): string[] => {
  const of = (name: string) => parts.find(({ table }) => table.startsWith(name))
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  return [
    month,
    state,
    rowsOf(of('DiaSource')?.rows ?? null),
    rowsOf(of('DiaForcedSource')?.rows ?? null),
    String(bytes),
  ]
}
const saidOf = ({ table: name, month, rows }: Waiting): string =>
  `${rows} rows of ${name} lie in the default partition: ` +
  (month === null ? 'their ids belong to no month' : `\`pp apdb partitions add ${month}\` gives them their month`)

/** Past a pooler, since it may take long. @throws ConfigError with the database's words where it does not answer or refuses */
async function withApdb<T>(config: Config, work: (pool: Pool) => Promise<T>): Promise<T> {
  const direct = { ...config, postgres: { ...config.postgres, url: directUrlOf(config), directUrl: '' } }
  const pool = openDatabase(direct, 'partitions', { max: 1, statementTimeoutMs: 24 * 3_600_000 })
  try {
    return await work(pool).catch((error: Error) => {
      throw error instanceof ConfigError ? error : new ConfigError(`The APDB at postgres.url: ${error.message}`)
    })
  } finally {
    await pool.end()
  }
}
