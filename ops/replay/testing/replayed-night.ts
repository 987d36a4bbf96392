import type { Instant } from '../../../topology/model/time.ts'
import { promptTopology } from '../../../topology/prompt.ts'
import { NIGHT } from '../../../topology/testing/announcements.ts'
import { settings, type Deed } from '../../../streams/testing/adverse-night.ts'
import { Driver, type DrivenProcess } from '../../../streams/testing/driver.ts'
import { codec, effectsOn, perform } from '../../../streams/testing/front-half.ts'
import { settle } from '../../../streams/testing/virtual-time.ts'
import { MemoryClient } from '../../../streams/memory/client.ts'
import { memoryBucket } from '../../../streams/raws/testing/bucket.ts'
import { planReplay, type ReplayPlan } from '../plan.ts'
import { ModelLedger } from './model-ledger.ts'

export const STAGES = ['fan-out', 'raw-intake', 'exposure-window', 'raw-reconcile', 'dispatch'] as const

const topology = promptTopology({ partitions: 3, settings })
const TURNS_UNTIL_QUIET = 600

/**
 * The front half of the topology with a ledger behind it, on the real task loop in memory and on virtual time: a night is played to it,
 * operators plan, stop, reset and start. The bucket's listing is blind until it is told to see.
 */
export class ReplayedNight {
  readonly ledger = new ModelLedger()
  readonly driver: Driver
  isBlind = true
  readonly #store = memoryBucket()
  readonly #effects = effectsOn(this.#store, () => (this.isBlind ? 'blind' : 'truthful'))
  readonly #processes = new Map<string, DrivenProcess>()

  constructor(maxBatch = 500) {
    this.driver = Driver.prepare({
      ...{ topology, codec, startAt: NIGHT - 60_000 },
      effects: { ...this.#effects, dispatch: this.ledger.dispatch },
      options: { timeCommitMs: 0, maxBatch },
    })
  }

  async start(stages: readonly string[] = STAGES): Promise<void> {
    for (const stage of stages) this.#processes.set(stage, await this.driver.process(undefined, [stage]))
  }
  async stop(stages: readonly string[] = STAGES): Promise<void> {
    for (const stage of stages) await this.#processes.get(stage)!.stop()
  }
  async crash(stages: readonly string[] = STAGES): Promise<void> {
    for (const stage of stages) await this.#processes.get(stage)!.crash()
  }
  /** The world's deeds, with a tick a second. */
  async play(deeds: readonly Deed[]): Promise<void> {
    let t = this.driver.time.now()
    for (const deed of deeds) {
      for (; t + 1000 <= deed.t; t += 1000) await this.#tickAt(t + 1000)
      await this.driver.advance(Math.max(0, deed.t - this.driver.time.now()))
      await perform(this.driver, this.#store, deed)
    }
  }
  /** Lets time pass with a tick at its end, and all come to rest. */
  async rest(ms = 1000): Promise<void> {
    await this.#tickAt(this.driver.time.now() + ms)
    await turns(TURNS_UNTIL_QUIET)
  }
  async plan(stages: readonly string[], since: Instant): Promise<ReplayPlan> {
    const { driver, ledger } = this
    const nothing = () => undefined
    const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
    const client = new MemoryClient(driver.broker, 'looker')
    const now = driver.time.now()
    const patience = { scheduler: driver.time, patienceMs: 20_000 }
    const more = { app: 'test', effects: this.#effects, stages, since, now, log, ...patience }
    return planReplay({ topology, client, codec, ...more }, ledger)
  }

  async #tickAt(t: Instant): Promise<void> {
    await this.driver.advance(t - this.driver.time.now())
    await this.driver.tick(t - 1000)
  }
}

export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await settle()
}
