import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import type { Alert, DetectorResult, DiaObject, DiaSource, PipelineResult } from '../../schemas/avro/generated.ts'
import { codecWith, schemaIdOf } from '../../schemas/codec.ts'
import { rubinPython } from '../../schemas/testing/python.ts'
import type { LogRecord } from '../../streams/log-client.ts'
import { MemoryBroker } from '../../streams/memory/broker.ts'
import { MemoryClient } from '../../streams/memory/client.ts'
import type { Fate } from '../../streams/memory/wire.ts'
import { runService } from '../../streams/run-service.ts'
import { unitKey } from '../../topology/identifiers.ts'
import type { Stage, Topology } from '../../topology/model/topology.ts'
import { alerts, alertsLedger, detectorResult, parked, pipelineResult as reports } from '../../topology/streams.ts'
import { ephemerisOf } from '../../topology/testing/ephemerides.ts'
import { pipelineResult, source } from '../../topology/testing/sources.ts'
import { associate } from '../associate/associate.ts'
import { dispatch } from '../ledger/dispatch.ts'
import { openLeases } from '../ledger/leases.ts'
import { unitsSummary } from '../ledger/summary.ts'
import { openObjectStore } from '../objects/s3.ts'
import { endUnits } from '../postgres/ending.ts'
import { type Hints, listen } from '../postgres/hints.ts'
import { transact } from '../postgres/pool.ts'
import { announcement, decision, event, jobEvent, raw } from '../testing/builders.ts'
import { createDatabase, type TestDatabase } from '../testing/database.ts'
import { publishShard } from './publish.ts'
import { fixShards } from './shards.ts'

const PARTITIONS = 3
const stage: Stage = {
  name: 'publish',
  summary: 'publishes',
  role: 'publish',
  tasks: 'per-partition',
  run: 'service',
  watermark: 'outbox',
  reads: [alertsLedger],
  writes: [alerts, alertsLedger, detectorResult],
}
/** Somebody who counts on publish's time. */
const reader: Stage = {
  ...stage,
  name: 'reader',
  role: 'steps',
  watermark: 'streams',
  reads: [detectorResult],
  writes: [],
}
const topology: Topology = {
  name: 'test',
  partitions: PARTITIONS,
  entrances: [],
  stages: [stage, reader],
  exits: [alerts],
}
const codec = codecWith(
  new Map([
    ['lsst.v11_1.alert', 1101],
    ['alerts-ledger', 1],
    ['detector-result', 2],
  ]),
)
const store = openObjectStore(inject('services').s3)
const bucket = `test-${randomBytes(6).toString('hex')}`

let db: TestDatabase
let hints: Hints
let broker: MemoryBroker
const stops: (() => Promise<void>)[] = []
beforeAll(async () => {
  db = await createDatabase()
  await fixShards(db.pool, PARTITIONS)
  hints = listen(db.url, 'outbox', () => undefined)
  await store.createBucket(bucket)
})
afterAll(async () => {
  await hints.close()
  await db.drop()
  store.close()
})
beforeEach(async () => {
  await Promise.all(stops.splice(0).map(stop => stop()))
  errors.length = 0
  await db.pool.query(
    'truncate unit, "DiaObject", "DiaSource", "DiaForcedSource", "SSSource", "mpc_orbits", dia_source_provenance cascade',
  )
  broker = newBroker()
})

function newBroker(): MemoryBroker {
  const made = new MemoryBroker(Date.now)
  for (const { topic } of [alerts, alertsLedger, detectorResult, parked])
    made.createTopic({ topic, partitions: PARTITIONS, config: {} })
  return made
}

const warnings: string[] = []
/** What was said as an error: facts, and the sentence. */
const errors: object[] = []
const log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (_: object, sentence: string) => void warnings.push(sentence),
  error: (facts: object, sentence: string) => void errors.push({ ...facts, sentence }),
}

/** One process of publish; gives back how to stop it. */
async function start(fate?: Fate): Promise<() => Promise<void>> {
  const client = new MemoryClient(broker, `client ${stops.length}`, fate)
  const publisher = { pool: db.pool, store, codec, alertPartitions: PARTITIONS, bell: hints.bell, log }
  const service = await runService({
    ...{ topology, stage, client, codec, log },
    app: 'test',
    table: alertsLedger,
    start: task => publishShard(publisher, task),
    onFatal: error => expect.unreachable(error.message),
  })
  stops.push(() => service.stop())
  return stops.at(-1)!
}

const recordsIn = (topic: string, from = broker): LogRecord[] =>
  Array.from({ length: PARTITIONS }, (_, partition) => from.committedRecords({ topic, partition })).flat()
const alertRecords = (from = broker) => recordsIn(alerts.topic, from)
const sentAlerts = (): Alert[] =>
  alertRecords()
    .map(record => codec.decode('lsst.v11_1.alert', record.value!))
    .sort((a, b) => (a.diaSourceId < b.diaSourceId ? -1 : 1))
const results = (): DetectorResult[] =>
  recordsIn(detectorResult.topic)
    .filter(record => record.headers['watermark'] === undefined)
    .map(record => codec.decode('detector-result', record.value!))
const watermarks = () =>
  recordsIn(detectorResult.topic)
    .filter(record => record.headers['watermark'] !== undefined)
    .map(record => JSON.parse(String(record.headers['watermark'])) as { from: string; t: number })
const python = await rubinPython()
const missing = 'missing' in python ? python.missing : undefined
/** Each kind of alert against the observatory's own package. */
const VALIDATE = `
import io, sys
from lsst.alert.packet import Schema
schema = Schema.from_file()
alerts = [schema.deserialize(bytes.fromhex(line)[5:]) for line in sys.stdin.read().split()]
bodies = [alert for alert in alerts if alert['ssSource'] is not None and alert['mpc_orbits'] is not None]
assert all((alert['diaObject'] is None) == (alert in bodies) for alert in alerts)
print('valid %d, of bodies %d' % (sum(map(schema.validate, alerts)), len(bodies)))
`
const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 8_000, interval: 20 })
const told = (n: number) => eventually(() => expect(results()).toHaveLength(n))

/** Announces, leases and commits one unit with sources at these places; each group is a visit of its own, a day after the one before. */
async function commit(
  day: number,
  places: readonly (readonly [number, number])[],
  more: { cutoutKey?: string } & Partial<PipelineResult> = {},
) {
  const visit = 2026112100042n + BigInt(day)
  const group = `visit ${day}`
  await dispatch(db.pool)(
    jobEvent(
      decision(0, {
        announcement: { ...announcement, group },
        raws: [{ at: Date.now(), raw: { ...raw(0, visit), group } }],
      }),
    ),
  )
  return recommit(day, places, more)
}

/** Leases and commits the unit of this day, which is ready. */
async function recommit(
  day: number,
  places: readonly (readonly [number, number])[],
  { cutoutKey = `cutouts/${day}`, ...extra }: { cutoutKey?: string } & Partial<PipelineResult> = {},
) {
  const [visit, group, midpointMjdTai] = [2026112100042n + BigInt(day), `visit ${day}`, 61365 + day]
  const { epoch } = (await openLeases(db.pool).lease({ id: 'w' }))!
  const sources = places.map(([ra, dec], i) => source(i + 1, ra, dec, { visit, midpointMjdTai, psfFlux: 1000 + day }))
  const more = { visit, exposures: [visit], group, epoch, midpointMjdTai, cutoutBucket: bucket, cutoutKey, ...extra }
  const result: PipelineResult = pipelineResult(sources, more)
  await store.put(bucket, `cutouts/${day}`, Buffer.from(Array.from({ length: 30 * places.length }, (_, i) => day + i)))
  const unit = unitKey('LATISS', group, 0)
  await associate(db.pool)(event(reports, unit, result))
  return { unit, visit }
}

describe('publish', () => {
  it('sends the alerts of a unit to one partition, equal to the APDB, with one result, and marks it', async () => {
    const { unit, visit } = await commit(1, [
      [30, -20],
      [30.01, -20],
    ])
    await start()
    await told(1)

    expect(new Set(alertRecords().map(record => record.partition)).size).toBe(1)
    for (const record of alertRecords()) {
      expect(record.key).toBeNull()
      expect(schemaIdOf(record.value!)).toBe(1101)
      expect(record.value!.subarray(0, 5).toString('hex')).toBe('000000044d')
      expect(String(record.headers['producer_timestamp'])).toMatch(/^\d{13}\.\d+$/)
      expect(Math.abs(Number(String(record.headers['producer_timestamp'])) - Date.now())).toBeLessThan(60_000)
    }
    const [first] = sentAlerts()
    const { rows: sources } = await db.pool.query<DiaSource>('select * from "DiaSource" order by 1')
    const { rows: objects } = await db.pool.query<DiaObject>('select * from "DiaObject" order by 1')
    expect(sources[0]).toMatchObject(first!.diaSource)
    expect(objects[0]).toMatchObject(first!.diaObject!)
    expect(first).toMatchObject({ prvDiaSources: null, prvDiaForcedSources: [], ssSource: null })
    expect(first!.cutoutDifference).toEqual(Buffer.from(Array.from({ length: 10 }, (_, i) => 1 + i)))
    expect(first!.cutoutTemplate).toEqual(Buffer.from(Array.from({ length: 10 }, (_, i) => 21 + i)))
    expect(results()).toMatchObject([
      { state: 'published', visit, alerts: 2, diaSources: 2, diaObjects: 2, inputs: 'complete' },
    ])

    await eventually(async () => expect(await unitsSummary(db.pool)).toMatchObject([{ unit, work: 'published' }]))
    // The entry of the ledger goes when the mark is old.
    const entries = () => recordsIn(alertsLedger.topic).map(record => record.value === null)
    expect(entries()).toEqual([false])
    await db.pool.query(`update outbox set sent_at = now() - interval '11 minutes'`)
    await eventually(() => expect(entries()).toEqual([false, true]))
    expect(errors).toEqual([])
  })

  it('sends a source whose object lies off the image with the version that the object had before', async () => {
    // In the middle the image's northern edge, a great circle, lies 0.2″ below −19.85.
    const rim: [number, number] = [30, -19.85]
    await commit(1, [rim])
    await commit(2, [[30, -20], rim])
    await start()
    await told(2)
    const [first, , second] = sentAlerts()
    expect(second).toMatchObject({ diaSource: { diaObjectId: first!.diaSourceId }, diaObject: first!.diaObject })
    expect(second!.diaSourceId).not.toBe(first!.diaSourceId)
    expect(
      results()
        .map(result => result.alerts)
        .sort(),
    ).toEqual([1, 2])
  })

  it('packs as of the commit: later commits on the same object change nothing, and a resend gives equal bytes', async () => {
    await commit(1, [[30, -20]])
    await commit(2, [[30, -20]])
    await commit(3, [
      [30, -20],
      [30.05, -20],
    ])
    await start()
    await told(3)
    const [one, two, three] = sentAlerts()
    expect(one).toMatchObject({
      prvDiaSources: null,
      diaObject: { nDiaSources: 1, validityStartMjdTai: one!.diaSource.timeProcessedMjdTai },
    })
    expect(two!.prvDiaSources!.map(s => s.diaSourceId)).toEqual([one!.diaSourceId])
    expect(three!.prvDiaSources!.map(s => s.diaSourceId)).toEqual([one!.diaSourceId, two!.diaSourceId])
    expect(three!.diaObject).toMatchObject({ nDiaSources: 3, diaObjectId: one!.diaSourceId })

    const before = alertRecords()
      .map(record => record.value!.toString('hex'))
      .sort()
    await commit(4, [[30, -20]])
    await told(4)
    await Promise.all(stops.splice(0).map(stop => stop()))
    await db.pool.query(`update outbox set state = 'pending' where visit < 2026112100046`)
    broker = newBroker()
    await start()
    await told(3)
    expect(
      alertRecords()
        .map(record => record.value!.toString('hex'))
        .sort(),
    ).toEqual(before)
  })

  it('sends a known body of the solar system with its orbit of then, and without object and history', async () => {
    const body = (day: number, a: number) => {
      const it = ephemerisOf({ number: 7, epochMjdTai: 61365 + day, ra: 30, dec: -20, rateRa: 0.2, rateDec: -0.1 })
      return { ...it, orbit: { ...it.orbit, a } }
    }
    const words = { observationReason: 'template_blob_i_33.0', targetName: 'lowdust' }
    const both = [[30, -20 + 0.3 / 3600], [30.01, -20]] as const // prettier-ignore
    await commit(1, both, { ephemerides: [body(1, 2.5)], ...words })
    await commit(2, both, { ephemerides: [body(2, 2.6)] })
    await start()
    await told(2)
    const [rock, star, rockAgain, starAgain] = sentAlerts() as [Alert, Alert, Alert, Alert]
    const named = { observation_reason: 'template_blob_i_33.0', target_name: 'lowdust' }
    const alone = { diaObject: null, prvDiaSources: null, prvDiaForcedSources: null }
    expect(rock).toMatchObject({ ...named, ...alone, mpc_orbits: { a: 2.5, id: 0, created_at: 0n } })
    expect(rock.ssSource).toMatchObject({ designation: '2026 NH', diaSourceId: rock.diaSourceId, diaDistanceRank: 1 })
    expect(rock.diaSource).toMatchObject({ diaObjectId: null, ssObjectId: rock.ssSource!.ssObjectId })
    expect(rock.cutoutScience).not.toBeNull()
    expect(star).toMatchObject({ ...named, ssSource: null, mpc_orbits: null, diaObject: { nDiaSources: 1 } })
    expect(rockAgain).toMatchObject({ ...alone, observation_reason: null, target_name: null, mpc_orbits: { a: 2.6 } })
    expect(starAgain.prvDiaSources!.map(it => it.diaSourceId)).toEqual([star.diaSourceId])

    const before = alertRecords().map(record => record.value!.toString('hex'))
    await Promise.all(stops.splice(0).map(stop => stop()))
    await db.pool.query(`update outbox set state = 'pending'`)
    broker = newBroker()
    await start()
    await told(2)
    expect(alertRecords().map(record => record.value!.toString('hex')).sort()).toEqual(before.sort()) // prettier-ignore
  })

  it.skipIf(missing !== undefined)(
    `is valid by the observatory’s own package, with and without a known body${missing ? ` (skipped: ${missing})` : ''}`,
    async () => {
      const ephemerides = [ephemerisOf({ number: 7, epochMjdTai: 61366, ra: 30, dec: -20 })]
      const both = [[30, -20], [30.01, -20]] as const // prettier-ignore
      await commit(1, both, { ephemerides, observationReason: 'pair', targetName: 'lowdust' })
      await commit(2, both)
      await start()
      await told(2)
      const bytes = alertRecords().map(record => record.value!.toString('hex'))
      const said = 'run' in python ? await python.run(VALIDATE, bytes.join('\n')) : ''
      expect(said).toBe('valid 4, of bodies 1\n')
    },
  )

  it('tells of units that never ran, without alerts', async () => {
    await dispatch(db.pool)(jobEvent(decision(0, { kind: 'announced', deadline: 1_795_000_100_000 })))
    await dispatch(db.pool)(jobEvent(decision(0, { kind: 'missed', reason: 'nothing came' })))
    await start()
    await told(1)
    expect(results()).toMatchObject([
      { state: 'missed', reason: 'no-raws-in-time', detail: 'nothing came', alerts: 0, visit: null },
    ])
    expect(alertRecords()).toEqual([])
  })

  it('sends nothing twice when it dies between the transaction and the mark', async () => {
    await db.pool.query(`create function refuse() returns trigger language plpgsql as
      'begin raise exception ''no mark today''; end'`)
    await db.pool.query('create trigger refuse before update on outbox for each row execute function refuse()')
    await commit(1, [[30, -20]])
    const stop = await start()
    await told(1)
    await eventually(() => expect(warnings).toContain('the outbox does not answer; trying again'))
    await stop()
    stops.length = 0
    await db.pool.query('drop trigger refuse on outbox')
    expect(await unitsSummary(db.pool)).toMatchObject([{ work: 'committed' }])

    await start()
    await eventually(async () => expect(await unitsSummary(db.pool)).toMatchObject([{ work: 'published' }]))
    expect(alertRecords()).toHaveLength(1)
    // What was sent is known from the ledger, though it was never packed by this process.
    const [{ value }] = alertRecords() as [LogRecord]
    const digest = createHash('sha256').update(value!).digest('hex')
    const { rows } = await db.pool.query('select alerts, alert_bytes, alerts_digest from outbox')
    expect(rows).toEqual([{ alerts: 1, alert_bytes: BigInt(value!.length), alerts_digest: digest }])
    expect(results()).toHaveLength(1)
    expect(errors).toEqual([])
  })

  describe('where the database has forgotten what was told', () => {
    /** As a failover to a copy that was behind the commit of every unit. */
    const forget = async () => {
      await db.pool.query('truncate "DiaObject", "DiaSource", "DiaForcedSource", dia_source_provenance')
      await db.pool.query(`with gone as (delete from outbox)
        update unit set work = 'idle', terminal_at = null, published_at = null, committed_at_mjd_tai = null, dia_sources = 0`)
    }
    const published = () =>
      eventually(async () => expect(await unitsSummary(db.pool)).toMatchObject([{ work: 'published' }]))
    const entry = { code: 'database-forgot', units: ['LATISS/visit 1/0@0'] }
    const gone = { ...entry, count: 1, sentence: 'the database does not know what was told: it has forgotten commits' }

    it('says so once, and of a unit that is committed anew nothing is sent twice', async () => {
      await commit(1, [[30, -20], [30.01, -20]]) // prettier-ignore
      await start()
      await told(1)
      await published()
      const { rows: before } = await db.pool.query('select alerts, alert_bytes, alerts_digest from outbox')
      await forget()
      await eventually(() => expect(errors).toMatchObject([gone]))
      await recommit(1, [[30, -20], [30.01, -20]]) // prettier-ignore
      await published()
      expect(errors).toMatchObject([
        gone,
        { ...entry, sentence: 'ended anew after it was told, and nothing is sent twice' },
      ])
      expect(alertRecords()).toHaveLength(2)
      expect(results()).toHaveLength(1)
      // What the row says was sent is what was sent.
      expect((await db.pool.query('select alerts, alert_bytes, alerts_digest from outbox')).rows).toEqual(before)
    })

    it('knows it after a restart, and says where the sources are not those that were sent', async () => {
      await commit(1, [[30, -20], [30.01, -20]]) // prettier-ignore
      const stop = await start()
      await told(1)
      await published()
      await stop()
      stops.length = 0
      await forget()
      await recommit(1, [[30, -20]])
      await start()
      await published()
      const sentence =
        'ended anew after it was told, and nothing is sent twice, and its sources are not as many as the alerts that were sent'
      expect(errors).toMatchObject([{ ...entry, sentence, sent: { alerts: 2 }, stored: { alerts: 1 } }])
      expect(alertRecords()).toHaveLength(2)
      expect(results()).toHaveLength(1)
    })

    it('sends the alerts of a unit that was told as ended without a commit, and is committed anew', async () => {
      const places = [[30, -20], [30.01, -20]] as const // prettier-ignore
      const { unit } = await commit(1, places)
      await forget()
      await db.pool.query(`update unit set work = 'failed'`)
      await transact(db.pool, client => endUnits(client, [unit], 'failed'))
      const stop = await start()
      await told(1)
      await eventually(async () =>
        expect((await db.pool.query(`select from outbox where state = 'sent'`)).rowCount).toBe(1),
      )
      await stop()
      stops.length = 0
      await forget()
      await recommit(1, places)
      await start()
      await published()
      expect(alertRecords()).toHaveLength(2)
      expect(results()).toMatchObject([
        { state: 'failed', alerts: 0 },
        { state: 'published', alerts: 2 },
      ])
      expect((await db.pool.query('select alerts from outbox')).rows).toEqual([{ alerts: 2 }])
      const sentence = 'ended anew after it was told, and nothing is sent twice'
      expect(errors).toMatchObject([{ ...entry, sentence, sent: { alerts: 0 }, stored: { alerts: 2 } }])
    })

    it('knows it of units that sent no alerts, while it runs', async () => {
      const missed = () => dispatch(db.pool)(jobEvent(decision(0, { kind: 'missed', reason: 'nothing came' })))
      await missed()
      await start()
      await told(1)
      await eventually(async () =>
        expect((await db.pool.query(`select from outbox where state = 'sent'`)).rowCount).toBe(1),
      )
      await db.pool.query('truncate unit cascade')
      await missed()
      await eventually(() => expect(errors).toMatchObject([{ code: 'database-forgot' }]))
      expect(results()).toHaveLength(1)
    })
  })

  it.each(['reply lost', 'request lost', 'delayed', 'refused'] as const)(
    'sends everything once when the end of a transaction is %s',
    async fault => {
      const faults = [fault, fault]
      const hop = () => new Promise<void>(resolve => setImmediate(resolve))
      await commit(1, [
        [30, -20],
        [30.02, -20],
      ])
      await start({ hop, fault: request => (request === 'end' ? faults.shift() : undefined) })
      await told(1)
      await commit(2, [[30, -20]])
      await told(2)
      expect(faults).toEqual([])
      await eventually(async () => {
        expect((await unitsSummary(db.pool)).map(unit => unit.work)).toEqual(['published', 'published'])
      })
      expect(alertRecords()).toHaveLength(3)
      expect(new Set(sentAlerts().map(alert => alert.diaSourceId)).size).toBe(3)
    },
    20_000,
  )

  it('holds its time back behind a unit that it cannot pack, and goes on with the others', async () => {
    const { unit } = await commit(1, [[30, -20]], { cutoutKey: 'cutouts/missing' })
    await db.pool.query(`update outbox set terminal_at = now() - interval '1 hour'`)
    const { rows } = await db.pool.query<{ terminal_at: number; shard: number }>(
      'select terminal_at, shard from outbox',
    )
    const [{ terminal_at: end, shard }] = rows as [{ terminal_at: number; shard: number }]
    await commit(2, [[31, -20]])
    await start()
    await told(1)
    const own = () => watermarks().filter(({ from }) => from === `publish#${shard}`)
    await eventually(() => expect(own().length).toBeGreaterThanOrEqual(PARTITIONS))
    expect(new Set(own().map(({ t }) => t))).toEqual(new Set([end]))
    expect(warnings).toContain('cannot pack the alerts of this unit')

    await store.put(bucket, 'cutouts/missing', Buffer.alloc(30))
    await told(2)
    expect(results().map(result => unitKey('LATISS', result.group, 0))).toContain(unit)
    await eventually(() => expect(Math.max(...own().map(({ t }) => t))).toBeGreaterThan(end))
    // Time is told on every partition, behind what it speaks of.
    expect(new Set(watermarks().map(({ from }) => from)).size).toBe(PARTITIONS)
  })
})

it('refuses a number of partitions that would leave shards untold', async () => {
  await commit(1, [])
  await expect(fixShards(db.pool, PARTITIONS + 1)).rejects.toThrow(/has 3 shards and alerts-ledger 4 partitions/)
})
