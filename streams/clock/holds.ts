import { schemaIdOf, UndecodableError, type Codec } from '../../schemas/codec.ts'
import { applyHold, isHeld, type Hold } from '../../topology/hold.ts'
import { Rejection } from '../../topology/model/step.ts'
import type { Instant } from '../../topology/model/time.ts'
import { control, type ClockTick } from '../../topology/streams.ts'
import type { LogClient, LogRecord } from '../log-client.ts'
import { readTo } from '../task/fenced-table.ts'
import type { Log } from '../log.ts'

const SAID_AGAIN_MS = 60_000
const ORDERS = { topic: control.topic, partition: 0 }

/** What operators say about time, read off `control` from its beginning; what is no such order is passed over, as fan-out parks it. */
export class Holds {
  readonly #codec: Codec
  readonly #log: Log
  #hold: Hold | undefined
  #said: Instant | undefined

  constructor(codec: Codec, log: Log) {
    this.#codec = codec
    this.#log = log
  }

  /**
   * Reads all orders that are there, and goes on reading until `signal` aborts. What ends the reading is given to `fail`: a clock that is
   * deaf to orders must not go on as if there were none.
   */
  async follow(client: LogClient, signal: AbortSignal, fail: (error: unknown) => void): Promise<void> {
    const [first, end] = await Promise.all([client.offsets([ORDERS], 'earliest'), client.offsets([ORDERS], 'latest')])
    const [from, until] = [[...first.values()][0]!, [...end.values()][0]!]
    const known: LogRecord[] = []
    await readTo(client, { ...ORDERS, offset: from }, until, record => void known.push(record), signal)
    for (const record of known) await this.#take(record)
    void this.#goOn(client, until, signal).catch(fail)
  }

  /** What a tick says of it. Whoever reads the tick decides by `heldUntil` and the broker's time; `hold` is what this clock thinks. */
  said(now: Instant): Pick<ClockTick, 'hold' | 'heldUntil'> {
    return { hold: this.#isHeld(now), ...(this.#hold && { heldUntil: this.#hold.until }) }
  }

  /** Whether time is withheld now. Says in the log when that begins and ends, and each minute that it lasts. */
  #isHeld(now: Instant): boolean {
    const hold = this.#hold
    if (isHeld(hold, now)) {
      if (this.#said === undefined || now >= this.#said + SAID_AGAIN_MS) {
        const facts = { code: 'time-held', reason: hold.reason, by: hold.by, since: hold.since, until: hold.until }
        this.#log.warn(facts, 'operators withhold time: nothing is fanned out, and no window closes by its deadline')
        this.#said = now
      }
      return true
    }
    if (this.#said !== undefined) this.#log.info({ code: 'time-goes-on' }, 'time is withheld no more')
    this.#said = undefined
    return false
  }

  async #goOn(client: LogClient, offset: bigint, signal: AbortSignal): Promise<void> {
    const tail = client.read({ ...ORDERS, offset }, 'committed')
    signal.addEventListener('abort', () => tail.close(), { once: true })
    for await (const { records } of tail) for (const record of records) await this.#take(record)
  }

  async #take({ value, timestamp }: LogRecord): Promise<void> {
    if (value === null) return
    try {
      if (!this.#codec.knows(value)) await this.#codec.prefetch([schemaIdOf(value)])
      this.#hold = applyHold(this.#hold, this.#codec.decode('control', value), timestamp)
    } catch (error) {
      if (error instanceof UndecodableError) return
      if (!(error instanceof Rejection)) throw error
      this.#log.warn({ code: error.code, reason: error.message, at: timestamp }, 'an order about time changes nothing')
    }
  }
}
