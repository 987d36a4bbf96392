import { topicsOf } from '../../topology/derive.ts'
import type { Stream } from '../../topology/model/stream.ts'
import type { Instant } from '../../topology/model/time.ts'
import type { TopicPartition } from '../log-client.ts'
import type { Fate, Fault, Request } from '../memory/wire.ts'
import { Driver, type DrivenProcess, type DriverSetup } from './driver.ts'
import { seeded, settle } from './virtual-time.ts'

export interface SimulationSetup {
  readonly seed: number
  readonly setup: DriverSetup
  /** What the world does, by virtual time in ms since the start. */
  readonly script: readonly Deed[]
  readonly tickMs: number
  /** Streams whose ends the ticks tell: the entrances when not said. */
  readonly ticked?: readonly Stream[]
  /** Chance of a fault per request. */
  readonly faultRate: number
  /** Chance per step of a crash, a freeze, a stop or a start, of a round of the cleaner, or of a leader that moves. */
  readonly chaosRate: number
  /** How long the world goes on after the script, so that all that waits for time has had it. */
  readonly restMs: number
}

export interface Deed {
  readonly t: number
  readonly act: (driver: Driver, simulation: Simulation) => Promise<void>
}

/** How often what happened: a simulation in which nothing went wrong proves little. */
export interface Happened {
  crashes: number
  freezes: number
  stops: number
  /** Requests refused, lost, delayed or doubled; and of those the ones that happened while nobody was told. */
  faults: number
  lostReplies: number
  fences: number
  rebalances: number
  compactions: number
  leaderMoves: number
  /** Orders of an operator to read again. */
  replays: number
  steps: number
}

interface Instance {
  readonly process: DrivenProcess
  frozen: boolean
}

/** The coordinator aborts what is open for longer. */
const TRANSACTION_TIMEOUT_MS = 15_000
/** The clock's ε. */
const EPSILON_MS = 100

const unknown: readonly Fault[] = ['request lost', 'reply lost', 'delayed', 'doubled']
const faults: Readonly<Record<Request, readonly Fault[]>> = {
  ask: ['request lost'],
  fence: unknown,
  produce: ['refused', ...unknown],
  end: ['refused', ...unknown],
}

/**
 * Several instances on one broker in memory, moved by a seeded random choice at every hop between a client and the broker, and at every
 * work that a broker does after its answer; requests and replies get lost, late and doubled, instances crash, freeze past their
 * session and wake as zombies, stop and start, leaders move and the cleaner runs, while a script feeds the entrances and the clock
 * ticks. Then all heals and comes to rest. The same seed gives the same run.
 */
export class Simulation {
  readonly driver: Driver
  readonly happened: Happened = {
    ...{ crashes: 0, freezes: 0, stops: 0, faults: 0, lostReplies: 0, fences: 0, rebalances: 0 },
    ...{ compactions: 0, leaderMoves: 0, replays: 0, steps: 0 },
  }
  /** When an operator last ordered to read again, ms UTC. */
  orderedAt: Instant | undefined
  readonly #setup: SimulationSetup
  readonly #random: () => number
  readonly #hops: (() => void)[] = []
  readonly #partitions: readonly TopicPartition[]
  readonly #tables: readonly TopicPartition[]
  #instances: Instance[] = []
  #isHealed = false

  constructor(setup: SimulationSetup) {
    this.#setup = setup
    this.#random = seeded(setup.seed)
    const broker = { ...setup.setup.broker, later: (work: () => void) => void this.#hops.push(work) }
    this.driver = Driver.prepare({ ...setup.setup, seed: setup.seed + 1, broker })
    const topics = topicsOf(setup.setup.topology)
    const partitionsOf = (of: typeof topics) =>
      of.flatMap(({ topic, partitions }) =>
        Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
      )
    this.#partitions = partitionsOf(topics)
    this.#tables = partitionsOf(topics.filter(({ config }) => config['cleanup.policy'] === 'compact'))
  }

  async run(): Promise<void> {
    const { script, tickMs, restMs } = this.#setup
    const began = this.driver.time.now()
    let nextTick = began
    await this.#start()
    await this.#start()
    for (const { t, act } of script) {
      while (this.driver.time.now() < began + t) {
        await this.#step()
        if (this.driver.time.now() < nextTick) continue
        nextTick += tickMs
        await this.#tick()
      }
      await act(this.driver, this)
    }
    await this.#heal(restMs)
    const { fenced, rebalances } = this.driver.broker
    Object.assign(this.happened, { fences: fenced, rebalances })
  }

  async #tick(): Promise<void> {
    const now = this.driver.time.now()
    this.driver.broker.abortOpenSince(now - TRANSACTION_TIMEOUT_MS)
    await this.driver.tick(now - EPSILON_MS, false, this.#setup.ticked)
  }

  /** What an operator does who resets offsets: every process is gone before, and what the brokers had under way is done. */
  async order(reset: () => void): Promise<void> {
    this.happened.replays++
    this.orderedAt = this.driver.time.now()
    for (const each of this.#instances.splice(0)) await each.process.crash()
    await this.#drain()
    reset()
    await this.#start()
    await this.#start()
  }

  async #step(): Promise<void> {
    this.happened.steps++
    if (this.#random() < this.#setup.chaosRate) await this.#chaos()
    // Where nobody can go on without time, more of it passes at once.
    const isIdle = this.#hops.length === 0
    if (isIdle || this.#random() < 0.1) return this.driver.advance(1 + this.#pick(isIdle ? 800 : 150))
    for (let i = 1 + this.#pick(4); i > 0 && this.#hops.length > 0; i--) {
      const [hop] = this.#hops.splice(this.#pick(this.#hops.length), 1)
      hop!()
    }
    await settle()
  }

  async #chaos(): Promise<void> {
    const victim = this.#instances[this.#pick(this.#instances.length)]
    const choice = this.#random()
    if (choice < 0.2) this.#compact()
    else if (choice < 0.3) this.#moveLeader()
    else if (choice < 0.5 && victim) {
      this.happened.crashes++
      await this.#remove(victim).process.crash()
    } else if (choice < 0.7 && victim) {
      if (!victim.frozen) this.happened.freezes++
      victim.frozen ||= true
      victim.process.client.freeze()
      if (this.#random() < 0.7) victim.process.client.expire()
    } else if (choice < 0.77 && victim && !victim.frozen) {
      this.happened.stops++
      void this.#remove(victim).process.stop()
    } else if (choice < 0.88) {
      for (const each of this.#instances) this.#thaw(each)
    } else if (this.#instances.length < 3) await this.#start()
  }
  #compact(): void {
    this.happened.compactions++
    for (const table of this.#tables) if (this.#random() < 0.5) this.driver.broker.compact(table)
  }
  #moveLeader(): void {
    this.happened.leaderMoves++
    this.driver.broker.moveLeader(this.#partitions[this.#pick(this.#partitions.length)]!)
  }

  /** No more faults; whoever lives goes on until nothing is left to do. */
  async #heal(restMs: number): Promise<void> {
    this.#isHealed = true
    for (const each of this.#instances) this.#thaw(each)
    if (this.#instances.length === 0) await this.#start()
    const rests = 5
    for (let i = 0; i < 4 * rests; i++) {
      await this.#drain()
      if (i % 4 === 3) await this.#tick()
      else await this.driver.advance(Math.ceil(restMs / (3 * rests)))
    }
  }

  /** Lets all go on that waits for no time. */
  async #drain(): Promise<void> {
    for (let turn = 0; this.#hops.length > 0 && turn < 10_000; turn++) {
      for (const hop of this.#hops.splice(0)) hop()
      await settle()
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
    return {
      hop: () => new Promise(resolve => this.#hops.push(resolve)),
      fault: request => {
        if (this.#isHealed || this.#random() >= this.#setup.faultRate) return undefined
        const fault = faults[request][this.#pick(faults[request].length)]!
        this.happened.faults++
        if (fault === 'reply lost' || fault === 'doubled') this.happened.lostReplies++
        return fault
      },
      fetchSize: () => 1 + this.#pick(this.#isHealed ? 100 : 8),
    }
  }
}
