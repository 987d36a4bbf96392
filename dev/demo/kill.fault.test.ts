import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest'
import { avroType } from '../../schemas/codec.ts'
import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import { datasetsOf } from '../../sinks/repository/contents.ts'
import { topologyOf } from '../../streams/main/world.ts'
import { topicsOf } from '../../topology/derive.ts'
import { parseDiaSourceId, parseExposureId } from '../../topology/identifiers.ts'
import {
  alerts,
  detectorLatency,
  detectorOutcome,
  parked,
  repositoryIngested,
  visitSummary,
} from '../../topology/streams.ts'
import { type NightPlan, planNight, startingAt } from '../night/plan.ts'
import type { RenderedNight } from '../night/render.ts'
import { expectedUnits } from './account.ts'
import { compareWithApdb } from './compare.ts'
import { observe, prepare } from './observe.ts'
import { readAlerts } from './read-back.ts'
import { type Kill, killHolding, together } from './testing/kills.ts'
import { startWholeSystem, type WholeSystem } from './testing/whole-system.ts'

/**
 * One night twice: undisturbed, and with every process of the topology killed while it holds work. The same pixels under other exposure
 * numbers, so all of both nights can be told apart, and compared by the visit's place in its night.
 */

const VISITS = 8
const options = { seed: 3, instrument: 'LATISS', visits: VISITS, size: 512, lead: 5, exposure: 1 } as const
const calm = { ...options, gap: 2, firstSequence: 1 }
const rough = { ...options, gap: 6, firstSequence: 101 }
const overrides = {
  // A dead worker's unit is free again after its lease; shorter, so that a test need not wait for the default.
  ledger: { leaseSeconds: 8 },
  worker: { heartbeatMs: 1500, rehearsals: 0 },
}

const never = new AbortController().signal
let whole: WholeSystem
let nights: readonly { readonly plan: NightPlan; readonly units: readonly UnitSummary[] }[]
const kills: (Omit<Kill, 'recovered'> & { readonly seconds: number })[] = []
/** Until the nights are over, and after a test that failed. */
let keepLogs = true

beforeAll(async () => {
  // One worker: which of two takes the next unit is chance, and each must be seen at work again.
  whole = await startWholeSystem(inject('services').provider, overrides, { PP_LOG_LEVEL: 'debug' }, 1)
  const planned = planNight({ ...calm, start: Date.now() })
  const rendered = await prepare(whole.system.config, planned, () => {}, never)
  const undisturbed = await play(startingAt(planned, Date.now() + 3000), rendered, [], never)
  const plan = planNight({ ...rough, start: Date.now() + 3000 })
  const [disturbed] = await together(
    signal => play(plan, rendered, expectedUnits(undisturbed.plan), signal),
    signal => killEach(signal),
  )
  nights = [undisturbed, disturbed]
  keepLogs = false
}, 400_000)
afterEach(({ task }) => void (keepLogs ||= task.result?.state === 'fail'))
afterAll(() => whole.stop(keepLogs), 60_000)

/** Waits for the end of the night's units and of those `before`; gives the night's alone. */
async function play(plan: NightPlan, rendered: RenderedNight, before: readonly string[], signal: AbortSignal) {
  const { system, pool } = whole
  const expected = [...before, ...expectedUnits(plan)]
  const { units } = await observe({ system, plan, rendered, pool, say: () => {}, signal, expected })
  const groups = new Set(plan.visits.map(({ group }) => group))
  return { plan, units: units.filter(({ group }) => groups.has(group)) }
}

/** One after the other. The clock ticks always, so it comes last; the steps have nothing to say once every raw has come. */
async function killEach(signal: AbortSignal): Promise<void> {
  const open: Kill[] = []
  for (const name of ['worker-1', 'steps', 'effects', 'publish', 'clock'] as const)
    open.push(await killHolding(whole.system, name, signal))
  for (const { recovered, ...kill } of open) kills.push({ ...kill, seconds: await recovered })
}

it('killed every process while it held work, and each took such work up again', () => {
  const lines = kills.map(
    ({ name, held, missed, seconds }) =>
      `${name} killed holding ${held}, at work again after ${seconds.toFixed(1)} s` +
      (missed > 0 ? ` (${missed} kills before it came too late)` : ''),
  )
  console.log(lines.join('\n'))
  expect(kills.map(({ name }) => name).sort()).toEqual([...whole.system.processes].sort())
})

it('ended every unit as in the undisturbed night', () => {
  const [undisturbed, disturbed] = nights.map(endsByPlace)
  expect(undisturbed).toHaveLength(VISITS)
  expect(undisturbed!.every(end => end.endsWith('published'))).toBe(true)
  expect(disturbed).toEqual(undisturbed)
})

it('wrote the same DiaSources, told apart by visit, detector and counter', async () => {
  const { rows } = await whole.pool.query<{ id: bigint }>('select "diaSourceId" as id from "DiaSource"')
  const places = rows.map(({ id }) => {
    const { visit, detector, counter } = parseDiaSourceId(id)
    const { sequence } = parseExposureId(visit)
    const night = sequence < rough.firstSequence ? calm : rough
    return { night, place: `${sequence - night.firstSequence}/${detector}/${counter}` }
  })
  const of = (wanted: typeof calm) => places.flatMap(({ night, place }) => (night === wanted ? [place] : [])).sort()
  expect(of(calm).length).toBeGreaterThan(VISITS)
  expect(of(rough)).toEqual(of(calm))
})

it('sent each alert exactly once, equal to the rows of the APDB', async () => {
  const units = nights.flatMap(night => night.units)
  const expected = units.reduce((sum, { diaSources }) => sum + diaSources, 0)
  const read = await readAlerts(whole.services, { expected })
  expect(read.duplicates).toBe(0)
  expect(await whole.recordsOf(alerts.topic)).toHaveLength(expected)
  const comparison = await compareWithApdb(whole.pool, read.alerts)
  expect(comparison).toMatchObject({ missingInApdb: 0, missingAlerts: 0, differences: [] })
})

it('summed each visit up once, as complete, and parked nothing', async () => {
  const summaries = (await whole.recordsOf(visitSummary.topic)).map(({ value }) =>
    avroType('visit-summary').decode(value!.subarray(5)),
  )
  const told = summaries.map(({ group, number, kind }) => `${group} ${number} ${kind}`)
  const groups = nights.flatMap(({ plan }) => plan.visits.map(({ group }) => group))
  expect(told.sort()).toEqual(groups.map(group => `${group} 1 complete`).sort())
  expect(await whole.recordsOf(parked.topic)).toEqual([])
})

it('registered each product, and told and measured each unit, exactly once', async () => {
  const units = nights.flatMap(night => night.units.map(({ unit }) => unit)).sort()
  const told = async (topic: string) => (await whole.recordsOf(topic)).map(({ key }) => String(key)).sort()
  for (const { topic } of [repositoryIngested, detectorOutcome, detectorLatency])
    await expect.poll(() => told(topic), { timeout: 10_000 }).toEqual(units)
  const { rows } = await whole.pool.query<{ key: string }>(
    `select product ->> 'key' as key from outbox, jsonb_array_elements(products) product`,
  )
  const registered = (await datasetsOf(whole.pool)).map(({ key }) => key)
  expect(registered.sort()).toEqual(rows.map(({ key }) => key).sort())
})

it('left no transaction open: committed records reach the end of every topic', async () => {
  const topics = topicsOf(topologyOf(whole.system.config)).map(({ topic }) => topic)
  const read = await Promise.all(topics.map(whole.recordsOf))
  expect(read.flat().length).toBeGreaterThan(0)
})

const endsByPlace = ({ plan, units }: (typeof nights)[number]): string[] =>
  units
    .map(({ group, detector, terminal }) => {
      const { index } = plan.visits.find(visit => visit.group === group)!
      return `${index}/${detector} ${terminal}`
    })
    .sort()
