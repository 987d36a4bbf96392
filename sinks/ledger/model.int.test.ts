import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { unitKey } from '../../topology/identifiers.ts'
import { pipelineResult as stream } from '../../topology/streams.ts'
import { pipelineResult as report } from '../../topology/testing/sources.ts'
import { associate } from '../associate/associate.ts'
import { announcement, decision, event, jobEvent } from '../testing/builders.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { dispatch } from './dispatch.ts'
import { defaultRules, openLeases } from './leases.ts'
import { sweep } from './sweep.ts'

/**
 * The ledger against a tiny model: dispatch, workers, their reports, the sweeper and associate do what they like, in any order, each thing
 * any number of times. A failing run prints its seed and the shortest story.
 */
const rules = { ...defaultRules, backOffSeconds: 0, maxTries: 3 }
const WORKERS = ['a', 'b', 'c'] as const
const DETECTORS = [0, 1] as const

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase()
})
afterAll(() => db.drop())
beforeEach(async () => {
  await db.pool.query(`update ledger_pulse set beat = now(), live_since = now() - interval '1 day'`)
})

type Move =
  | { readonly what: 'decide'; readonly detector: number; readonly attempt: number; readonly number: number }
  | { readonly what: 'lease'; readonly worker: string }
  | { readonly what: 'heartbeat' | 'release' | 'handBack' | 'reported' | 'lapse'; readonly held: number }
  | { readonly what: 'land'; readonly held: number; readonly isFailure: boolean }
  | { readonly what: 'sweep' }
  | { readonly what: 'publish' }

/** The numbered decisions of one attempt: each number says one thing, as a window does. Attempt 2 ends without raws. */
const kinds = {
  0: { 1: 'announced', 2: 'withdrawn', 3: 'ready' },
  1: { 1: 'announced', 2: 'ready', 3: 'ready' },
  2: { 1: 'announced', 2: 'withdrawn', 3: 'missed' },
} as const

const held = fc.nat({ max: 20 })
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ what: fc.constant('decide' as const), detector: fc.constantFrom(...DETECTORS) },
      ...{ attempt: fc.nat({ max: 2 }), number: fc.integer({ min: 1, max: 3 }) },
    }),
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('lease' as const), worker: fc.constantFrom(...WORKERS) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constantFrom(
        'heartbeat' as const,
        'release' as const,
        'handBack' as const,
        'reported' as const,
        'lapse' as const,
      ),
      held,
    }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('land' as const), held, isFailure: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('sweep' as const) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('publish' as const) }) },
)

/** A lease that somebody was given once, be it his still or not. */
interface Held {
  readonly unit: string
  readonly detector: number
  readonly attempt: number
  readonly epoch: number
  readonly worker: string
}

interface Row {
  readonly key: string
  readonly attempt: bigint
  readonly decision: number
  readonly inputs: string
  readonly work: string
  readonly epoch: number
  readonly tries: number
  readonly terminal_at: number | null
  readonly endings: number
  readonly whole: string
}
const rowsNow = async (): Promise<Map<string, Row>> => {
  const { rows } = await db.pool.query<Row>(
    `select key, attempt, decision, inputs, work, epoch, tries, terminal_at,
       (select count(*)::int from outbox o where o.unit = u.key and o.attempt = u.attempt) as endings,
       (to_jsonb(u) - 'protected_from' - 'work' - 'published_at')::text as whole
     from unit u`,
  )
  return new Map(rows.map(row => [row.key, row]))
}

const terminalWork = new Set(['committed', 'published', 'failed', 'expired', 'deferred'])
const isTerminal = (row: Row) => terminalWork.has(row.work) || ['missed', 'cancelled', 'ignored'].includes(row.inputs)
const isDone = (row: Row | undefined) => row?.work === 'committed' || row?.work === 'published'

/** What must hold between two looks at the ledger, whatever happened between them. */
function check(before: Map<string, Row>, now: Map<string, Row>): void {
  for (const [key, row] of now) {
    expect(row.endings, `${key} is ${row.work}/${row.inputs}: outbox rows of its attempt`).toBe(isTerminal(row) ? 1 : 0)
    expect(row.terminal_at !== null, `${key}: terminal_at`).toBe(isTerminal(row))
    expect(row.tries, `${key}: tries`).toBeGreaterThanOrEqual(0)
    expect(row.tries, `${key}: tries`).toBeLessThanOrEqual(rules.maxTries)
    const was = before.get(key)
    if (was === undefined) continue
    expect(row.epoch, `${key}: its epoch`).toBeGreaterThanOrEqual(was.epoch)
    const [then, later] = [was, row].map(it => Number(it.attempt) * 100 + it.decision)
    expect(later, `${key}: attempt and decision`).toBeGreaterThanOrEqual(then!)
    if (isDone(was)) expect(row.whole, `${key} is committed and may not change`).toBe(was.whole)
    if (isTerminal(was) && row.attempt === was.attempt)
      expect(isTerminal(row), `${key}: an ended attempt stays ended`).toBe(true)
  }
}

/** Leases as the model knows them: who may believe that the unit is his. */
class Story {
  readonly held: Held[] = []
  readonly #leases = openLeases(db.pool, rules)

  async do(it: Move): Promise<void> {
    if (it.what === 'decide') return this.#decide(it)
    if (it.what === 'lease') return this.#lease(it.worker)
    if (it.what === 'sweep') return void (await sweep(db.pool, rules))
    if (it.what === 'publish')
      return void (await db.pool
        .query(`with told as (update outbox set state = 'sent' where terminal = 'published' returning unit)
        update unit set work = 'published', published_at = now() from told where key = told.unit and work = 'committed'`))
    const holder = this.held[it.held % Math.max(this.held.length, 1)]
    if (holder === undefined) return
    const { unit, epoch } = holder
    const row = (await rowsNow()).get(unit)!
    const isHis = row.work === 'leased' && row.epoch === epoch
    if (it.what === 'land') return this.#land(holder, it.isFailure)
    if (it.what === 'lapse') return void (await db.pool.query(`update unit set lease_until = now() - interval '1 s' where key = $1 and lease_until is not null`, [unit])) // prettier-ignore
    const why = { reason: 'interrupted', detail: 'x' }
    const answer = await (it.what === 'release'
      ? this.#leases.release(unit, epoch, why)
      : this.#leases[it.what](unit, epoch))
    expect(answer, `${it.what} of ${unit} under lease ${epoch}`).toBe(isHis)
  }

  async #decide({ detector, attempt, number }: { detector: number; attempt: number; number: number }): Promise<void> {
    const kind = kinds[attempt as 0 | 1 | 2][number as 1 | 2 | 3]
    await dispatch(db.pool)(
      jobEvent(decision(detector, { kind, number, attempt, reason: kind === 'missed' ? 'none' : null })),
    )
  }

  async #lease(worker: string): Promise<void> {
    const before = await rowsNow()
    const lease = await this.#leases.lease({ id: worker })
    const free = [...before.values()].filter(
      row => row.inputs === 'ready' && row.work === 'idle' && row.tries < rules.maxTries,
    )
    expect(lease === undefined, 'a ready unit is given to whoever asks, and nothing else').toBe(free.length === 0)
    if (lease === undefined) return
    const { unit, detector, attempt, epoch } = lease
    expect(free.map(({ key }) => key)).toContain(unit)
    expect(epoch, `${unit}: every lease raises the epoch`).toBe(before.get(unit)!.epoch + 1)
    this.held.push({ unit, detector, attempt, epoch, worker })
  }

  /** The first success of the current attempt commits, whosever it is; a failure counts for the current lease alone. */
  async #land({ unit, detector, attempt, epoch, worker }: Held, isFailure: boolean): Promise<void> {
    const row = (await rowsNow()).get(unit)!
    const isCurrent = Number(row.attempt) === attempt && row.terminal_at === null
    const holds = row.epoch === epoch && (row.work === 'leased' || row.work === 'reported')
    const result = report([], {
      detector,
      attempt,
      epoch,
      worker,
      ...(isFailure && { outcome: 'failed', reason: 'x' }),
    })
    let landed: string | undefined
    await associate(
      db.pool,
      (_, landing) => (landed = landing),
    )(event(stream, unitKey('LATISS', announcement.group, detector), result)).catch((error: Error) =>
      expect(error.name, error.message).toBe('Rejection'),
    )
    const counts = isCurrent && (!isFailure || holds) && row.inputs === 'ready'
    if (counts) expect(landed).toBe(isFailure ? 'failed' : 'committed')
    else expect(landed).not.toBe('committed')
  }
}

it('one after the other: every answer is the model’s, every state lawful', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 10, maxLength: 50 }), async moves => {
      await db.pool.query('truncate unit cascade')
      const story = new Story()
      let before = await rowsNow()
      for (const it of moves) {
        await story.do(it)
        const now = await rowsNow()
        check(before, now)
        before = now
      }
    }),
    { numRuns: 60, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: false },
  )
}, 60_000)

it('at once: three workers, two dispatchers and two sweepers leave every unit leased to one, ended once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 30, maxLength: 60 }), async moves => {
      await db.pool.query('truncate unit cascade')
      const leases = openLeases(db.pool, rules)
      const given: string[] = []
      let before = await rowsNow()
      for (let i = 0; i < moves.length; i += 10) {
        const atOnce = moves.slice(i, i + 10).map(async it => {
          if (it.what === 'decide') {
            const { detector, attempt, number } = it
            const kind = kinds[attempt as 0 | 1 | 2][number as 1 | 2 | 3]
            return dispatch(db.pool)(jobEvent(decision(detector, { kind, number, attempt })))
          }
          if (it.what === 'sweep') return sweep(db.pool, rules)
          const lease = await leases.lease({ id: 'w' })
          if (lease === undefined) return
          const { unit, epoch, detector, attempt } = lease
          given.push(`${unit} ${epoch}`)
          if (it.what === 'release') return leases.release(unit, epoch, { reason: 'x', detail: 'y' })
          if (it.what === 'handBack') return leases.handBack(unit, epoch)
          if (it.what !== 'land') return
          const result = report([], {
            detector,
            attempt,
            epoch,
            worker: 'w',
            ...(it.isFailure && { outcome: 'failed' }),
          })
          const key = unitKey('LATISS', announcement.group, detector)
          return Promise.all([1, 2].map(() => associate(db.pool)(event(stream, key, result))))
        })
        await Promise.all(atOnce)
        const now = await rowsNow()
        check(before, now)
        before = now
      }
      expect(new Set(given).size, 'no unit is leased twice under one epoch').toBe(given.length)
    }),
    { numRuns: 30, interruptAfterTimeLimit: 30_000, markInterruptAsFailure: false },
  )
}, 60_000)
