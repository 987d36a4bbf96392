import { Command, Option } from 'commander'
import type { Control } from '../schemas/avro/generated.ts'
import { type Config, ConfigError, loadConfig } from '../streams/main/config.ts'
import { applyControl, withoutExpired, type Mask, type Masks } from '../topology/masks.ts'
import { Rejection } from '../topology/model/step.ts'
import type { Instant } from '../topology/model/time.ts'
import { withControlTopic } from './control-topic.ts'
import { instrumentNamed, parseDetectors } from './detectors.ts'
import { orderedBy } from './operator.ts'
import { untilOf, type OrderFlags } from './order.ts'
import { table } from './table.ts'
import { timeOf } from './times.ts'

type Print = (text: string) => void

const WHICH = 'detectors, like 3 or 0,5-9, or all: a pause'

/** `pp mask`: detectors switched off and on while the system runs. */
export function maskCommand(print: Print): Command {
  const command = new Command('mask').description(
    'detectors that are off at run time; for visits announced from then on',
  )
  const ordered = (name: string, description: string) =>
    command
      .command(name)
      .description(description)
      .argument('<instrument>')
      .argument('<detectors>', WHICH)
      .requiredOption('--reason <text>', 'why; every unit that is not made says it')
      .option('--by <who>', 'who gives the order; without it who is logged in')
  ordered('set', 'switch detectors off; later visits make no unit of them')
    .option('--until <time>', 'when it ends by itself, like 2026-02-25T09:00:00Z')
    .option('--for <duration>', 'how long, like 90s, 30m, 2h or 1d; without it until it is cleared')
    .action((instrument: string, detectors: string, flags: OrderFlags) =>
      giveOrder(loadConfig(process.env), { kind: 'mask', instrument, detectors, ...flags }, print),
    )
  ordered('clear', 'switch detectors on again; all ends a pause, and leaves the masks of single detectors').action(
    (instrument: string, detectors: string, flags: OrderFlags) =>
      giveOrder(loadConfig(process.env), { kind: 'unmask', instrument, detectors, ...flags }, print),
  )
  command
    .command('ls')
    .description('the masks in force, with reason and end')
    .argument('<instrument>')
    .addOption(new Option('--json', 'print JSON').default(false))
    .action((instrument: string, flags: { json: boolean }) =>
      listMasks(loadConfig(process.env), instrument, flags, print),
    )
  return command
}

export interface Order extends OrderFlags {
  readonly kind: 'mask' | 'unmask'
  readonly instrument: string
  readonly detectors: string
}

/** Writes the order for each detector named, and prints what is then in force. @throws ConfigError where it cannot be right. */
export async function giveOrder(config: Config, order: Order, print: Print): Promise<void> {
  const orders = ordersOf(order, Date.now())
  const { instrument, kind, reason, detectors } = order
  const { by } = orders[0]!
  const note = { action: kind === 'mask' ? 'mask set' : 'mask clear', by, reason, detail: JSON.stringify(orders) }
  await withControlTopic(config, async topic => {
    await topic.give(orders, note)
    const masks = (await topic.masks()).get(instrument)
    const said = kind === 'mask' ? 'Masked' : 'Unmasked'
    print(`${said} for visits announced from now on: ${instrument} ${detectors}\n`)
    print(describeMasks(instrument, inForce(masks, Date.now())))
  })
}

/** One record a detector, or one for all; checked the way fan-out will. */
export function ordersOf(
  { kind, instrument, detectors, reason, by: said, ...time }: Order,
  now: Instant,
  login?: () => string,
): Control[] {
  const camera = instrumentNamed(instrument)
  const ids = detectors === 'all' ? [null] : parseDetectors(detectors, camera)
  if (reason.trim() === '') throw new ConfigError('--reason is blank; say why, for whoever finds the detector off')
  const by = orderedBy(said, login)
  const until = untilOf(time, now)
  return ids.map(detector => {
    const order: Control = { kind, instrument, detector, reason, by, until }
    try {
      applyControl(undefined, order, now)
    } catch (error) {
      if (!(error instanceof Rejection)) throw error
      throw new ConfigError(error.message)
    }
    return order
  })
}

/** The mask of a detector, or of all where it is null. */
interface Listed extends Mask {
  readonly detector: number | null
}

function inForce(masks: Masks | undefined, now: Instant): readonly Listed[] {
  const lasting = masks && withoutExpired(masks, now)
  if (!lasting) return []
  const single = Object.entries(lasting.detectors).map(([id, mask]) => ({ detector: Number(id), ...mask }))
  return [...(lasting.all ? [{ detector: null, ...lasting.all }] : []), ...single]
}

/** Prints the masks of an instrument that hold now, as fan-out folds them from all orders. */
export async function listMasks(config: Config, name: string, flags: { readonly json: boolean }, print: Print) {
  const { name: instrument } = instrumentNamed(name)
  const masks = await withControlTopic(config, topic => topic.masks())
  const listed = inForce(masks.get(instrument), Date.now())
  print(flags.json ? JSON.stringify(listed, null, 2) : describeMasks(instrument, listed))
}

function describeMasks(instrument: string, listed: readonly Listed[]): string {
  if (listed.length === 0) return `No detector of ${instrument} is masked.`
  const rows = listed.map(({ detector, reason, since, until }) => [
    detector === null ? 'all' : String(detector),
    timeOf(since),
    until === null ? 'cleared' : timeOf(until),
    reason,
  ])
  return table(['detector', 'since', 'until', 'reason (by)'], rows)
}
