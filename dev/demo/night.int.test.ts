import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Alert, Parked, VisitSummary } from '../../schemas/avro/generated.ts'
import { avroType } from '../../schemas/codec.ts'
import type { UnitSummary } from '../../sinks/ledger/summary.ts'
import { datasetsOf } from '../../sinks/repository/contents.ts'
import { visitKey } from '../../topology/identifiers.ts'
import {
  alerts as alertStream,
  detectorLatency,
  detectorOutcome,
  parked,
  rawWanted,
  repositoryIngested,
  visitOutcome,
  visitSummary,
} from '../../topology/streams.ts'
import { type NightPlan, planNight, startingAt } from '../night/plan.ts'
import type { RenderedNight } from '../night/render.ts'
import { score } from '../night/score.ts'
import { truthOf } from '../night/truth.ts'
import { countTerminal, expectedUnits, unaccountedUnits } from './account.ts'
import { compareWithApdb } from './compare.ts'
import { detections, observe, prepare } from './observe.ts'
import { readAlerts } from './read-back.ts'
import { badNight, FATES, type Poison } from './testing/bad-night.ts'
import { pythonReader, readInPython } from './testing/python-reader.ts'
import { startWholeSystem, type WholeSystem } from './testing/whole-system.ts'

/** One short night on the whole system, with bad input between the good; then every way of looking at what came out. */

const options = { seed: 2, instrument: 'LATISS', visits: FATES.length, size: 768 } as const
/** Raws come 8 s after their announcement and windows close 26 s after it, so a slow machine makes none late. */
const compressed = { lead: 5, exposure: 1, gap: 2 }
const IMAGE_TIMEOUT_S = 10

const python = await pythonReader()
const never = new AbortController().signal
let whole: WholeSystem
let plan: NightPlan
let rendered: RenderedNight
let units: readonly UnitSummary[]
let alerts: readonly Alert[]
let duplicates: number
/** Until the night is over, and after a test that failed. */
let keepLogs = true
const poison: Poison[] = []

beforeAll(async () => {
  whole = await startWholeSystem(inject('services').provider, { decide: { imageTimeoutSeconds: IMAGE_TIMEOUT_S } })
  const { system, services, pool } = whole
  const planned = planNight({ ...options, ...compressed, start: Date.now() })
  rendered = await prepare(system.config, planned, () => {}, never)
  plan = startingAt(planned, Date.now() + 3000)
  const disturb: Parameters<typeof observe>[0]['disturb'] = (ports, summit) =>
    badNight(plan, system.config.s3.rawBucket, ports, summit, sent => poison.push(sent))
  const observed = await observe({ system, plan, rendered, pool, say: () => {}, signal: never, disturb })
  units = observed.units
  const expected = units.reduce((sum, unit) => sum + (unit.terminal === 'published' ? unit.diaSources : 0), 0)
  ;({ alerts, duplicates } = await readAlerts(services, { expected }))
  keepLogs = false
}, 240_000)

afterEach(({ task }) => void (keepLogs ||= task.result?.state === 'fail'))
afterAll(() => whole.stop(keepLogs), 60_000)

const endOf = (fate: (typeof FATES)[number]): UnitSummary =>
  units.find(({ group }) => group === plan.visits[FATES.indexOf(fate)]!.group)!

it('accounts for every unit: visits × active detectors, and nothing else', () => {
  expect(unaccountedUnits(expectedUnits(plan), units)).toEqual([])
  const ends = countTerminal(units)
  expect(ends).toMatchObject({ published: 3, missed: 1, failed: 1 })
  expect(Object.values(ends).reduce((sum, count) => sum + count)).toBe(plan.visits.length * plan.detectors.length)
})

it('says of a raw that never came that it was missed, after its deadline', () => {
  const unit = endOf('raw never comes')
  expect(unit).toMatchObject({ terminal: 'missed', diaSources: 0 })
  expect(unit.detail).toBe('no raw had come when the window closed, and none was in the bucket')
  expect(unit.terminalAt).toBeGreaterThan(unit.deadline)
})

it('finds a raw whose notification was lost by listing the bucket, after the deadline', () => {
  const unit = endOf('notification lost')
  expect(unit).toMatchObject({ terminal: 'published', completeness: 'complete' })
  expect(unit.readyAt).toBeGreaterThan(unit.deadline)
  expect(unit.diaSources).toBeGreaterThan(0)
})

it('asks for a listing for those two units alone', async () => {
  const asked = (await whole.recordsOf(rawWanted.topic)).map(({ key }) => String(key))
  const two = [endOf('raw never comes'), endOf('notification lost')]
  expect([...new Set(asked)].sort()).toEqual(two.map(({ unit }) => unit).sort())
})

it('fails the unit of a file cut in the middle with a sentence for an operator', () => {
  const unit = endOf('raw cut')
  expect(unit).toMatchObject({ terminal: 'failed', reason: 'raw-unreadable', diaSources: 0 })
  expect(unit.detail).toMatch(/FITS ends after \d+ of \d+ data bytes in HDU \d+/)
})

it('publishes the neighbours of bad records', () => {
  for (const fate of ['beside bad records', 'in a bad notification'] as const) {
    expect(endOf(fate)).toMatchObject({ terminal: 'published', completeness: 'complete' })
  }
})

it('parks exactly the bad records, each with where it stood, why, and its bytes', async () => {
  const entrances = await Promise.all([...new Set(poison.map(({ topic }) => topic))].map(whole.recordsOf))
  const where = (value: Buffer) => entrances.flat().find(record => record.value?.equals(value))!
  const found = (await whole.recordsOf(parked.topic)).map(({ value }) => decoded<Parked>('parked', value!))
  const why = {
    cut: { stage: 'fan-out', code: 'undecodable', reason: /./ },
    'no field': { stage: 'fan-out', code: 'undecodable', reason: /instrument/ },
    'unknown instrument': { stage: 'fan-out', code: 'unknown-instrument', reason: /"NIRCam".*LATISS/ },
    'not JSON': { stage: 'raw-intake', code: 'not-json', reason: /./ },
    'bad key': { stage: 'raw-intake', code: 'bad-key', reason: /IMG_0001/ },
    'bad key in company': { stage: 'raw-intake', code: 'bad-key', reason: /IMG_0001/ },
  }
  expect(poison.map(({ what }) => what).sort()).toEqual(Object.keys(why).sort())
  for (const { what, topic, value } of poison) {
    const { partition, offset } = where(value)
    const { stage, code, reason } = why[what as keyof typeof why]
    const record = found.find(it => it.topic === topic && it.partition === partition && it.offset === offset)
    expect(record, what).toMatchObject({ stage, code, attempt: 1, recordKey: null })
    expect(record!.reason, what).toMatch(reason)
    expect(record!.recordValue!.equals(value), what).toBe(true)
  }
  expect(found).toHaveLength(poison.length)
})

it('sums every visit up as complete, once, with how its detectors ended', async () => {
  const summaries = (await whole.recordsOf(visitSummary.topic)).map(({ value }) =>
    decoded<VisitSummary>('visit-summary', value!),
  )
  const told = summaries.map(({ group, number, kind, results }) => ({ group, number, kind, states: states(results) }))
  const wanted = plan.visits.map(({ group }) => {
    const { terminal } = units.find(unit => unit.group === group)!
    return { group, number: 1, kind: 'complete', states: [terminal] }
  })
  expect(told.sort(byGroup)).toEqual(wanted.sort(byGroup))
})

it('registers exactly the products of the published units, and tells of each unit', async () => {
  const { rows } = await whole.pool.query<{ products: readonly { key: string; sha256: string }[] }>(
    `select products from outbox where terminal = 'published'`,
  )
  const content = ({ key, sha256 }: { readonly key: string; readonly sha256: string }) => `${key} ${sha256}`
  const stored = rows.flatMap(({ products }) => products.map(content)).sort()
  expect(stored.length).toBeGreaterThanOrEqual(rows.length)
  const registered = async () => (await datasetsOf(whole.pool)).map(content).sort()
  await expect.poll(registered, { timeout: 10_000 }).toEqual(stored)
  const published = units.filter(({ terminal }) => terminal === 'published').map(({ unit }) => unit)
  const told = async () => (await whole.recordsOf(repositoryIngested.topic)).map(({ key }) => String(key)).sort()
  await expect.poll(told, { timeout: 10_000 }).toEqual(published.sort())
})

it('measures each unit and each visit once', async () => {
  const keys = async (topic: string) => (await whole.recordsOf(topic)).map(({ key }) => String(key)).sort()
  const ended = units.map(({ unit }) => unit).sort()
  const visits = plan.visits.map(({ group }) => visitKey(options.instrument, group)).sort()
  await expect.poll(() => keys(detectorOutcome.topic), { timeout: 10_000 }).toEqual(ended)
  expect(await keys(detectorLatency.topic)).toEqual(ended)
  await expect.poll(() => keys(visitOutcome.topic), { timeout: 10_000 }).toEqual(visits)
})

describe('the alerts, read back read_committed by a client that is not ours', () => {
  it('are one for each DiaSource of the APDB, none twice, and equal its rows field by field', async () => {
    const comparison = await compareWithApdb(whole.pool, alerts)
    expect(comparison).toMatchObject({ missingInApdb: 0, missingAlerts: 0, differences: [] })
    expect(comparison.fieldsCompared).toBeGreaterThan(100 * alerts.length)
    expect(alerts.length).toBeGreaterThan(0)
    expect(duplicates).toBe(0)
    expect(await whole.recordsOf(alertStream.topic)).toHaveLength(alerts.length)
  })

  it('hold at least 90 % of the isolated transients of SNR > 10', async () => {
    const published = new Set(units.filter(({ terminal }) => terminal === 'published').map(({ group }) => group))
    const truth = truthOf(plan, rendered)
    const seen = { ...truth, units: truth.units.filter(({ group }) => published.has(group)) }
    const { injected, completeness } = score(seen, await detections(whole.pool))
    expect(injected).toBeGreaterThanOrEqual(8)
    expect(completeness).toBeGreaterThanOrEqual(0.9)
  })

  it.skipIf('missing' in python)(
    `decode alike with fastavro and with Confluent's AvroDeserializer${'missing' in python ? ` (skipped: ${python.missing})` : ''}`,
    async () => {
      if (!('run' in python)) return
      const read = await readInPython(python, whole.services)
      const ours = sorted(alerts)
      for (const decoder of ['fastavro', 'confluent'] as const) {
        const theirs = read.map(alert => alert[decoder])
        expect(sorted(theirs) === ours, `${decoder} and our own reader see the same alerts, cutouts included`).toBe(
          true,
        )
        const comparison = await compareWithApdb(whole.pool, theirs)
        expect(comparison).toMatchObject({ missingInApdb: 0, missingAlerts: 0, differences: [] })
      }
    },
  )
})

const states = (results: VisitSummary['results']) => results.map(({ state }) => state)
const byGroup = (a: { readonly group: string }, b: { readonly group: string }) => a.group.localeCompare(b.group)

/** The bytes of one contract of ours, past the framing. */
const decoded = <T>(contract: 'parked' | 'visit-summary', value: Buffer): T =>
  avroType(contract).decode(value.subarray(5)) as T

/** Alerts as one text, in order of id: quicker to compare than thousands of fields and cutouts one by one. */
const sorted = (list: readonly Alert[]): string =>
  [...list]
    .sort((a, b) => (a.diaSourceId < b.diaSourceId ? -1 : 1))
    .map(alert => JSON.stringify(alert, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)))
    .join('\n')
