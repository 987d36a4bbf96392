import { openPool, type Pool } from '../../sinks/postgres/pool.ts'
import { type Standby, startStandby } from '../services/processes/postgres-standby.ts'
import { openProxy, type Proxy, through } from './proxy.ts'

/** A standby of who leads, and the network between the two. */
export interface Follower {
  readonly network: Proxy
  /** Makes it who leads. Whoever led must be dead: nobody looks after that here. */
  lead(): Promise<void>
}

type Leader = Pick<Standby, 'url' | 'kill'>

/** Whoever answers as the database: one server at first, and after a failover another one. */
export class Databases {
  /** Finds who leads, whatever befalls the way of the system under test. */
  readonly pool: Pool
  #leader: Leader
  readonly #say: (line: string) => void
  readonly #stops: (() => Promise<unknown>)[] = []

  private constructor(first: Leader, eyes: number, say: (line: string) => void) {
    this.#leader = first
    this.#say = say
    this.pool = openPool(through(first.url, { port: eyes }), { name: 'faults', max: 2 })
    this.#stops.push(() => this.pool.end())
  }
  static async of(first: Leader, say: (line: string) => void): Promise<Databases> {
    const eyes = await openProxy(() => databases.port)
    const databases: Databases = new Databases(first, eyes.port, say)
    databases.#stops.push(() => eyes.close())
    return databases
  }

  /** Of who leads now. */
  get port(): number {
    return portOf(this.#leader.url)
  }
  /** SIGKILL for who leads; resolves when he is gone. */
  kill(): Promise<void> {
    return this.#leader.kill()
  }

  /** Makes a standby of who leads; resolves when it has all that he has. */
  async follow(mode: 'synchronous' | 'asynchronous'): Promise<Follower> {
    const { url } = this.#leader
    const network = await openProxy(() => portOf(url))
    this.#stops.push(() => network.close())
    const standby = await startStandby(url, network.port, mode, this.#say)
    this.#stops.push(() => standby.stop())
    const lead = async () => {
      await standby.promote()
      this.#leader = standby
    }
    return { network, lead }
  }
  async stop(): Promise<void> {
    for (const stop of this.#stops) await stop()
  }
}

const portOf = (url: string): number => Number(new URL(url).port)
