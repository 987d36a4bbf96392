import type { DetectorJob, TerminalState } from '../../schemas/avro/generated.ts'
import { ledgerKey, type Mark, type OutboxRow } from '../../sinks/publish/outbox.ts'
import { LONGEST_TRANSACTION_MS, type Pool } from '../../sinks/postgres/pool.ts'
import type { Event } from '../../topology/model/step.ts'
import { partitionFor } from '../../streams/partitioner.ts'
import type { Scheduler } from '../../streams/scheduler.ts'

/** What the ledger knows of a unit. */
interface Row {
  readonly attempt: number
  readonly decision: number
  readonly job: DetectorJob
  readonly ended: boolean
  /** A committed unit is never touched again. */
  readonly published: boolean
}
interface Told {
  readonly row: OutboxRow
  readonly shard: number
  state: 'pending' | 'sent'
  sentAt?: number
  /** From an ascending sequence, drawn when the transaction began: it is seen only when that commits. */
  readonly id: number
}

/** What a mutation may break. */
export interface LedgerRules {
  /** Whether a decision is newer than what the row says. */
  readonly isNews: (row: Pick<Row, 'attempt' | 'decision'> | undefined, job: DetectorJob) => boolean
  /** Which of a shard's rows a publisher is shown. */
  readonly readOutbox: (rows: readonly Told[], shard: number) => readonly Told[]
}
export const soundRules: LedgerRules = {
  isNews: (row, { attempt, number }) =>
    row === undefined || attempt > row.attempt || (attempt === row.attempt && number > row.decision),
  readOutbox: (rows, shard) => rows.filter(it => it.shard === shard && it.state === 'pending'),
}

/**
 * The database in memory: units, the worker that runs what is ready, and the outbox. Nothing is seen before its transaction commits, and
 * those overtake one another; the answer to a commit may be lost, whether it happened or not.
 */
export class Ledger {
  readonly #units = new Map<string, Row>()
  readonly #outbox: Told[] = []
  readonly #time: Scheduler
  readonly #shards: number
  readonly #rules: LedgerRules
  #sequence = 0

  constructor(time: Scheduler, shards: number, rules: LedgerRules) {
    this.#time = time
    this.#shards = shards
    this.#rules = rules
  }

  /** What dispatch asks for: applies the decision, in one transaction with the end of the unit where that is said. */
  async decide({ key, at }: Event, job: DetectorJob): Promise<void> {
    await this.#wait(300)
    const fate = this.#time.random()
    if (fate < 0.03) throw new Error('the database does not answer')
    this.#apply(key, at, job)
    await this.#wait(300)
    if (fate < 0.06) throw new Error('the connection was lost at COMMIT')
  }

  #apply(key: string, at: number, job: DetectorJob): void {
    const row = this.#units.get(key)
    if (row?.published || (row?.ended && row.attempt === job.attempt) || !this.#rules.isNews(row, job)) return
    const { attempt, number: decision, kind } = job
    const ended = kind === 'missed' || kind === 'cancelled' || kind === 'ignored'
    this.#units.set(key, { attempt, decision, job, ended, published: false })
    if (ended) this.#tell(key, at, job, kind)
    if (kind === 'ready') void this.#work(key, at, job)
  }
  /** A worker takes the unit, unless a newer decision has come meanwhile. */
  async #work(key: string, at: number, job: DetectorJob): Promise<void> {
    await this.#wait(6_000)
    const row = this.#units.get(key)!
    if (row.job !== job || row.ended) return
    const published = this.#time.random() < 0.8
    this.#units.set(key, { ...row, ended: true, published })
    this.#tell(key, at, job, published ? 'published' : 'failed')
  }

  #tell(unit: string, at: number, job: DetectorJob, terminal: TerminalState): void {
    const id = ++this.#sequence
    const told: Told = { id, row: outboxRow(unit, at, job, terminal, this.#time.now()), shard: 0, state: 'pending' }
    const commit = () => void this.#outbox.push({ ...told, shard: partitionFor(unit, this.#shards) })
    // Most commit at once; one that waits for a lock may take as long as the database lets any.
    const slow = this.#time.random() < 0.3
    this.#time.after(this.#time.random() * (slow ? LONGEST_TRANSACTION_MS : 500), commit)
  }
  async #wait(mostMs: number): Promise<void> {
    await new Promise<void>(resolve => this.#time.after(this.#time.random() * mostMs, resolve))
  }

  /** The statements of publish, known by their words. */
  get pool(): Pool {
    const query = async (text: string, values: readonly unknown[] = []): Promise<{ rows: unknown[] }> => {
      if (text.includes('clock_timestamp() as now')) return { rows: [{ now: this.#time.now() }] }
      if (text.startsWith('select * from outbox')) return { rows: this.#pending(values as [number, number]) }
      if (text.includes("state = 'sent', sent_at")) return { rows: this.#mark(values as [string, bigint]) }
      // No operator orders anything of alerts in these nights.
      if (text.includes('from alert_order_unit')) return { rows: [] }
      if (text.includes('from outbox join unnest')) return { rows: this.#marks(values as [string[], string[], number]) }
      throw new Error(`the ledger in memory does not know the statement: ${text}`)
    }
    return { query } as unknown as Pool
  }
  #pending([shard, limit]: [number, number]): OutboxRow[] {
    const rows = this.#rules.readOutbox(this.#outbox, shard).map(({ row }) => row)
    return rows.sort((a, b) => a.terminal_at - b.terminal_at || (a.unit < b.unit ? -1 : 1)).slice(0, limit)
  }
  #mark([unit, attempt]: [string, bigint]): never[] {
    for (const it of this.#outbox)
      if (it.row.unit === unit && it.row.attempt === attempt)
        Object.assign(it, { state: 'sent', sentAt: this.#time.now() })
    return []
  }
  #marks([units, attempts, keptMs]: [string[], string[], number]): { unit: string; attempt: bigint; mark: Mark }[] {
    const asked = new Set(units.map((unit, i) => `${unit}@${attempts[i]}`))
    return this.#outbox
      .filter(({ row }) => asked.has(ledgerKey(row)))
      .map(({ row: { unit, attempt }, sentAt = Infinity }) => ({
        ...{ unit, attempt },
        mark: sentAt === Infinity ? 'none' : sentAt < this.#time.now() - keptMs ? 'old' : 'fresh',
      }))
  }

  /** Whether all that was told has been taken. */
  get isQuiet(): boolean {
    return this.#outbox.every(({ state }) => state === 'sent')
  }
}

const outboxRow = (unit: string, at: number, job: DetectorJob, terminal: TerminalState, now: number): OutboxRow => ({
  ...{ unit, attempt: BigInt(job.attempt), terminal },
  ...{ instrument: job.announcement.instrument, group_id: job.announcement.group, detector: job.detector },
  ...{ completeness: job.inputs, reason: null, detail: null, visit: null, exposures: [], pipeline: null, products: [] },
  ...{ dia_sources: 0, dia_objects: 0, deadline: job.deadline, announced_at: job.announcedAt, last_raw_at: null },
  ...{ ready_at: terminal === 'published' ? at : null, leased_at: null, reported_at: null },
  ...{ terminal_at: now, committed_at_mjd_tai: null, committed_epoch: null, alerts_digest: null },
  ...{ observation_reason: null, target_name: null },
})
