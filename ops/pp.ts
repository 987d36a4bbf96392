import { Argument, Command, Option } from 'commander'
import { describeTopology } from '../topology/derive.ts'
import { ConfigError, loadConfig, showConfig } from '../streams/main/config.ts'
import { unitStates } from '../sinks/ledger/summary.ts'
import { initialise, type Part, parts } from '../streams/main/initialise.ts'
import { roles, runProcess } from '../streams/main/main.ts'
import { topologyOf } from '../streams/main/world.ts'
import { promptTopology } from '../topology/prompt.ts'
import type { Role } from '../topology/model/topology.ts'
import { apdbCommand } from './apdb.ts'
import { alertsCommand } from './alerts/command.ts'
import { dlqCommand } from './dlq.ts'
import { holdCommand } from './hold.ts'
import { maskCommand } from './masks.ts'
import { pipelinesCommand } from './pipelines.ts'
import { replayCommand } from './replay/command.ts'
import { repoCommand } from './repo.ts'
import { detectorsCommand } from './show-detectors.ts'
import { table } from './table.ts'
import { showUnits, type UnitsOptions } from './units.ts'
import { showVisit } from './visit.ts'

const json = () => new Option('--json', 'print JSON').default(false)
const print = (text: string): void => void process.stdout.write(`${text}\n`)

const pp = new Command('pp').description('Prompt Processing: run it, look at it, steer it.').showHelpAfterError()

pp.command('run')
  .description(`run one process of the deployment: ${roles.join(', ')}`)
  .argument('<role>')
  .option('--stages <names>', 'of the stages of steps or effects these alone, like fan-out,exposure-window', names =>
    names.split(',').map(name => name.trim()),
  )
  .action((role: string, { stages }: { stages?: readonly string[] }) => {
    const known = roles.find(name => name === role)
    if (!known) throw new ConfigError(`There is no process "${role}"; there are: ${roles.join(', ')}`)
    return runProcess(known satisfies Role, stages)
  })

pp.command('init')
  .description('put tables, topics, schemas and buckets in place, or those named; what is there is left as it is')
  .addArgument(new Argument('[parts...]').choices(parts))
  .action((wanted: Part[]) => initialise(loadConfig(process.env), print, wanted.length > 0 ? wanted : parts))

const config = pp.command('config').description('the knobs')
config
  .command('show')
  .description('every knob as it is in force, secrets hidden')
  .addOption(json())
  .action((options: { json: boolean }) => {
    const knobs = showConfig(loadConfig(process.env))
    if (options.json) return print(JSON.stringify(knobs, null, 2))
    const short = (value: unknown) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      return text.length > 60 ? `${text.slice(0, 59)}…` : text
    }
    return print(
      table(
        ['knob', 'value', '', 'variable', 'what it turns'],
        knobs.map(k => [k.knob, short(k.value), k.isDefault ? '' : 'set', k.variable, k.description]),
      ),
    )
  })

const topology = pp.command('topology').description('the graph')
topology
  .command('show')
  .description('stages, what they read and write, who runs them')
  .addOption(json())
  .action((options: { json: boolean }) => {
    // Without a configuration the graph as it is declared; with one, its partitions and settings.
    const graph = process.env['PP_CONFIG'] ? topologyOf(loadConfig(process.env)) : promptTopology()
    print(options.json ? JSON.stringify(graph, null, 2) : describeTopology(graph))
  })

pp.command('units')
  .description('units of tonight and what is open of other nights: where they stand, how they ended, how many')
  .addOption(json())
  .option('--group <group>', 'of one visit')
  .option('--instrument <name>', 'of one instrument')
  .option('--night <YYYYMMDD>', 'of one night, by the day of its evening: whose windows close between its noons')
  .addOption(new Option('--state <state>', 'in one state').choices(unitStates))
  .option('--all', 'of every night there was')
  .addOption(new Option('--failed', 'that failed').conflicts(['state', 'deferred']))
  .addOption(new Option('--deferred', "the next day's work: visits deferred after a downtime").conflicts('state'))
  .action((options: UnitsOptions) => showUnits(loadConfig(process.env), options, print))

pp.command('visit')
  .description('one visit')
  .command('show')
  .description('a visit as the ledger sees it: announcement, window, and where each of its detectors stands')
  .argument('<group>')
  .addOption(json())
  .action((group: string, options: { json: boolean }) => showVisit(loadConfig(process.env), group, options, print))

for (const command of [
  pipelinesCommand,
  maskCommand,
  holdCommand,
  dlqCommand,
  detectorsCommand,
  repoCommand,
  replayCommand,
  apdbCommand,
  alertsCommand,
])
  pp.addCommand(command(print))

try {
  await (process.argv.length > 2 ? pp.parseAsync() : Promise.resolve(pp.outputHelp()))
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : (error as Error).stack}\n`)
  // Not by `exitCode`: a command that failed half-way has connections open, which would keep the process alive and idle.
  process.exit(error instanceof ConfigError ? 2 : 1)
}
