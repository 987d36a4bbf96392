import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Bench, openBench } from './bench.ts'
import { Checker } from './checker.ts'
import type { Fault } from './fault.ts'
import { type Outcome, Past, playUnder } from './night.ts'

/** One fault, once. */
export interface Run extends Omit<Outcome, 'units'> {
  readonly name: string
  /** Whether it has recovered, and not as fast as it should on a machine that has nothing else to do. */
  readonly slow?: boolean
  /** What was struck: the short hash of the commit, with a `+` where files were changed since. Older runs have none, nor has what is no checkout. */
  readonly commit?: string
}

export interface Campaign {
  readonly faults: readonly Fault[]
  readonly seed: number
  readonly say: (line: string) => void
  /** Hears of each run as it ends. */
  readonly onRun?: (run: Run) => void
}

const root = fileURLToPath(new URL('../..', import.meta.url))
/** What a campaign writes itself, while it goes on. */
const RESULTS = ['dev/faults/results.json', 'docs/faults.md']

/** The commit that is checked out. */
function commitNow(): string | undefined {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'safe.directory=*', ...args], { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim()
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ...RESULTS.map(it => `:!${it}`))
    return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : '+'}`
  } catch {
    return undefined
  }
}

/** A bench with what was read of it so far. */
interface Stand {
  readonly name: string | undefined
  readonly bench: Bench
  readonly past: Past
  readonly checker: Checker
}

/**
 * Strikes with one fault after the other. They share a bench, so that each night finds the state of all before it; a fault that asks for
 * another one gets it, and after a fault that did not hold the next one gets a new one.
 */
export async function runCampaign({ faults, seed, say, onRun }: Campaign): Promise<Run[]> {
  const runs: Run[] = []
  const commit = commitNow()
  let stand: Stand | undefined
  const leave = async (keep: boolean) => {
    const left = stand
    stand = undefined
    await left?.bench.close(keep)
  }
  try {
    for (const [i, fault] of faults.entries()) {
      const began = Date.now()
      say(`${i + 1} of ${faults.length}: ${fault.name}`)
      if (stand && stand.name !== fault.stand) await leave(false)
      stand ??= await newStand(say, fault)
      const { units: _, ...outcome } = await strike(stand, fault, seed + i)
      const slow = (outcome.recoverySeconds ?? 0) > (fault.allowedSeconds ?? Infinity)
      const seconds = (Date.now() - began) / 1000
      const run = { name: fault.name, ...(commit && { commit }), ...outcome, ...(slow && { slow }), seconds }
      runs.push(run)
      onRun?.(run)
      if (run.faults.length > 0) await leave(true)
    }
  } finally {
    await leave(false)
  }
  return runs
}

async function newStand(say: (line: string) => void, { stand: name, options }: Fault): Promise<Stand> {
  const open = () => openBench({ say, ...options })
  // A machine that is busy with other things may be too slow for it once, which says nothing of a fault.
  const bench = await open().catch((error: unknown) => (say(`${String(error)}; once more`), open()))
  return { name, bench, past: new Past(), checker: new Checker(bench.addresses.kafka.brokers) }
}

/** The plan's account first, then the checker's, which knows nothing of the plan. */
async function strike({ bench, past, checker }: Stand, fault: Fault, seed: number): Promise<Outcome> {
  const outcome = await playUnder(bench, fault, seed, past)
  checker.isCompacted ||= fault.compacts === true
  if (outcome.faults.length > 0) return outcome
  const faults = await checker
    .faults(bench, outcome.units ?? [])
    .catch((error: unknown) => [`the checker cannot read: ${(error as Error).message}`])
  return { ...outcome, faults }
}
