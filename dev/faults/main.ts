/**
 * npm run faults -- [--only names] [--seed n] [--write] [--json] [--list]
 *
 * The fault campaign: strikes real processes and real services with every fault of `rows/`, one night each, and holds what came of it
 * against the plan of the night and against what an independent client reads. Exit code 1 where something does not hold.
 */
import { writeFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { runCampaign, type Run } from './campaign.ts'
import type { Fault } from './fault.ts'
import { pathOf } from '../topology-pages.ts'
import { faultsPage, HOLDS_SLOWLY, readResults, resultsFile, withRuns } from './page.ts'
import { allFaults } from './rows/all.ts'

function faultsNamed(text: string): readonly Fault[] {
  return text.split(',').map(name => {
    const found = allFaults.find(it => it.name === name.trim())
    if (found) return found
    throw new InvalidArgumentError(`"${name}" is no fault; allowed are ${allFaults.map(it => it.name).join(', ')}`)
  })
}

function whole(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 31 - 1000) return value
  throw new InvalidArgumentError('allowed are integers from 0 on')
}

const program = new Command('npm run faults --')
  .description('Strikes the running system with one fault after the other, and checks that nothing is lost or doubled.')
  .option('--only <names>', 'these faults alone, with commas between', faultsNamed)
  .option('--seed <n>', 'of the first night; each further one has the next', whole, 1)
  .option('--list', 'names the faults, and ends')
  .option('--write', 'keeps the results, and writes docs/faults.md')
  .option('--json', 'prints the runs as one JSON object, last')
  .parse(process.argv)
const options = program.opts<{ only?: readonly Fault[]; seed: number; list?: true; write?: true; json?: true }>()
const say = (line: string) => (options.json ? console.error(line) : console.log(line))

// Services, processes and proxies end with this one.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
if (options.list) {
  for (const { name, what } of allFaults) console.log(`${name.padEnd(22)} ${what}`)
} else {
  const runs = await runCampaign({
    faults: options.only ?? allFaults,
    seed: options.seed,
    say,
    onRun: run => (tell(run), options.write && write(run)),
  })
  const failed = runs.filter(({ faults }) => faults.length > 0)
  if (options.json) console.log(JSON.stringify({ runs }))
  const slow = runs.filter(run => run.slow).length
  say(`${runs.length} faults, ${runs.length - failed.length} held (${slow} slowly), ${failed.length} did not`)
  process.exit(failed.length + slow === 0 ? 0 : 1)
}

/** Adds it to what is kept: at once, so that a campaign that is broken off keeps what it has found. */
function write(run: Run): void {
  writeFileSync(resultsFile, `${JSON.stringify(withRuns(readResults(), [run], allFaults), null, 2)}\n`)
  const { path, now } = faultsPage()
  writeFileSync(pathOf(path), now)
}

function tell({ name, faults, slow, journal, recoverySeconds, seconds, seed }: Run): void {
  const holds = faults.length > 0 ? 'DOES NOT HOLD' : slow ? HOLDS_SLOWLY : 'holds'
  const recovered = recoverySeconds === undefined ? '' : `, recovered in ${recoverySeconds.toFixed(1)} s`
  say([...journal, ...faults.map(fault => `! ${fault}`)].map(line => `    ${line}`).join('\n'))
  say(`  ${name} ${holds} (seed ${seed}${recovered}; ${seconds.toFixed(0)} s)`)
}
