import type { DetectorJob } from '../../../schemas/avro/generated.ts'
import type { UnitStanding } from '../../../sinks/ledger/replays.ts'
import type { Effect } from '../../../streams/task/effects.ts'
import type { Event } from '../../../topology/model/step.ts'
import type { Instant } from '../../../topology/model/time.ts'
import type { Ledger } from '../plan.ts'

type Ended = 'published' | 'failed' | 'deferred'
interface Row extends UnitStanding {
  readonly announcedAt: Instant
  readonly exposures: readonly string[]
  /** The latest replay that met it committed. */
  readonly protectedFrom: number
}
export interface Committed {
  readonly attempt: number
  readonly exposures: readonly string[]
}

const isCommitted = ({ state }: UnitStanding): boolean => state === 'published'

/** The ledger's rules in memory, in a few lines of their own: what dispatch writes, and how workers end what is ready. */
export class ModelLedger implements Ledger {
  readonly rows = new Map<string, Row>()
  /** Everything that was ever committed, by unit. More than one is a disaster. */
  readonly committed = new Map<string, Committed[]>()

  readonly dispatch: Effect = async event => {
    this.#apply((event as Event<DetectorJob>).key, (event as Event<DetectorJob>).value)
    return { out: [] }
  }

  /** Ends all that is ready. */
  work(end: (unit: string, attempt: number) => Ended): void {
    for (const row of this.rows.values()) {
      if (row.state !== 'ready') continue
      const state = end(row.unit, row.attempt)
      this.rows.set(row.unit, { ...row, state, hasEnded: true })
      if (state !== 'published') continue
      const { attempt, exposures } = row
      this.committed.set(row.unit, [...(this.committed.get(row.unit) ?? []), { attempt, exposures }])
    }
  }

  async standingsOf(units: readonly string[]) {
    return new Map(units.flatMap(unit => (this.rows.has(unit) ? [[unit, this.rows.get(unit)!] as const] : [])))
  }
  async notCommittedSince(since: Instant) {
    return [...this.rows.values()].filter(row => row.announcedAt >= since && !isCommitted(row))
  }

  #apply(unit: string, { attempt, number, kind, raws, announcedAt }: DetectorJob): void {
    const row = this.rows.get(unit)
    if (row && isCommitted(row)) {
      this.rows.set(unit, { ...row, protectedFrom: Math.max(row.protectedFrom, attempt) })
      return
    }
    const isNews = !row || attempt > row.attempt || (attempt === row.attempt && number > row.decision && !row.hasEnded)
    if (!isNews) return
    const state = kind === 'withdrawn' ? 'announced' : kind
    const hasEnded = ['missed', 'cancelled', 'ignored'].includes(state)
    const exposures = raws.map(({ raw }) => String(raw.exposure))
    const since = row?.announcedAt ?? announcedAt ?? 0
    this.rows.set(unit, {
      ...{ unit, attempt, decision: number, state, hasEnded, exposures, announcedAt: since },
      protectedFrom: row?.protectedFrom ?? 0,
    })
  }
}
