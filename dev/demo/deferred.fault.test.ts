import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, inject, it, vi } from 'vitest'
import type { DetectorResult } from '../../schemas/avro/generated.ts'
import { avroType } from '../../schemas/codec.ts'
import type { ReplayCount } from '../../sinks/ledger/replays.ts'
import { type UnitSummary, unitsSummary } from '../../sinks/ledger/summary.ts'
import { unitKey } from '../../topology/identifiers.ts'
import { detectorResult } from '../../topology/streams.ts'
import { applyPlan, list, showPlan } from '../../ops/replay/command.ts'
import type { ReplayPlan } from '../../ops/replay/plan.ts'
import { consumerGroups, printed, untilIdle } from '../../ops/testing/operator.ts'
import { type DeferredVisit, showUnits } from '../../ops/units.ts'
import { type NightPlan, planNight, startingAt } from '../night/plan.ts'
import { type RenderedNight, renderNight } from '../night/render.ts'
import { expectedUnits } from './account.ts'
import { fillRepository, observe } from './observe.ts'
import { unitOf } from './outside.ts'
import { type Findings, findingsOf } from './testing/findings.ts'
import { together } from './testing/kills.ts'
import { startWholeSystem, type WholeSystem } from './testing/whole-system.ts'

/**
 * One night undisturbed, and then with processes away for longer than its windows and the ledger's patience, while the observatory and the
 * clock go on: the sweeper defers by itself what it finds stale, and an operator has it done again. The same exposures each time, on a
 * system of its own each time, so that every id of one night must be an id of the other.
 */

const VISITS = 5
/** Visits whose raws are there before the processes go; nothing of them is deferred. */
const BEFORE = 2
const IMAGE_TIMEOUT_S = 8
const STALENESS_S = 10
/** The pause is what a busy machine may take from a raw to its unit. */
const times = { size: 256, lead: 4, exposure: 1, gap: 14 }
const planned = planNight({ seed: 2, instrument: 'LSSTComCam', visits: VISITS, ...times, start: Date.now() })
const overrides = (ledger: object) => ({
  ledger: { leaseSeconds: 8, ...ledger },
  decide: {
    imageTimeoutSeconds: IMAGE_TIMEOUT_S,
    instruments: { LSSTComCam: { off: {}, chip: { width: times.size, height: times.size } } },
  },
  worker: { heartbeatMs: 1500, rehearsals: 0 },
})
const never = new AbortController().signal
let rendered: RenderedNight

type Away = readonly ('steps' | 'effects')[]
type Means = "Kafka's tool" | 'pp replay apply'
const outages: readonly { readonly away: Away; readonly means: Means }[] = [
  { away: ['steps'], means: 'pp replay apply' },
  { away: ['effects'], means: "Kafka's tool" },
  { away: ['steps', 'effects'], means: "Kafka's tool" },
]

/** Plays on services of its own, under these rules of the ledger, and reads at the end what was found and told. */
async function onItsOwn<T>(
  ledger: object,
  play: (whole: WholeSystem, plan: NightPlan) => Promise<T>,
): Promise<T & Findings> {
  const whole = await startWholeSystem(inject('services').provider, overrides(ledger), {}, 2, { readyMs: 180_000 })
  let isWell = false
  try {
    await fillRepository(whole.system.config, planned, () => {}, never)
    const told = await play(whole, startingAt(planned, Date.now() + 3000))
    const findings = await findingsOf(whole)
    isWell = true
    return { ...told, ...findings }
  } finally {
    await whole.stop(!isWell)
  }
}

const playNight = ({ system, pool }: WholeSystem, plan: NightPlan, signal: AbortSignal) =>
  observe({ system, plan, rendered, pool, say: () => {}, signal, patienceSeconds: 240 })

/** What an outage came to before its replay, and after it. */
interface Outage {
  readonly plan: NightPlan
  readonly seconds: number
  readonly units: readonly UnitSummary[]
  readonly results: readonly DetectorResult[]
  /** The next day's list. */
  readonly nextDay: readonly DeferredVisit[]
  /** What the sweeper's own log counts. */
  readonly swept: Readonly<Record<'expired' | 'deferred', number>>
  /** Units that the plan of the replay says would run. */
  readonly wouldRun: readonly string[]
  readonly after: Pick<Outage, 'units' | 'results' | 'nextDay'> & {
    readonly counts: readonly ReplayCount[]
    readonly seconds: number
  }
}

async function suffer(whole: WholeSystem, plan: NightPlan, away: Away, means: Means): Promise<Outage> {
  const [, seconds] = await together(
    signal => playNight(whole, plan, signal),
    signal => takeAway(whole, plan, away, signal),
  )
  const before = await standing(whole)
  const swept = await sweptBy(whole)
  const from = new Date(plan.options.start).toISOString()
  const began = Date.now()
  const wouldRun = await replay(whole, from, means)
  const ran = Date.now()
  const counts = await printed(whole, (config, print) => list(config, { json: true }, print))
  const after = {
    ...(await standing(whole)),
    counts: JSON.parse(counts) as ReplayCount[],
    seconds: (ran - began) / 1000,
  }
  return { plan, seconds, ...before, swept, wouldRun, after }
}

/**
 * Kills them when the first visits' units are in hand, and starts them when those of the last could be started no more; gives the seconds. Those
 * that are only ready may go stale before a busy machine comes to them.
 */
async function takeAway({ system, pool }: WholeSystem, plan: NightPlan, away: Away, signal: AbortSignal) {
  const inTime = unitsOf(plan, 0, BEFORE)
  const isInHand = (it: UnitSummary) => it.leasedAt !== null && inTime.includes(it.unit)
  while ((await unitsSummary(pool)).filter(isInHand).length < inTime.length) await sleep(100, undefined, { signal })
  const stopped = Date.now()
  const next = plan.visits[BEFORE]!
  // The plan could not say otherwise what is found stale.
  if (stopped > next.exposures[0]!.putAt) throw new Error('too slow: there are raws already that were to come later')
  await Promise.all(away.map(name => system.kill(name)))
  const last = plan.visits.at(-1)!
  const staleAt = last.announceAt + 1000 * (2 * last.duration + IMAGE_TIMEOUT_S + STALENESS_S)
  await sleep(staleAt + 2000 - Date.now(), undefined, { signal })
  const started = Date.now()
  await Promise.all(away.map(name => system.restart(name)))
  return (started - stopped) / 1000
}

/** As docs/replay.md has it; resolves with the units that were to run, when all have. */
async function replay(whole: WholeSystem, from: string, means: Means): Promise<readonly string[]> {
  const { system, pool } = whole
  const what = { from, stages: 'exposure-window' }
  const text = await printed(whole, (config, print) => showPlan(config, { ...what, json: true }, print))
  const plan = JSON.parse(text) as ReplayPlan
  await system.kill('steps')
  await untilIdle(whole, 'pp.exposure-window')
  if (means === 'pp replay apply') {
    const order = { ...what, reason: 'the topology was away', by: 'ann' }
    await printed(whole, (config, print) => applyPlan(config, order, print))
  } else {
    const reset = ['--reset-offsets', '--all-topics', '--to-datetime', from.replace('Z', ''), '--execute']
    await consumerGroups(whole, '--group', 'pp.exposure-window', ...reset)
  }
  await system.restart('steps')
  const open = async () => (await unitsSummary(pool)).filter(({ terminal }) => terminal !== 'published')
  await vi.waitFor(async () => expect(await open()).toEqual([]), { timeout: 180_000, interval: 250 })
  return plan.units.filter(({ then }) => then === 'runs').map(({ unit }) => unit)
}

async function standing(whole: WholeSystem) {
  const records = (await whole.recordsOf(detectorResult.topic)).filter(({ value }) => value?.length)
  const nextDay = await printed(whole, (config, print) => showUnits(config, { json: true, deferred: true }, print))
  return {
    units: await unitsSummary(whole.pool),
    results: records.map(({ value }) => avroType('detector-result').decode(value!.subarray(5))),
    nextDay: nextDay.startsWith('[') ? (JSON.parse(nextDay) as DeferredVisit[]) : [],
  }
}

async function sweptBy({ system }: WholeSystem) {
  const lines = (await system.logOf('effects')).split('\n').filter(line => line.includes('"msg":"ledger swept"'))
  const sweeps = lines.map(line => JSON.parse(line) as Outage['swept'])
  const sum = (of: keyof Outage['swept']) => sweeps.reduce((total, sweep) => total + sweep[of], 0)
  return { expired: sum('expired'), deferred: sum('deferred') }
}

/** Units of the visits from `first` on and before `end`. */
const unitsOf = (plan: NightPlan, first: number, end: number): string[] =>
  expectedUnits({ ...plan, visits: plan.visits.slice(first, end) }).sort()

const endedAs = (results: readonly DetectorResult[], state: DetectorResult['state']) =>
  results
    .filter(it => it.state === state)
    .map(it => unitOf(it))
    .sort()

let calm: Findings
beforeAll(async () => {
  rendered = await renderNight(planned)
  calm = await onItsOwn({}, async (whole, plan) => {
    const { units } = await playNight(whole, plan, never)
    expect(units.map(({ terminal }) => terminal)).toEqual(expectedUnits(plan).map(() => 'published'))
  })
  console.log(`${calm.sources.length} DiaSources of the undisturbed night`)
}, 600_000)

const titled = outages.map(it => [it.away.join(' and '), it.means, it] as const)
describe.each(titled)(
  'with %s away for longer than a window and the staleness, and %s, the night',
  (who, means, { away }) => {
    let night: Outage & Findings
    let late: readonly string[]
    let early: readonly string[]
    beforeAll(async () => {
      night = await onItsOwn({ stalenessSeconds: STALENESS_S }, (whole, plan) => suffer(whole, plan, away, means))
      early = unitsOf(night.plan, 0, BEFORE)
      late = unitsOf(night.plan, BEFORE, VISITS)
      console.log(
        `${who} away for ${night.seconds.toFixed(0)} s: ${night.swept.deferred} units deferred; ` +
          `run again by ${means} within ${night.after.seconds.toFixed(0)} s`,
      )
    }, 900_000)

    it('defers what was first found ready when it was stale, and nothing else', () => {
      const deferred = night.units.filter(({ terminal }) => terminal === 'deferred')
      expect(late.length).toBeGreaterThan(0)
      expect(deferred.map(({ unit }) => unit).sort()).toEqual(late)
      for (const { unit, readyAt, deadline, reason, tries } of deferred) {
        expect(readyAt! - deadline, unit).toBeGreaterThan(1000 * STALENESS_S)
        expect({ unit, reason, tries }).toEqual({ unit, reason: 'found-stale', tries: 0 })
      }
    })

    it('counts them alike in the log of the sweeper, on detector-result and in the list of the next day', () => {
      expect(night.swept).toEqual({ expired: 0, deferred: late.length })
      expect(endedAs(night.results, 'deferred')).toEqual(late)
      expect(endedAs(night.results, 'published')).toEqual(early)
      expect(night.results).toHaveLength(late.length + early.length)
      const listed = night.nextDay.flatMap(({ instrument, group, detectors }) =>
        detectors.map(detector => unitKey(instrument, group, detector)),
      )
      expect(listed.sort()).toEqual(late)
    })

    it('runs them all in the replay, each once and as planned, and leaves the others as they are', () => {
      expect([...night.wouldRun].sort()).toEqual(late)
      const { units, results, nextDay, counts } = night.after
      // A task's replay bears the time that the task had come to, so that one order may bear several.
      const found = new Map<string, number>()
      for (const { state, units } of counts) found.set(state, (found.get(state) ?? 0) + units)
      expect(Object.fromEntries(found)).toEqual({ 'already committed': early.length, published: late.length })
      expect(endedAs(results, 'published')).toEqual([...early, ...late].sort())
      expect(results).toHaveLength(night.results.length + late.length)
      expect(nextDay).toEqual([])
      const untouched = (all: readonly UnitSummary[]) => all.filter(({ unit }) => early.includes(unit))
      expect(untouched(units)).toEqual(untouched(night.units))
    })

    it('has the DiaSources of the undisturbed one, each with one alert', () => {
      expect(night.sources.length).toBeGreaterThan(50)
      expect(night.sources).toEqual(calm.sources)
      expect(night.alerts).toEqual(calm.alerts)
      expect(night.alerts).toEqual(night.sources)
      expect(night.duplicates).toBe(0)
    })
  },
)
