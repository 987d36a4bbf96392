import type { AlertsLedger } from '../../schemas/avro/generated.ts'
import type { Instant } from '../../topology/model/time.ts'
import { marksAmong } from './outbox.ts'
import { isOfOrder, orderMarksAmong } from './orders.ts'
import { type Patience, quietly } from './patience.ts'
import type { Publisher, PublishTask } from './ports.ts'

/** How long an entry of alerts-ledger stays after its mark, by the database's clock. LSSTCam's 189 units each 37 s make some 3,000 of them. */
const KEPT_MS = 600_000
/** How often all entries are looked at: each is one probe of a primary key. */
const LOOK_EVERY_MS = 5_000
/** Units that one alarm names. */
const MOST_NAMED = 20
/** What alert rules may look for: the field `code` of the line in the log. */
export const FORGOT = 'database-forgot'

/** What one life of a shard remembers from round to round. */
export interface Memory {
  readonly stuck: Map<string, Patience>
  readonly kept: Kept
}

/**
 * The entries of one shard in alerts-ledger after their units were marked. They stay for a while: a database that fails over to a copy which
 * was behind forgets its last commits, marks and units alike, and a unit that is then committed anew must find that it was sent. An entry
 * without its row is the sign that this has happened, and is said as an error.
 */
export class Kept {
  readonly #publisher: Publisher
  readonly #task: PublishTask
  /** Entries whose mark this life has seen. */
  readonly #marked = new Set<string>()
  /** Entries without a row, which was said. */
  readonly #forgotten = new Set<string>()
  #lookedAt = -Infinity

  constructor(publisher: Publisher, task: PublishTask) {
    this.#publisher = publisher
    this.#task = task
  }

  /** Hears that the row of this entry has its mark. */
  marked(key: string): void {
    this.#marked.add(key)
    this.#forgotten.delete(key)
  }

  /**
   * Hears that a pending row had its entry, and which. Where only the mark was missing a process has died before it; where the row is of
   * another commit than what was sent, or had its mark, the database has forgotten. `stored` is what the row says now.
   */
  met(key: string, sent: AlertsLedger, stored: { readonly alerts: number; readonly committedAtMjdTai: number | null }) {
    const isSame = sent.committedAtMjdTai === (stored.committedAtMjdTai ?? 0)
    if (isSame && !this.#marked.has(key)) return
    const { alerts, committedAtMjdTai } = sent
    const facts = { units: [key], sent: { alerts, committedAtMjdTai }, stored }
    // Of an end without a commit no alerts were sent; those of the commit that there is now are sent with it.
    const isEqual = committedAtMjdTai === 0 || alerts === stored.alerts
    const differs = isEqual ? '' : ', and its sources are not as many as the alerts that were sent'
    this.#say(facts, `ended anew after it was told, and nothing is sent twice${differs}`)
    if (!this.#forgotten.has(key)) this.#publisher.onForgotten?.(1)
  }

  /** Looks at all entries every few seconds; gives those that have done their service. */
  async over(now: Instant): Promise<readonly string[]> {
    if (now - this.#lookedAt < LOOK_EVERY_MS) return []
    const keys = [...this.#task.rows.keys()]
    const { pool } = this.#publisher
    const marks = await quietly(this.#publisher, this.#task, async () => {
      const ofUnits = keys.filter(key => !isOfOrder(key))
      const units = await marksAmong(pool, ofUnits, KEPT_MS)
      return new Map([...units, ...(await orderMarksAmong(pool, keys.filter(isOfOrder), KEPT_MS))])
    })
    if (marks === undefined) return []
    this.#lookedAt = now
    this.#alarm(keys.filter(key => !marks.has(key) && !this.#forgotten.has(key)))
    for (const [key, mark] of marks) if (mark !== 'none') this.marked(key)
    const old = keys.filter(key => marks.get(key) === 'old')
    old.forEach(key => this.#marked.delete(key))
    return old
  }

  #alarm(gone: readonly string[]): void {
    if (gone.length === 0) return
    gone.forEach(key => this.#forgotten.add(key))
    const facts = { units: gone.slice(0, MOST_NAMED), count: gone.length }
    this.#say(facts, 'the database does not know what was told: it has forgotten commits')
    this.#publisher.onForgotten?.(gone.length)
  }
  #say(facts: object, sentence: string): void {
    this.#publisher.log.error({ code: FORGOT, shard: this.#task.index, ...facts }, sentence)
  }
}
