import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { simulate, type Night } from './simulate.ts'
import { again, Tally } from './tally.ts'

const whole = (low: number) => (text: string) => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < low) throw new InvalidArgumentError(`allowed are integers from ${low}`)
  return value
}

interface Options {
  readonly seeds: number
  readonly start: number
  readonly jobs: number
  readonly json: boolean
}

const program = new Command('npm run sim --')
  .description(
    'Plays nights to the whole topology on the task loop in memory, with everything going wrong that a seed says.',
  )
  .option('--seeds <n>', 'nights to play', whole(1), 1000)
  .option('--start <s>', 'seed of the first', whole(0), 1)
  .option('--jobs <k>', 'processes that play them', whole(1), 1)
  .option('--json', 'one JSON document in the end, and nothing else', false)
const options = program.parse().opts<Options>()

/** Where a parent listens we are one of its jobs, and play every k-th seed. */
if (process.send) await play(night => void process.send!(night), options.start, options.jobs)
else await main()

async function play(tell: (night: Night) => void, first: number, step: number): Promise<void> {
  const { start, seeds } = program.opts<Options>()
  const end = Number(process.env['SIM_END'] ?? start + seeds)
  for (let seed = first; seed < end; seed += step) tell(await simulate(seed))
}

async function main(): Promise<void> {
  const { seeds, start, jobs, json } = options
  const tally = new Tally()
  const failed: Pick<Night, 'seed' | 'faults'>[] = []
  const began = Date.now()
  let told = began
  const take = (night: Night) => {
    tally.add(night)
    if (night.faults.length > 0) {
      failed.push({ seed: night.seed, faults: night.faults })
      if (!json)
        console.log([`seed ${night.seed} fails; again with: ${again(night.seed)}`, ...night.faults].join('\n  '))
    }
    if (json || Date.now() - told < 5_000) return
    told = Date.now()
    const left = ((told - began) / tally.nights) * (seeds - tally.nights)
    console.log(`${tally.nights} of ${seeds} seeds, ${tally.failures} failures, ${Math.ceil(left / 1000)} s to go`)
  }
  if (jobs === 1) await play(take, start, 1)
  else await Promise.all(Array.from({ length: jobs }, (_, job) => child(start + job, take)))
  console.log(json ? JSON.stringify({ ...tally.toJSON(), failed }) : String(tally))
  process.exitCode = tally.failures > 0 ? 1 : 0
}

/** A process that plays the seeds `first`, `first + jobs`, and so on. */
function child(first: number, take: (night: Night) => void): Promise<void> {
  const { start, seeds, jobs } = options
  return new Promise((resolve, reject) => {
    const args = ['--start', String(first), '--jobs', String(jobs)]
    const env = { ...process.env, SIM_END: String(start + seeds) }
    const job = fork(fileURLToPath(import.meta.url), args, { env, execArgv: process.execArgv })
    job.on('message', night => take(night as Night))
    job.on('exit', code => (code === 0 ? resolve() : reject(new Error(`a job ended with ${code}`))))
  })
}
