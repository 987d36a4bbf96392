import { describe, expect, it } from 'vitest'
import type { Instant } from '../../topology/model/time.ts'
import { NIGHT } from '../../topology/testing/announcements.ts'
import { adverseNight, NIGHT_S, type Deed } from '../../streams/testing/adverse-night.ts'
import { seeded } from '../../streams/testing/virtual-time.ts'
import type { PlannedUnit, ReplayPlan } from './plan.ts'
import { ReplayedNight, turns } from './testing/replayed-night.ts'

const HOUR = 3_600_000
/** The night after begins so much later: when the first has just ended. */
const LATER_MS = 340_000
const CHOICES = [
  ['exposure-window'],
  ['fan-out'],
  ['raw-intake'],
  ['fan-out', 'raw-intake'],
  ['fan-out', 'raw-intake', 'exposure-window'],
] as const

/** Of live units some fail and some are deferred; by unit and attempt, so that it does not depend on the order of work. */
const outcome = (seed: number) => (unit: string, attempt: number) => {
  const chance = seeded([...unit].reduce((hash, c) => Math.imul(hash, 31) + c.charCodeAt(0), seed + attempt))()
  return chance < 0.2 ? 'failed' : chance < 0.4 ? 'deferred' : 'published'
}
const always = () => 'published' as const

/** The night without notifications from `from` to `until`: they are lost for ever. */
const withOutage = (deeds: readonly Deed[], from: Instant, until: Instant) =>
  deeds.filter(({ kind, t }) => kind !== 'notify' || t < from || t > until)

/** Plays a night in which the store did not notify for a minute and could not list, ends what is ready, and stops. */
async function outage(seed: number, maxBatch?: number): Promise<ReplayedNight> {
  const night = new ReplayedNight(maxBatch)
  await night.start()
  await night.play(withOutage(adverseNight(seed), NIGHT + 20_000, NIGHT + 80_000))
  await night.rest((NIGHT_S * 1000) / 2)
  await night.rest()
  night.ledger.work(outcome(seed))
  return night
}

/** What became of each unit that the plan names, in its words; and what else changed. */
function become(night: ReplayedNight, before: ReadonlyMap<string, object>, plan: ReplayPlan) {
  const planned = new Map(plan.units.map(each => [each.unit, each]))
  const fates = plan.units.map(({ unit, before: was }): PlannedUnit => {
    const { state, attempt, protectedFrom } = night.ledger.rows.get(unit)!
    if (was === 'published')
      return { unit, before: was, then: protectedFrom > 0 && attempt === 0 ? 'untouched' : 'runs' }
    return {
      unit,
      before: was,
      then: attempt === 0 ? 'untouched' : state === 'published' ? 'runs' : (state as 'missed'),
    }
  })
  const others = [...night.ledger.rows].filter(([unit, row]) => !planned.has(unit) && before.get(unit) !== row)
  return { fates, others: others.map(([unit]) => unit) }
}
const twice = ({ ledger }: ReplayedNight) => [...ledger.committed].filter(([, commits]) => commits.length > 1)
const wrong = ({ driver }: ReplayedNight) => [
  ...driver.fatal.map(String),
  ...driver.parked().map(({ reason }) => reason),
]

describe('an outage that is replayed', () => {
  it.each(CHOICES.map(stages => ({ stages, names: stages.join(', ') })))(
    'from $names does exactly what was planned, and leaves what is committed as it is',
    async ({ stages }) => {
      const seen = new Set<string>()
      for (let seed = 1; seed <= 2; seed++) {
        const night = await outage(seed)
        await night.stop()
        night.isBlind = false
        // From the start, and from somewhere in the middle.
        const since = seed % 2 ? NIGHT - 60_000 : NIGHT + 40_000
        const plan = await night.plan(stages, since)
        const before = new Map(night.ledger.rows)
        for (const stage of stages) night.driver.reset(stage, since)
        await night.start()
        await night.rest()
        await night.rest()
        night.ledger.work(always)
        expect({ seed, ...become(night, before, plan) }).toEqual({ seed, fates: plan.units, others: [] })
        expect({ seed, twice: twice(night), wrong: wrong(night) }).toEqual({ seed, twice: [], wrong: [] })
        const open = [...night.ledger.rows.values()].filter(
          row => row.state !== 'published' && row.announcedAt >= since,
        )
        const left = open.filter(({ unit }) => !plan.units.some(each => each.unit === unit)).map(({ unit }) => unit)
        expect(left.sort()).toEqual(plan.unreached.map(({ unit }) => unit).sort())
        for (const { before: was, then } of plan.units) seen.add(`${was} ${then}`)
      }
      for (const kind of ['missed runs', 'failed runs', 'deferred runs', 'published untouched'])
        if (stages.length !== 1 || stages[0] !== 'raw-intake' || kind !== 'missed runs')
          expect([...seen]).toContain(kind)
    },
  )

  it('of units whose memory is gone', async () => {
    for (const stages of CHOICES) {
      const night = await outage(7)
      await night.rest(60 * HOUR)
      await night.rest(60 * HOUR)
      await night.stop()
      night.isBlind = false
      const plan = await night.plan(stages, NIGHT - 60_000)
      const before = new Map(night.ledger.rows)
      for (const stage of stages) night.driver.reset(stage, NIGHT - 60_000)
      await night.start()
      await night.rest()
      await night.rest()
      night.ledger.work(always)
      expect({ stages, ...become(night, before, plan) }).toEqual({ stages, fates: plan.units, others: [] })
      expect(twice(night)).toEqual([])
      // Notifications alone say nothing of a unit that nobody remembers.
      const runs = plan.units.filter(({ then }) => then === 'runs').length
      expect(runs > 0).toBe(stages.length > 1 || stages[0] !== 'raw-intake')
    }
  })
})

it('is done once by whoever is killed in the middle of it, again and again', async () => {
  for (const seed of [3, 4]) {
    const night = await outage(seed, 3)
    await night.stop()
    night.isBlind = false
    const stages = CHOICES[4]
    const plan = await night.plan(stages, NIGHT - 60_000)
    const before = new Map(night.ledger.rows)
    for (const stage of stages) night.driver.reset(stage, NIGHT - 60_000)
    const random = seeded(seed)
    for (let i = 0; i < 25; i++) {
      await night.start()
      await turns(Math.floor(random() * 40))
      await night.crash()
    }
    await night.start()
    for (let i = 0; i < 4; i++) await night.rest()
    night.ledger.work(always)
    expect({ seed, ...become(night, before, plan) }).toEqual({ seed, fates: plan.units, others: [] })
    expect({ twice: twice(night), wrong: wrong(night) }).toEqual({ twice: [], wrong: [] })
    const orders = night.driver.log.filter(({ sentence }) => sentence === 'an order to replay was taken')
    // As often as a task was killed before it had taken it for good, yet always under one id.
    const ids = new Map(
      orders.map(({ facts }) => facts as { task: string; replay: number }).map(it => [it.task, new Set<number>()]),
    )
    for (const { facts } of orders) ids.get((facts as { task: string }).task)!.add((facts as { replay: number }).replay)
    expect([...ids.values()].every(({ size }) => size === 1)).toBe(true)
  }
})

it('can be ordered again, for what failed in it', async () => {
  const night = await outage(5)
  for (const attempt of [1, 2, 3]) {
    await night.stop()
    night.isBlind = attempt === 1
    const plan = await night.plan(['exposure-window'], NIGHT - 60_000)
    const before = new Map(night.ledger.rows)
    night.driver.reset('exposure-window', NIGHT - 60_000)
    await night.start()
    await night.rest()
    await night.rest()
    night.ledger.work(outcome(attempt))
    const runs = plan.units.filter(({ then }) => then === 'runs')
    const moved = runs.filter(({ unit }) => night.ledger.rows.get(unit)!.attempt > (before.get(unit)?.attempt ?? 0))
    expect(moved).toEqual(runs)
    expect(runs.length).toBeGreaterThan(0)
  }
  expect({ twice: twice(night), wrong: wrong(night) }).toEqual({ twice: [], wrong: [] })
})

it('runs deferred units on the raws that were decided on before the downtime', async () => {
  for (const seed of [1, 2, 3]) {
    const night = await outage(seed)
    const deferred = [...night.ledger.rows.values()].filter(({ state }) => state === 'deferred')
    await night.stop()
    for (const stage of CHOICES[4]) night.driver.reset(stage, NIGHT - 60_000)
    await night.start()
    await night.rest()
    await night.rest()
    night.ledger.work(always)
    const commits = deferred.map(({ unit }) => night.ledger.committed.get(unit)!.map(({ exposures }) => exposures[0]))
    expect(commits).toEqual(deferred.map(({ exposures }) => [exposures[0]]))
  }
})

it('leaves the decisions of a night that goes on meanwhile as they would have been', async () => {
  const later = (deeds: readonly Deed[]) =>
    deeds.map(deed => {
      const t = deed.t + LATER_MS
      if (deed.kind === 'announce') {
        const { value } = deed
        return {
          ...deed,
          t,
          value: {
            ...value,
            groupId: `next-${value.groupId}`,
            private_sndStamp: value.private_sndStamp + LATER_MS / 1000,
          },
        }
      }
      if (deed.kind === 'cancel') return { ...deed, t, group: `next-${deed.group}` }
      if (deed.kind === 'put' && deed.header) {
        const header = deed.header as { GROUPID: string }
        return {
          ...deed,
          t,
          key: deed.key.replaceAll('20260224', '20260225'),
          header: { ...header, GROUPID: `next-${header.GROUPID}` },
        }
      }
      return 'key' in deed ? { ...deed, t, key: deed.key.replaceAll('20260224', '20260225') } : { ...deed, t }
    }) as Deed[]
  const decided = async (isReplayed: boolean) => {
    const night = await outage(2, 20)
    if (isReplayed) {
      await night.stop()
      for (const stage of CHOICES[4]) night.driver.reset(stage, NIGHT - 60_000)
      await night.start()
    }
    await night.play(later(adverseNight(9)))
    await night.rest(NIGHT_S * 500)
    await night.rest()
    expect(wrong(night)).toEqual([])
    const next = [...night.ledger.rows.values()].filter(({ unit }) => unit.includes('/next-'))
    return next
      .map(({ unit, attempt, state, exposures }) => ({ unit, attempt, state, exposures }))
      .sort((a, b) => (a.unit < b.unit ? -1 : 1))
  }
  const calm = await decided(false)
  expect(calm.length).toBeGreaterThan(30)
  expect(await decided(true)).toEqual(calm)
})
