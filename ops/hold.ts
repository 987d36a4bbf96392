import { Command, Option } from 'commander'
import type { Control } from '../schemas/avro/generated.ts'
import { type Config, ConfigError, loadConfig } from '../streams/main/config.ts'
import { applyHold, isHeld, type Hold } from '../topology/hold.ts'
import { Rejection } from '../topology/model/step.ts'
import type { Instant } from '../topology/model/time.ts'
import { withControlTopic } from './control-topic.ts'
import { orderedBy } from './operator.ts'
import { untilOf, type OrderFlags } from './order.ts'
import { timeOf } from './times.ts'

type Print = (text: string) => void

/** `pp hold`: time withheld from the whole topology while something outside is being mended. */
export function holdCommand(print: Print): Command {
  const command = new Command('hold').description(
    'time withheld: nothing is fanned out and no window closes by its deadline; complete sets go on',
  )
  const ordered = (name: string, description: string) =>
    command
      .command(name)
      .description(description)
      .requiredOption('--reason <text>', 'why, for whoever wonders')
      .option('--by <who>', 'who gives the order; without it who is logged in')
  ordered('set', 'withhold time; a later one replaces it')
    .option('--until <time>', 'when it ends by itself, like 2026-02-25T09:00:00Z')
    .option('--for <duration>', 'how long, like 90s, 30m or 2h; 12h at most')
    .action((flags: OrderFlags) => giveHold(loadConfig(process.env), { kind: 'hold', ...flags }, print))
  ordered('clear', 'let time go on: what is due by then is decided at once').action((flags: OrderFlags) =>
    giveHold(loadConfig(process.env), { kind: 'release', ...flags }, print),
  )
  command
    .command('show')
    .description('whether time is withheld now, by whom, why and until when')
    .addOption(new Option('--json', 'print JSON').default(false))
    .action((flags: { json: boolean }) => showHold(loadConfig(process.env), flags, print))
  return command
}

export interface HoldOrder extends OrderFlags {
  readonly kind: 'hold' | 'release'
}

/** Writes the order and its audit record, and prints what is then in force. @throws ConfigError where it cannot be right, or is not in force then. */
export async function giveHold(config: Config, order: HoldOrder, print: Print): Promise<void> {
  const given = holdOf(order, Date.now())
  const { by, reason, kind } = given
  const note = { action: kind === 'hold' ? 'hold set' : 'hold clear', by, reason, detail: JSON.stringify(given) }
  await withControlTopic(config, async topic => {
    await topic.give([given], note)
    print(outcomeOf(given, await topic.hold(), Date.now(), config.ledger.stalenessSeconds))
  })
}

/** The order as it is written; checked the way the clock will, and more strictly: our clock and the broker's are two. */
export function holdOf({ kind, reason, by: said, ...time }: HoldOrder, now: Instant, login?: () => string): Control {
  if (reason.trim() === '') throw new ConfigError('--reason is blank; say why, for whoever finds time withheld')
  const by = orderedBy(said, login)
  const until = untilOf(time, now)
  if (kind === 'hold' && until === null)
    throw new ConfigError('say how long with --for or --until: a hold that is forgotten must end by itself')
  const order: Control = { kind, instrument: '', detector: null, reason, by, until }
  try {
    applyHold(undefined, order, now, 0)
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    throw new ConfigError(`--until or --for: ${error.message}`)
  }
  return order
}

/** What to say of an order that was written, from what is in force after it. @throws ConfigError where that is something else */
export function outcomeOf(given: Control, hold: Hold | undefined, now: Instant, stalenessSeconds: number): string {
  const isInForce =
    given.kind === 'hold'
      ? hold?.until === given.until && hold.by === given.by && hold.reason === given.reason
      : hold === undefined
  if (!isInForce)
    throw new ConfigError(
      `the order was written, and it is not in force: it was refused, because this machine's clock and the broker's do not agree, ` +
        `or somebody gave another after it. ${describe(hold, now)}`,
    )
  if (hold === undefined || hold.until - hold.since <= stalenessSeconds * 1000) return describe(hold, now)
  return (
    `${describe(hold, now)}\nThat is longer than ${stalenessSeconds} s (ledger.stalenessSeconds): units whose deadline is longer ago than that ` +
    'when time goes on are deferred; a replay of exposure-window brings them back.'
  )
}

/** Prints whether time is withheld, as the clock knows it. */
export async function showHold(config: Config, flags: { readonly json: boolean }, print: Print): Promise<void> {
  const hold = await withControlTopic(config, topic => topic.hold())
  const now = Date.now()
  print(flags.json ? JSON.stringify(isHeld(hold, now) ? hold : null, null, 2) : describe(hold, now))
}

const describe = (hold: Hold | undefined, now: Instant): string =>
  isHeld(hold, now)
    ? `Time is withheld since ${timeOf(hold.since)}, until ${timeOf(hold.until)}: ${hold.reason} (${hold.by})`
    : 'Time goes on.'
