import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import type { Audit } from '../../schemas/avro/generated.ts'
import { withdrawSources } from '../../sinks/associate/withdraw.ts'
import {
  type GivenOrder,
  giveOrder,
  markNoted,
  type Order,
  readOrders,
  withdrawOrdered,
} from '../../sinks/orders/book.ts'
import {
  countSelected,
  monthsAway,
  type OrderKind,
  readCandidates,
  type Selection,
} from '../../sinks/orders/candidates.ts'
import { InDoubt, type Pool } from '../../sinks/postgres/pool.ts'
import { type Config, ConfigError, loadConfig } from '../../streams/main/config.ts'
import { audit } from '../../topology/streams.ts'
import { json, nightOf, readDatabase } from '../ledger.ts'
import { asOperator, commitOrder, orderedBy } from '../operator.ts'
import { type AlertPlan, planOf } from './plan.ts'
import { describeAway, describeOrder, describePlan } from './text.ts'

type Print = (text: string) => void

/** Which alerts; one of the four. */
export interface Which {
  readonly unit?: string
  readonly visit?: string
  readonly night?: string
  readonly ids?: string
}
export interface What extends Which {
  readonly withRetracted?: boolean
  readonly json?: boolean
}
export interface Signed {
  readonly plan: string
  readonly reason: string
  readonly by?: string
}

/** Alerts of one order: their ids are kept, 8 bytes each, and a plan holds them. At 105 kB an alert it is 100 GB on the wire. */
const MOST_ALERTS = 1_000_000
/** It goes out with every alert that is sent again. */
const MOST_REASON = 500

/** `pp alerts`: to send alerts again, and to call them back. */
export function alertsCommand(print: Print): Command {
  const command = new Command('alerts').description('alerts that are out: sent again, or called back')
  for (const kind of ['resend', 'retract'] as const) {
    const group = command
      .command(kind)
      .description(
        kind === 'resend' ? 'send alerts again, byte for byte' : 'withdraw sources, and tell of it on alerts-retracted',
      )
    const asked = (name: string, description: string) => {
      const it = group
        .command(name)
        .description(description)
        .option('--unit <unit>', 'those of one unit, like LSSTCam/2026-02-25T03:00:00.000/42')
        .option('--visit <visit>', 'those of one visit, by its id or its group')
        .option('--night <YYYYMMDD>', 'those of one night, by the day of its evening')
        .option('--ids <ids>', 'these: ids with commas, or @file with one a line')
        .addOption(new Option('--json', 'print JSON').default(false))
      return kind === 'resend' ? it.option('--with-retracted', 'also what was retracted') : it
    }
    asked('plan', 'what it would come to; changes nothing').action((what: What) =>
      showPlan(loadConfig(process.env), kind, what, print),
    )
    asked('apply', 'order exactly that; the same order given twice is one')
      .requiredOption('--plan <id>', 'the id that plan printed')
      .requiredOption('--reason <text>', 'why; it goes out with the alerts, and the audit topic keeps it')
      .option('--by <who>', 'who gives the order; without it who is logged in')
      .action((what: What & Signed) => applyPlan(loadConfig(process.env), kind, what, print))
  }
  command
    .command('orders')
    .description('what was ordered so far, and how far it is')
    .addOption(new Option('--json', 'print JSON').default(false))
    .action((options: { json: boolean }) => listOrders(loadConfig(process.env), options, print))
  return command
}

const inDatabase = <T>(config: Config, work: (pool: Pool) => Promise<T>): Promise<T> =>
  readDatabase(config, 'The database', work)

/** Prints what an order would come to. @throws ConfigError for what cannot be planned */
export const showPlan = (config: Config, kind: OrderKind, what: What, print: Print): Promise<void> =>
  inDatabase(config, async pool => {
    const plan = await planned(pool, kind, what)
    print(what.json ? json(plan) : describePlan(plan))
  })

/**
 * Orders exactly the plan of this id. May be given again where it was cut short: what was done stays, what was not is done.
 * @throws ConfigError where the plan would be another one by now, or nothing is left of it
 */
export async function applyPlan(config: Config, kind: OrderKind, what: What & Signed, print: Print): Promise<void> {
  const { plan: id, reason } = what
  const by = orderedBy(what.by)
  if (reason.trim() === '') throw new ConfigError('--reason is blank; say why, for whoever reads it beside the alerts')
  if (reason.length > MOST_REASON)
    throw new ConfigError(`--reason has ${reason.length} characters; allowed are ${MOST_REASON}`)
  const { order, isKnown } = await inDatabase(config, pool =>
    orderPlan(pool, note => writeNote(config, note), kind, what, { id, by, reason }),
  )
  const said = isKnown ? 'It was ordered already.' : 'Ordered; publish carries it out.'
  print(what.json ? json(order) : `${said}\n${describeOrder(order)}`)
}

/** The same, of what is at hand: a database, and whoever writes the audit. */
export async function orderPlan(
  pool: Pool,
  audited: (note: Audit) => Promise<void>,
  kind: OrderKind,
  what: What,
  signed: Omit<Order, 'kind'>,
): Promise<{ readonly order: GivenOrder; readonly isKnown: boolean }> {
  const { id } = signed
  const [known] = await readOrders(pool, id)
  if (known !== undefined && known.kind !== kind) throw new ConfigError(`Order ${id} is one to ${known.kind}`)
  if (known === undefined) await give(pool, await planned(pool, kind, what), signed)
  if (kind === 'retract') {
    // An order that was cut short may be given again long after it.
    await refuseMonthsAway(pool, selectionOf(what), kind)
    await withdrawOrdered(pool, id, withdrawSources)
  }
  const order = (await readOrders(pool, id))[0]!
  if (order.notedAt === null) {
    const { by, reason, alerts, units } = order
    await audited({ action: `alerts ${kind}`, by, reason, detail: json({ order: id, alerts, units }) })
    await markNoted(pool, id)
  }
  return { order, isKnown: known !== undefined }
}

async function give(pool: Pool, plan: AlertPlan, signed: Omit<Order, 'kind'>): Promise<void> {
  if (plan.units.length === 0) throw new ConfigError(describePlan(plan))
  if (plan.id !== signed.id)
    throw new ConfigError(
      `The plan is no longer ${signed.id} but ${plan.id}: something was ordered, sent or committed since. Look at it again; nothing was ordered`,
    )
  await giveOrder(pool, { ...signed, kind: plan.kind }, plan.units).catch((error: unknown) => {
    if (error instanceof InDoubt)
      throw new ConfigError('No answer: whether the order was written is not known; give it again, it is the same one')
    throw error
  })
}

/** After the order, so that there is none of which nothing was ordered; cut short in between, the next try writes it. */
const writeNote = (config: Config, note: Audit): Promise<void> =>
  asOperator(config, 'alerts', [audit], async operator => {
    const producer = await operator.client.fence(`${config.app}.operator.alerts`)
    await commitOrder(operator, producer, [], note, 'pp alerts orders')
  })

export const listOrders = (config: Config, options: { readonly json: boolean }, print: Print): Promise<void> =>
  inDatabase(config, async pool => {
    const orders = await readOrders(pool)
    if (options.json) return print(json(orders))
    print(orders.length === 0 ? 'Nothing was ordered.' : orders.map(describeOrder).join('\n\n'))
  })

export async function planned(pool: Pool, kind: OrderKind, what: What): Promise<AlertPlan> {
  const selection = selectionOf(what)
  const count = await countSelected(pool, selection)
  if (count > MOST_ALERTS)
    throw new ConfigError(`${count} alerts are meant; one order may have ${MOST_ALERTS}. Order it visit by visit`)
  await refuseMonthsAway(pool, selection, kind)
  const ids = 'ids' in selection ? selection.ids : undefined
  return planOf(await readCandidates(pool, selection, kind), { kind, ids, withRetracted: what.withRetracted })
}

/** @throws ConfigError where an order needs rows that no query of the APDB sees: it would leave them out, and nobody would notice */
async function refuseMonthsAway(pool: Pool, selection: Selection, kind: OrderKind): Promise<void> {
  const away = await monthsAway(pool, selection, kind)
  if (away.length > 0) throw new ConfigError(describeAway(away, kind))
}

/** @throws ConfigError where none or several are said, or one of them is none */
export function selectionOf({ unit, visit, night, ids }: Which): Selection {
  const said = Object.entries({ unit, visit, night, ids }).filter(([, value]) => value !== undefined)
  if (said.length !== 1)
    throw new ConfigError(
      `Which alerts? Give one of --unit, --visit, --night, --ids${said.length > 1 ? `, not ${said.map(([name]) => `--${name}`).join(' and ')}` : ''}`,
    )
  if (unit !== undefined) return { unit }
  if (visit !== undefined) return /^\d+$/.test(visit) ? { visit: BigInt(visit) } : { group: visit }
  if (night !== undefined) return { night: nightOf(night) }
  return { ids: idsOf(ids!) }
}

function idsOf(text: string): bigint[] {
  const list = (text.startsWith('@') ? fileOf(text.slice(1)) : text).split(/[\s,]+/).filter(Boolean)
  const wrong = list.find(id => !/^\d{1,19}$/.test(id) || BigInt(id) >= 2n ** 63n)
  if (wrong !== undefined) throw new ConfigError(`--ids has "${wrong}"; an id is a whole number below 2^63`)
  if (list.length === 0) throw new ConfigError('--ids names none')
  return list.map(BigInt)
}

function fileOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new ConfigError(`--ids names the file ${path}: ${(error as Error).message}`)
  }
}
