import { Command, Option } from 'commander'
import { type Config, ConfigError, loadConfig } from '../streams/main/config.ts'
import { topologyOf } from '../streams/main/world.ts'
import type { Instant } from '../topology/model/time.ts'
import { type Action, type Entry, type Wanted } from './dlq-entries.ts'
import { MAX_AT_ONCE, planOf, type Plan } from './dlq-plan.ts'
import { describeParked, plain } from './dlq-show.ts'
import { withDlq } from './dlq-topic.ts'
import { json } from './ledger.ts'
import { orderedBy } from './operator.ts'
import { table } from './table.ts'
import { sinceOf, timeOf } from './times.ts'

type Print = (text: string) => void
export interface Filters {
  readonly stage?: string
  readonly topic?: string
  readonly code?: string
  readonly since?: string
}
export interface ListFlags extends Filters {
  readonly all?: boolean
  readonly limit: string
  readonly json: boolean
}
export interface OrderFlags extends Filters {
  readonly apply?: boolean
  readonly reason: string
  readonly by?: string
  readonly json: boolean
}

/** `pp dlq`: records that could not be processed. */
export function dlqCommand(print: Print): Command {
  const command = new Command('dlq').description('parked records: what could not be processed, and what becomes of it')
  const asked = (name: string, description: string) =>
    command
      .command(name)
      .description(description)
      .option('--stage <name>', 'refused by this stage')
      .option('--topic <name>', 'from this topic')
      .option('--code <code>', 'refused for this kind of reason')
      .option('--since <time>', 'parked since then: 2h, 30m, 1d ago, or a time like 2026-02-25T09:00:00Z')
      .addOption(new Option('--json', 'print JSON').default(false))
  asked('ls', 'those that nothing was done about yet, the newest last')
    .option('--all', 'those put back or dropped as well')
    .option('--limit <n>', 'so many of the newest', '50')
    .action((flags: ListFlags) => listParked(loadConfig(process.env), flags, print))
  command
    .command('show')
    .description('one of them: why it was refused, and its bytes, decoded where they can be')
    .argument('<id>', 'as ls prints it, like fan-out:next-visit/0@17')
    .addOption(new Option('--json', 'print JSON').default(false))
    .action((id: string, flags: { json: boolean }) => showParked(loadConfig(process.env), id, flags, print))
  const ordered = (action: Action, description: string) =>
    asked(action, `${description}; without --apply it says what it would do`)
      .argument('[ids...]', 'as ls prints them; with a condition none is needed')
      .option('--apply', `do it; the ${MAX_AT_ONCE} oldest at once`)
      .requiredOption('--reason <text>', 'why; it stands in the audit')
      .option('--by <who>', 'who gives the order; without it who is logged in')
      .action((ids: string[], flags: OrderFlags) => orderParked(loadConfig(process.env), action, ids, flags, print))
  ordered('redrive', 'put records back where they were, for the stage that had refused them')
  ordered('drop', 'take records off the list for good')
  return command
}

/** Prints the newest parked records. @throws ConfigError for a flag that makes no sense */
export async function listParked(config: Config, flags: ListFlags, print: Print, now: Instant = Date.now()) {
  const limit = Number(flags.limit)
  if (!Number.isInteger(limit) || limit < 1)
    throw new ConfigError(`--limit is "${flags.limit}"; allowed are the integers from 1`)
  const found = await withDlq(config, dlq => dlq.entries(wantedOf([], flags, now)))
  const matching = found.filter(({ mark }) => flags.all === true || mark === undefined)
  const listed = matching.slice(-limit)
  if (flags.json) return print(json(listed))
  const marked = found.length - matching.length
  const [older, hidden] = [matching.length - listed.length, marked > 0 ? ` ${marked} more were seen to (--all).` : '']
  if (listed.length === 0) return print(`No record is parked.${hidden}`)
  print(table(['record', 'parked', 'attempt', 'bytes', 'state', 'code', 'reason'], listed.map(rowOf)))
  if (older > 0 || hidden !== '')
    print(`${older > 0 ? `${older} older ones match as well (--limit).` : ''}${hidden}`.trim())
}

const rowOf = ({ id, parkedAt, attempt, bytes, reasons, mark }: Entry): string[] => {
  const [{ code, reason }] = reasons as [Entry['reasons'][number]]
  const state = mark ? (mark.action === 'redrive' ? 'redriven' : 'dropped') : 'open'
  const more = reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : ''
  return [plain(id), timeOf(parkedAt), String(attempt), String(bytes), state, plain(code), plain(reason) + more]
}

/** Prints one parked record. @throws ConfigError where there is none of this id */
export async function showParked(config: Config, id: string, flags: { readonly json: boolean }, print: Print) {
  await withDlq(config, async dlq => {
    const [entry] = await dlq.entries({ ids: [id] })
    const bytes = entry && (await dlq.bytesOf([entry])).get(id)
    if (!bytes) throw new ConfigError(`No record ${id} is parked; \`pp dlq ls --all\` lists them`)
    print(await describeParked(entry, bytes, topologyOf(config), dlq.operator.codec, flags))
  })
}

/** Says what redriving or dropping would do, or does it. @throws ConfigError where nothing was chosen, or somebody else is at it */
export async function orderParked(
  config: Config,
  action: Action,
  ids: readonly string[],
  flags: OrderFlags,
  print: Print,
  now: Instant = Date.now(),
): Promise<void> {
  const { reason } = flags
  const by = orderedBy(flags.by)
  if (reason.trim() === '') throw new ConfigError('--reason is blank; say why, for whoever reads the audit')
  const wanted = wantedOf(ids, flags, now)
  if (ids.length === 0 && Object.keys(wanted).length === 1)
    throw new ConfigError('Which? Give ids as `pp dlq ls` prints them, or --stage, --topic, --code, --since')
  const topology = topologyOf(config)
  await withDlq(config, async dlq => {
    const plan = async (entries: typeof dlq.entries) => {
      const found = await entries(wanted)
      const unknown = ids.filter(id => !found.some(entry => entry.id === id))
      if (unknown.length > 0)
        throw new ConfigError(`Not parked, or not so: ${unknown.join(', ')}; \`pp dlq ls --all\` lists them`)
      // By a condition only what is open is meant; an id that is not is told of.
      const meant = ids.length > 0 ? found : found.filter(({ mark }) => mark === undefined)
      return planOf(action, meant, topology)
    }
    if (!flags.apply) return print(said(action, await plan(dlq.entries), flags.json, undefined))
    let done!: Plan
    const count = await dlq.act({ action, by, reason }, async entries => {
      done = await plan(entries)
      return done.chosen.map(({ entry }) => entry)
    })
    print(said(action, done, flags.json, count))
  })
}

const wantedOf = (ids: readonly string[], { stage, topic, code, since }: Filters, now: Instant): Wanted => ({
  ids,
  ...(stage !== undefined && { stage }),
  ...(topic !== undefined && { topic }),
  ...(code !== undefined && { code }),
  ...(since !== undefined && { since: sinceOf('--since', since, now) }),
})

/** The plan, and how many were `done`; undefined: it was to be shown only. */
function said(action: Action, { chosen, refused, more }: Plan, asJson: boolean, done: number | undefined): string {
  if (asJson) return json({ action, applied: done !== undefined, chosen, refused, more })
  const rows = chosen.map(({ entry, entersNow, passedOverBy }) => [
    ...[plain(entry.id), timeOf(entry.parkedAt), String(entry.attempt), plain(entry.reasons[0]!.code)],
    action === 'drop'
      ? ''
      : entersNow
        ? 'enters now'
        : `as of then${passedOverBy.map(it => `, not for ${it}`).join('')}`,
  ])
  const verb = action === 'redrive' ? ['Put back', 'Would put back'] : ['Dropped', 'Would drop']
  const count = `${chosen.length} ${chosen.length === 1 ? 'record' : 'records'}`
  const head = done === undefined ? `${verb[1]} ${count}; nothing was written (--apply does it)` : `${verb[0]} ${count}`
  return [
    head,
    ...(rows.length > 0 ? [table(['record', 'parked', 'attempt', 'code', action === 'drop' ? '' : 'time'], rows)] : []),
    ...refused.map(({ entry, why }) => `Left alone: ${plain(entry.id)} ${plain(why)}`),
    ...(more > 0 ? [`${more} more match: they are for the next time`] : []),
  ].join('\n')
}
