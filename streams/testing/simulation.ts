import type { Fate, Fault } from '../memory/client.ts'
import { Driver, type DrivenProcess, type DriverSetup } from './driver.ts'
import { seeded, settle } from './virtual-time.ts'

export interface SimulationSetup {
  readonly seed: number
  readonly setup: DriverSetup
  /** What the world does, by virtual time in ms since the start. */
  readonly script: readonly { readonly t: number; readonly act: (driver: Driver) => Promise<void> }[]
  readonly tickMs: number
  /** Chance of a fault per request. */
  readonly faultRate: number
  /** Chance of a crash, a freeze, a stop or a start per step. */
  readonly chaosRate: number
}

/** How often what happened: a simulation in which nothing went wrong proves little. */
export interface Happened {
  crashes: number
  freezes: number
  stops: number
  faults: number
  fenced: number
  steps: number
}

interface Instance {
  readonly process: DrivenProcess
  frozen: boolean
}

/**
 * Several instances on one broker in memory, moved by a seeded random choice at every hop between a client and the broker; requests
 * and replies get lost, instances crash, freeze past their session and wake as zombies, stop and start, while a script feeds
 * the entrances and the clock ticks. Then all heals and comes to rest. The same seed gives the same run.
 */
export class Simulation {
  readonly driver: Driver
  readonly happened: Happened = { crashes: 0, freezes: 0, stops: 0, faults: 0, fenced: 0, steps: 0 }
  readonly #setup: SimulationSetup
  readonly #random: () => number
  readonly #hops: (() => void)[] = []
  #instances: Instance[] = []
  #isHealed = false

  constructor(setup: SimulationSetup) {
    this.#setup = setup
    this.#random = seeded(setup.seed)
    this.driver = Driver.prepare({ ...setup.setup, seed: setup.seed + 1 })
  }

  async run(): Promise<void> {
    const { script, tickMs } = this.#setup
    const began = this.driver.time.now()
    let nextTick = began
    await this.#start()
    await this.#start()
    for (const { t, act } of script) {
      while (this.driver.time.now() < began + t) {
        await this.#step()
        if (this.driver.time.now() < nextTick) continue
        nextTick += tickMs
        await this.driver.tick(this.driver.time.now() - 100)
      }
      await act(this.driver)
    }
    await this.#heal()
    this.happened.fenced = this.driver.broker.fenced
  }

  async #step(): Promise<void> {
    this.happened.steps++
    if (this.#random() < this.#setup.chaosRate) await this.#chaos()
    if (this.#hops.length === 0 || this.#random() < 0.1) return this.driver.advance(1 + this.#pick(150))
    for (let i = 1 + this.#pick(4); i > 0 && this.#hops.length > 0; i--) {
      const [hop] = this.#hops.splice(this.#pick(this.#hops.length), 1)
      hop!()
    }
    await settle()
  }

  async #chaos(): Promise<void> {
    const victim = this.#instances[this.#pick(this.#instances.length)]
    const choice = this.#random()
    if (choice < 0.3 && victim) {
      this.happened.crashes++
      await this.#remove(victim).process.crash()
    } else if (choice < 0.6 && victim) {
      if (!victim.frozen) this.happened.freezes++
      victim.frozen ||= true
      victim.process.client.freeze()
      if (this.#random() < 0.7) victim.process.client.expire()
    } else if (choice < 0.7 && victim && !victim.frozen) {
      this.happened.stops++
      void this.#remove(victim).process.stop()
    } else if (choice < 0.85) {
      for (const each of this.#instances) this.#thaw(each)
    } else if (this.#instances.length < 3) await this.#start()
  }

  /** No more faults; whoever lives goes on until nothing is left to do. */
  async #heal(): Promise<void> {
    this.#isHealed = true
    for (const each of this.#instances) this.#thaw(each)
    if (this.#instances.length === 0) await this.#start()
    for (let i = 0; i < 20; i++) {
      for (let turn = 0; this.#hops.length > 0 && turn < 10_000; turn++) {
        for (const hop of this.#hops.splice(0)) hop()
        await settle()
      }
      if (i % 4 === 3) await this.driver.tick(this.driver.time.now() - 100)
      else await this.driver.advance(4_000)
    }
  }

  async #start(): Promise<void> {
    this.#instances.push({ process: await this.driver.process(this.#fate()), frozen: false })
  }
  #remove(instance: Instance): Instance {
    this.#instances = this.#instances.filter(each => each !== instance)
    return instance
  }
  #thaw(instance: Instance): void {
    instance.frozen = false
    instance.process.client.thaw()
  }
  #pick(below: number): number {
    return Math.floor(this.#random() * below)
  }
  #fate(): Fate {
    const faults: Record<'fence' | 'produce' | 'end', readonly Fault[]> = {
      fence: ['request lost', 'reply lost'],
      produce: ['refused', 'request lost', 'reply lost'],
      end: ['refused', 'request lost', 'reply lost', 'delayed'],
    }
    return {
      hop: () => new Promise(resolve => this.#hops.push(resolve)),
      fault: request => {
        if (this.#isHealed || this.#random() >= this.#setup.faultRate) return undefined
        this.happened.faults++
        return faults[request][this.#pick(faults[request].length)]
      },
    }
  }
}
