import type { Random } from '../night/random.ts'
import type { NightPlan } from '../night/plan.ts'
import type { ProcessName } from '../demo/system.ts'
import type { Switch } from '../night/adversity/switches.ts'
import type { Bench, BenchOptions } from './bench.ts'

/** One row of the campaign: what is done to the system during a night, and what must hold all the same. */
export interface Fault {
  /** One word or two with a hyphen: what `--only` names. */
  readonly name: string
  /** What happens, for the page. */
  readonly what: string
  /** How it is made to happen. */
  readonly how: string
  /** What this row asks beyond what every row asks (`ALWAYS` in page.ts). */
  readonly invariant: string
  /** From which moment on the seconds of recovery count, and up to which. */
  readonly recovery: string
  /** A recovery that takes longer is told as slow. It may well be on a busy machine; nothing else may change there. */
  readonly allowedSeconds?: number
  /** Faults of one name here share a bench that no other fault strikes. */
  readonly stand?: string
  /** What that bench is to be like. */
  readonly options?: Omit<BenchOptions, 'say'>
  /** Switches of the night whose count says nothing under this fault, with the reason. */
  readonly unwatched?: Readonly<Partial<Record<Switch, string>>>
  /** The observatory's clock is ahead by this. */
  readonly aheadSeconds?: number
  /** Commit records of journals may be cleaned away from now on. */
  readonly compacts?: true
  /** How long nothing may end, s. */
  readonly patienceSeconds?: number
  /** Does it, and heals it; resolves with the seconds of recovery. Throws what the invariant forbids. */
  strike(scene: Scene): Promise<number>
}

/** The night on which a fault strikes. */
export interface Scene {
  readonly bench: Bench
  readonly plan: NightPlan
  readonly random: Random
  /** Aborts when the night has failed. */
  readonly signal: AbortSignal
  /** One line of the journal: what is done, in the moment it is done. */
  say(line: string): void
  /** Waits until this many seconds of the night have passed; a seeded moment between the two. */
  until(from: number, to?: number): Promise<void>
  sleep(seconds: number): Promise<void>
  /** A seeded choice. */
  pick<T>(from: readonly T[]): T
  /** SIGKILL, and seconds until others, or its successor, have gone on with every task that it had. */
  killAndRecover(name: ProcessName): Promise<number>
  /** Seconds that this takes, at most 90: then it throws, saying what was awaited. */
  seconds(what: string, work: (signal: AbortSignal) => Promise<unknown>): Promise<number>
}

/** Roles whose processes hold tasks, each with a twin. */
export const DOUBLED = ['clock', 'steps', 'effects', 'publish'] as const
