import { Command, Option } from 'commander'
import { notCommittedSince, replayCounts, standingsOf } from '../../sinks/ledger/replays.ts'
import { type Config, ConfigError, loadConfig } from '../../streams/main/config.ts'
import { rawEffects } from '../../streams/main/raw-effects.ts'
import { openWorld, topologyOf, type World } from '../../streams/main/world.ts'
import { OrderRefused } from '../../streams/task/faults.ts'
import type { Instant } from '../../topology/model/time.ts'
import { json, readLedger } from '../ledger.ts'
import { orderedBy } from '../operator.ts'
import { table } from '../table.ts'
import { sinceOf } from '../times.ts'
import { cancelOrders, giveOrders } from './order.ts'
import { countsOf, planReplay, visitsOf, type ReplayPlan } from './plan.ts'
import { stagesOf } from './stages.ts'
import { describePlan } from './text.ts'

type Print = (text: string) => void
interface What {
  readonly from: string
  readonly stages: string
  readonly json?: boolean
}
interface Signed {
  readonly reason: string
  readonly by?: string
}

/** `pp replay`: what a replay would come to, the order itself, and what has come of it. */
export function replayCommand(print: Print): Command {
  const command = new Command('replay').description('what failed or was missed, done again; what is committed stays')
  const asJson = () => new Option('--json', 'print JSON').default(false)
  const planned = (name: string, description: string) =>
    command
      .command(name)
      .description(description)
      .requiredOption(
        '--from <time>',
        'since when events are read again, like 2026-02-25T03:00:00Z or 2h: before the announcements',
      )
      .option('--stages <names>', 'the stages to reset, with commas', 'exposure-window')
      .addOption(asJson())
  const signed = (it: Command) =>
    it
      .requiredOption('--reason <text>', 'why; the audit topic keeps it')
      .option('--by <who>', 'who gives the order; without it who is logged in')
  planned('plan', 'what would reopen, run again, stay; changes nothing, and the system may be up').action(
    (what: What) => showPlan(loadConfig(process.env), what, print),
  )
  signed(planned('apply', 'order it: for stopped stages, which obey when they start')).action((what: What & Signed) =>
    applyPlan(loadConfig(process.env), what, print),
  )
  signed(
    command
      .command('cancel')
      .description('take an order back that was not taken yet')
      .argument('<stages>', 'with commas'),
  ).action((stages: string, order: Signed) => cancel(loadConfig(process.env), stages, order, print))
  command
    .command('ls')
    .description('what has come of the replays so far: units by replay and state')
    .addOption(asJson())
    .action((options: { json: boolean }) => list(loadConfig(process.env), options, print))
  return command
}

/** Prints the plan. @throws ConfigError for what cannot be planned */
export async function showPlan(config: Config, what: What, print: Print): Promise<void> {
  const plan = await withPlan(config, what, async (_, plan) => plan)
  print(what.json ? planJson(plan) : describePlan(plan))
}

/** Orders exactly what the plan says, and prints it. @throws ConfigError where a group has members; then nothing was ordered */
export async function applyPlan(config: Config, what: What & Signed, print: Print): Promise<void> {
  const who = signature(what)
  await withPlan(config, what, async ({ client, codec, topology }, plan) => {
    const detail = { counts: countsOf(plan.units), unreached: plan.unreached.length }
    const stages = plan.stages.map(({ stage }) => stage)
    await giveOrders({ client, codec, topology, app: config.app, ...who }, { stages, since: plan.since, detail })
    print(what.json ? planJson(plan) : `${describePlan(plan)}\n\nOrdered. It is obeyed when the processes start.`)
  })
}

export async function cancel(config: Config, list: string, order: Signed, print: Print): Promise<void> {
  const who = signature(order)
  const stages = stagesOf(topologyOf(config), list)
  await withWorld(config, stages, async ({ client, codec, topology }) => {
    const tasks = await cancelOrders({ client, codec, topology, app: config.app, ...who }, stages)
    print(tasks.length > 0 ? `Taken back: ${tasks.join(', ')}` : `Nothing is ordered of ${stages.join(', ')}.`)
  })
}

export async function list(config: Config, options: { readonly json: boolean }, print: Print): Promise<void> {
  const counts = await readLedger(config, replayCounts)
  if (options.json) return print(json(counts))
  if (counts.length === 0) return print('Nothing was replayed.')
  const rows = counts.map(({ replay, state, units }) => [stampOf(replay), String(replay), state, String(units)])
  print(table(['ordered at (UTC)', 'replay', 'state', 'units'], rows))
}

async function withPlan<T>(
  config: Config,
  what: What,
  use: (world: World, plan: ReplayPlan) => Promise<T>,
): Promise<T> {
  const now = Date.now()
  const since = sinceOf('--from', what.from, now)
  if (since > now) throw new ConfigError(`--from is "${what.from}", which is still to come`)
  const stages = stagesOf(topologyOf(config), what.stages)
  return withWorld(config, stages, async world => {
    const { topology, client, codec, pool } = world
    const nothing = () => undefined
    const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
    const foresight = { topology, client, codec, app: config.app, effects: rawEffects(world), stages, since, now, log }
    const ledger = {
      standingsOf: (units: readonly string[]) => standingsOf(pool, units),
      notCommittedSince: (instant: Instant) => notCommittedSince(pool, instant),
    }
    return use(world, await planReplay(foresight, ledger))
  })
}

/** Maps of the sky are read where fan-out is to choose pipelines again. */
async function withWorld<T>(config: Config, stages: readonly string[], use: (world: World) => Promise<T>): Promise<T> {
  const role = stages.includes('fan-out') ? 'steps' : 'effects'
  const world = await openWorld({ ...config, logLevel: 'error' }, role).catch((error: Error) => {
    throw error instanceof ConfigError ? error : new ConfigError(error.message)
  })
  try {
    return await use(world)
  } catch (error) {
    throw error instanceof OrderRefused ? new ConfigError(error.message) : error
  } finally {
    await world.close()
  }
}

function signature({ reason, by }: Signed) {
  if (reason.trim() === '') throw new ConfigError('--reason is blank; say why, for whoever finds what was done')
  return { reason, by: orderedBy(by) }
}

const planJson = (plan: ReplayPlan): string =>
  json({ ...plan, counts: countsOf(plan.units), visits: visitsOf(plan.units) })
const stampOf = (replay: number): string => new Date(replay).toISOString().slice(0, 19).replace('T', ' ')
