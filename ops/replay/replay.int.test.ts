import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest'
import type { PipelineResult } from '../../schemas/avro/generated.ts'
import { avroType } from '../../schemas/codec.ts'
import { associate } from '../../sinks/associate/associate.ts'
import { openLeases } from '../../sinks/ledger/leases.ts'
import { replayCounts } from '../../sinks/ledger/replays.ts'
import { unitsSummary } from '../../sinks/ledger/summary.ts'
import type { ObjectStore } from '../../sinks/objects/s3.ts'
import { event } from '../../sinks/testing/builders.ts'
import { openStore } from '../../streams/main/world.ts'
import { dayObsOf, diaSourceId, exposureId } from '../../topology/identifiers.ts'
import { buildRawKey, sidecarKey } from '../../topology/raw-key.ts'
import { audit, pipelineResult as reports } from '../../topology/streams.ts'
import { nextVisitAt } from '../../topology/testing/announcements.ts'
import { pipelineResult, source } from '../../topology/testing/sources.ts'
import { startWholeSystem, type WholeSystem } from '../../dev/demo/testing/whole-system.ts'
import { connectSummit, type Summit } from '../../dev/night/kafka-world.ts'
import { objectCreated } from '../../dev/night/notification.ts'
import { consumerGroups, printed, untilIdle } from '../testing/operator.ts'
import { applyPlan, cancel, showPlan } from './command.ts'
import type { PlannedUnit, ReplayPlan } from './plan.ts'

/**
 * Real processes, brokers, ledger and APDB, and Kafka's own tool on stopped groups. The worker alone is this test: it leases and reports
 * as one would, without pixels, so that what each unit becomes is known.
 */

const INSTRUMENT = 'LSSTComCam'
const GROUP = 'outage'
const DETECTORS = [0, 1, 2, 3, 4, 5, 6, 7, 8]
const dayObs = dayObsOf(Date.now())
const EXPOSURE = exposureId(dayObs, 7)
const TWO_HOURS = "interval '2 hours'"

let whole: WholeSystem
let summit: Summit
let store: ObjectStore
let keepLogs = true

beforeAll(async () => {
  const overrides = { decide: { imageTimeoutSeconds: 8 }, worker: { rehearsals: 0 } }
  whole = await startWholeSystem(inject('services').provider, overrides, {}, 1)
  await Promise.all([...whole.system.workers, 'publish' as const].map(name => whole.system.kill(name)))
  const { kafka, registry } = whole.services
  summit = await connectSummit({ brokers: kafka.brokers, registry: registry.url })
  store = openStore(whole.system.config)
  keepLogs = false
}, 300_000)
afterEach(({ task }) => void (keepLogs ||= task.result?.state === 'fail'))
afterAll(async () => {
  await summit?.close()
  store?.close()
  await whole.stop(keepLogs)
}, 60_000)

/** A raw of the detector; told only where the store notifies. */
async function expose(detector: number, isTold: boolean): Promise<void> {
  const { rawBucket } = whole.system.config.s3
  const names = { instrument: INSTRUMENT, detector, exposure: EXPOSURE, dayObs, sequence: 7 }
  const key = buildRawKey({ family: 'lsst', controller: 'O', extension: 'fits', ...names })
  await store.put(rawBucket, sidecarKey(key), Buffer.from(JSON.stringify({ GROUPID: GROUP, CURINDEX: 1 })))
  await store.put(rawBucket, key, Buffer.from('no pixels'))
  if (isTold) await summit.notify(objectCreated(rawBucket, key, Buffer.from('no pixels'), Date.now()))
}

const states = async () => {
  const units = await unitsSummary(whole.pool, { group: GROUP })
  return units.sort((a, b) => a.detector - b.detector).map(({ state }) => state)
}
const until = (expected: readonly string[]) => expect.poll(states, { timeout: 40_000, interval: 250 }).toEqual(expected)

/** Leases units one by one, and reports of each two sources, or a failure where it `fails`. */
async function work(count: number, fails: (detector: number) => boolean = () => false): Promise<void> {
  const leases = openLeases(whole.pool)
  for (let i = 0; i < count; i++) {
    const { unit, detector, attempt, epoch } = (await leases.lease({ id: 'test' }))!
    const sources = [1, 2].map(counter =>
      source(counter, 30 + counter / 100, -20 + detector / 100, { visit: EXPOSURE, detector }),
    )
    const failure: Partial<PipelineResult> = { outcome: 'failed', reason: 'raw-unreadable', detail: 'not today' }
    const about = { instrument: INSTRUMENT, group: GROUP, detector, attempt, epoch, worker: 'test' }
    const shared = { ...about, visit: EXPOSURE, exposures: [EXPOSURE] }
    const report = pipelineResult(fails(detector) ? [] : sources, { ...shared, ...(fails(detector) && failure) })
    await associate(whole.pool)(event(reports, unit, report))
  }
}

/** Each of the three stages has an id of its own, and the highest wins: until no attempt has changed for a while. */
async function quiet(): Promise<void> {
  const attempts = async () => JSON.stringify((await unitsSummary(whole.pool)).map(({ attempt }) => attempt))
  let [last, since] = [await attempts(), Date.now()]
  while (Date.now() - since < 3_000) {
    await sleep(300)
    const now = await attempts()
    if (now !== last) [last, since] = [now, Date.now()]
  }
}

it('an outage replayed by the tool: committed units stay, the others run, as many as planned, and no source is missing or twofold', async () => {
  const since = Date.now()
  const from = new Date(since).toISOString()
  await sleep(50)
  await summit.announce(nextVisitAt(Date.now(), { groupId: GROUP, instrument: INSTRUMENT, duration: 0 }))
  for (const detector of DETECTORS.slice(0, 6)) await expose(detector, true)
  await until([...Array<string>(6).fill('ready'), 'missed', 'missed', 'missed'])
  // Detectors 0 to 2 are committed, 3 fails, 4 and 5 are found stale; 6 and 7 were stored, too late, and nobody told of them.
  await whole.pool.query(`update unit set deadline = now() - ${TWO_HOURS} where detector in (4, 5)`)
  await until(['ready', 'ready', 'ready', 'ready', 'deferred', 'deferred', 'missed', 'missed', 'missed'])
  await work(4, detector => detector === 3)
  await expose(6, false)
  await expose(7, false)
  const committed = Array<string>(3).fill('committed')
  await until([...committed, 'failed', 'deferred', 'deferred', 'missed', 'missed', 'missed'])
  const before = await unitsSummary(whole.pool, { group: GROUP })

  const stages = 'fan-out,raw-intake,exposure-window'
  const plan = JSON.parse(
    await printed(whole, (config, print) => showPlan(config, { from, stages, json: true }, print)),
  ) as ReplayPlan
  const fates = ['untouched', 'untouched', 'untouched', 'runs', 'runs', 'runs', 'runs', 'runs', 'missed']
  expect(plan.units.map(({ then }: PlannedUnit) => then)).toEqual(fates)
  expect(plan.unreached).toEqual([])
  expect(plan.stages.every(({ members }) => members > 0)).toBe(true)
  const order = { from, stages: 'exposure-window', reason: 'test', by: 'ann' }
  await expect(printed(whole, (config, print) => applyPlan(config, order, print))).rejects.toThrow(
    /pp.exposure-window has 1 member: nothing was ordered. Stop every "pp run steps" first/,
  )

  await Promise.all([whole.system.kill('steps'), whole.system.kill('effects')])
  const groups = ['fan-out', 'raw-intake', 'exposure-window'].map(stage => `pp.${stage}`)
  for (const group of groups) await untilIdle(whole, group)
  // First without the clock, as somebody would who knows Kafka and not us.
  const topics = ['--topic', 'next-visit', '--topic', 'next-visit-canceled', '--topic', 'control']
  const reset = ['--reset-offsets', '--to-datetime', from, '--execute']
  await consumerGroups(whole, '--group', 'pp.fan-out', ...topics, ...reset)
  await whole.system.restart('steps').catch(() => undefined)
  const refusal =
    /OrderRefused.*?clock\/0 not\..*?--group pp.fan-out --reset-offsets.*?--topic clock --to-datetime.*?pp replay cancel fan-out/
  await expect.poll(() => whole.system.logOf('steps'), { timeout: 20_000, interval: 250 }).toMatch(refusal)
  for (const group of groups) await untilIdle(whole, group)
  await consumerGroups(whole, ...groups.flatMap(group => ['--group', group]), '--all-topics', ...reset)
  await Promise.all([whole.system.restart('steps'), whole.system.restart('effects')])

  const again = ['ready', 'ready', 'ready', 'ready', 'ready']
  await until([...committed, ...again, 'missed'])
  await quiet()
  await work(5)
  await until([...committed, 'committed', 'committed', 'committed', 'committed', 'committed', 'missed'])
  const counted = new Map<string, number>()
  for (const { state, units } of await replayCounts(whole.pool)) counted.set(state, (counted.get(state) ?? 0) + units)
  expect(Object.fromEntries(counted)).toEqual({ 'already committed': 3, committed: 5, missed: 1 })

  const { rows } = await whole.pool.query<{ id: bigint }>('select "diaSourceId" as id from "DiaSource" order by 1')
  const expected = DETECTORS.slice(0, 8).flatMap(detector => [1, 2].map(n => diaSourceId(EXPOSURE, detector, n)))
  expect(rows.map(({ id }) => id)).toEqual(expected.sort((a, b) => (a < b ? -1 : 1)))
  const same = (units: typeof before) =>
    units.filter(({ detector }) => detector < 3).map(({ state: _, ...unit }) => unit)
  expect(same(await unitsSummary(whole.pool, { group: GROUP }))).toEqual(same(before))
}, 240_000)

it('an inner stage ordered by pp: dispatch writes again what the ledger lacks, and the audit topic has who ordered it', async () => {
  const from = new Date(Date.now() - 600_000).toISOString()
  const before = await states()
  await whole.pool.query('delete from outbox where detector = 8')
  await whole.pool.query('delete from unit where detector = 8')
  await whole.system.kill('effects')
  await untilIdle(whole, 'pp.dispatch')
  const order = { from, stages: 'dispatch', reason: 'rows are missing', by: 'ann' }
  await printed(whole, (config, print) => applyPlan(config, order, print))
  await printed(whole, (config, print) => cancel(config, 'dispatch', { reason: 'once more', by: 'bob' }, print))
  expect(await printed(whole, (config, print) => applyPlan(config, order, print))).toMatch(/pp.dispatch[^]*Ordered/)
  await whole.system.restart('effects')
  await until(before)
  const audits = (await whole.recordsOf(audit.topic)).map(({ value }) => avroType('audit').decode(value!.subarray(5)))
  expect(audits.map(({ action, by, reason }) => `${action}, ${by}: ${reason}`)).toEqual([
    'replay apply, ann: rows are missing',
    'replay cancel, bob: once more',
    'replay apply, ann: rows are missing',
  ])
}, 120_000)
