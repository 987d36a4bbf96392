import { type Bench, openBench } from './bench.ts'
import { Checker } from './checker.ts'
import type { Fault } from './fault.ts'
import { type Outcome, Past, playUnder } from './night.ts'

/** One fault, once. */
export interface Run extends Omit<Outcome, 'units'> {
  readonly name: string
}

export interface Campaign {
  readonly faults: readonly Fault[]
  readonly seed: number
  readonly say: (line: string) => void
  /** Hears of each run as it ends. */
  readonly onRun?: (run: Run) => void
}

/** A bench with what was read of it so far. */
interface Stand {
  readonly bench: Bench
  readonly past: Past
  readonly checker: Checker
}

/**
 * Strikes with one fault after the other. They share one bench, so that each night finds the state of all before it; after a fault that
 * did not hold, the next one gets a new bench.
 */
export async function runCampaign({ faults, seed, say, onRun }: Campaign): Promise<Run[]> {
  const runs: Run[] = []
  let shared: Stand | undefined
  try {
    for (const [i, fault] of faults.entries()) {
      const began = Date.now()
      say(`${i + 1} of ${faults.length}: ${fault.name}`)
      const stand = fault.own ? await newStand(say, fault) : (shared ??= await newStand(say))
      const { units: _, ...outcome } = await strike(stand, fault, seed + i)
      const run = { name: fault.name, ...outcome, seconds: (Date.now() - began) / 1000 }
      const isWell = run.faults.length === 0
      if (fault.own || !isWell) await stand.bench.close(!isWell)
      if (!isWell && !fault.own) shared = undefined
      runs.push(run)
      onRun?.(run)
    }
  } finally {
    await shared?.bench.close(false)
  }
  return runs
}

async function newStand(say: (line: string) => void, fault?: Fault): Promise<Stand> {
  const bench = await openBench({ say, ...fault?.services?.() })
  return { bench, past: new Past(), checker: new Checker(bench.services.addresses.kafka.brokers) }
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
