import { randomBytes } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest'
import { startKafkaCluster, type KafkaCluster } from '../../dev/services/processes/kafka-cluster.ts'
import { packetKey } from '../../sinks/archive/archive.ts'
import { openObjectStore } from '../../sinks/objects/s3.ts'
import { codec, commitUnit } from '../../sinks/publish/testing/publishing.ts'
import { createDatabase, type TestDatabase } from '../../sinks/testing/database.ts'
import { DataLoss, type LogClient } from '../../streams/log-client.ts'
import type { Config } from '../../streams/main/config.ts'
import { initialise } from '../../streams/main/initialise.ts'
import { startRole } from '../../streams/main/roles.ts'
import { openKafka, openLog, openWorld } from '../../streams/main/world.ts'
import { partitionsOfTopic, readCommitted } from '../../streams/read-topic.ts'
import { dayObsOf } from '../../topology/identifiers.ts'
import { alerts, alertsLedger, detectorResult } from '../../topology/streams.ts'
import { applyPlan as applyReplay } from '../replay/command.ts'
import { configWith, printer } from '../testing/config.ts'
import { applyPlan, showPlan } from './command.ts'
import type { AlertPlan } from './plan.ts'

/**
 * Topics that are lost and made anew (docs/alert-archive-and-resend.md). Topics have fixed names, so the brokers are the test's own; publish and archive
 * run as their processes do, and the orders are those of `pp`.
 */

const services = inject('services')
const store = openObjectStore(services.s3)
const bucket = `test-${randomBytes(6).toString('hex')}`
let db: TestDatabase
let cluster: KafkaCluster
let admin: kafkajs.Admin
let config: Config
let client: LogClient
const running = new Set<() => Promise<void>>()
beforeAll(async () => {
  ;[db, cluster] = await Promise.all([createDatabase(), startKafkaCluster(1, () => undefined)])
  config = configWith({
    ...{ PP_KAFKA_BROKERS: cluster.brokers.join(), PP_REGISTRY_URL: services.registry.url, PP_POSTGRES_URL: db.url },
    ...{ PP_S3_ENDPOINT: services.s3.endpoint, PP_S3_ACCESS_KEY_ID: services.s3.accessKeyId },
    ...{ PP_S3_SECRET_ACCESS_KEY: services.s3.secretAccessKey, PP_S3_ALERT_BUCKET: bucket },
    ...{ PP_KAFKA_SESSION_TIMEOUT_MS: '2000', PP_LOG_LEVEL: 'error' },
  })
  await initialise(config)
  client = await openKafka(config, 'test', openLog(config, 'test'))
  admin = new kafkajs.Kafka({ brokers: [...cluster.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
})
afterAll(async () => {
  await Promise.all([...running].map(stop => stop()))
  await Promise.all([client?.close(), admin?.disconnect()])
  await Promise.all([cluster?.stop(), db?.drop()])
  store.close()
})

const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 20_000, interval: 50 })

/** A process of publish, or one of the archive alone; `ended` has what it ends with by itself. */
async function start(what: 'publish' | 'archive') {
  const world = await openWorld(config, what === 'publish' ? 'publish' : 'effects')
  const ended: Error[] = []
  const role = await startRole(world, [what], error => void ended.push(error)).catch(async (error: unknown) => {
    await world.close()
    throw error
  })
  const stop = async () => {
    if (running.delete(stop)) await role.stop().then(() => world.close())
  }
  running.add(stop)
  return { stop, ended }
}

async function recordsOf(topic: string) {
  const records = await readCommitted(client, await partitionsOfTopic(client, topic))
  return records.filter(({ headers }) => headers['watermark'] === undefined)
}
const sent = async () =>
  (await recordsOf(alerts.topic)).map(({ value, headers }) => ({
    id: codec.decode('lsst.v11_1.alert', value!).diaSourceId,
    bytes: value!.toString('hex'),
    /** Of the resend, where it is one. */
    order: headers['rebroadcast'] && (JSON.parse(String(headers['rebroadcast'])) as { order: string }).order,
  }))
type Sent = Awaited<ReturnType<typeof sent>>
const bytesById = (of: Sent) => of.map(({ id, bytes }) => `${id} ${bytes}`).sort()
const idsOf = (of: Sent) => of.map(({ id }) => id).sort()
const diaSources = async () =>
  (await db.pool.query<{ id: bigint }>('select "diaSourceId" as id from "DiaSource"')).rows.map(({ id }) => id).sort()
const untold = async () => (await db.pool.query(`select from outbox where state = 'pending'`)).rowCount
const told = () => eventually(async () => expect(await untold()).toBe(0))
const archived = async (ids: readonly bigint[]) =>
  Promise.all(ids.map(async id => `${id} ${gunzipSync(await store.get(bucket, packetKey(id))).toString('hex')}`))
const commit = (day: number, ...places: [number, number][]) => commitUnit({ pool: db.pool, store, bucket }, day, places)

async function lose(topic: string): Promise<void> {
  await admin.deleteTopics({ topics: [topic] })
  await eventually(async () => expect((await client.describeTopics([topic])).size).toBe(0))
}
const nightOfUnits = async () => {
  const { rows } = await db.pool.query<{ deadline: number }>('select deadline from outbox limit 1')
  return String(dayObsOf(rows[0]!.deadline))
}
const refuseMarksOn = (table: string) =>
  db.pool.query(
    `create or replace function refuse() returns trigger language plpgsql as 'begin raise exception ''no mark''; end';
     create trigger refuse before update on ${table} for each row execute function refuse()`,
  )
const allowMarksOn = (table: string) => db.pool.query(`drop trigger refuse on ${table}`)
const init = () => initialise(config, () => undefined, ['topics'])
async function planned(night: string): Promise<AlertPlan> {
  const { print, said } = printer()
  await showPlan(config, 'resend', { night, json: true }, print)
  return JSON.parse(said()) as AlertPlan
}

it('the alerts topic, deleted and made anew, has every alert again after a resend of the night: the same ids, the same bytes', async () => {
  await commit(1, [30, -20], [30.02, -20])
  await commit(2, [30, -20])
  await commit(3, [30.04, -20])
  const [publish, archive] = [await start('publish'), await start('archive')]
  await told()
  const before = await sent()
  expect(idsOf(before)).toEqual(await diaSources())
  await eventually(async () => expect((await archived(idsOf(before))).sort()).toEqual(bytesById(before)))
  await publish.stop()
  await archive.stop()
  // Committed, and not sent yet.
  const waiting = await commit(4, [30, -20])

  await lose(alerts.topic)
  await expect(start('publish')).rejects.toThrow(
    /^publish may not start:\n {2}the topic lsst-alerts-v11 does not exist; create the topics of the topology first \(6 partitions\)$/,
  )
  await init()
  // Its journal still says where it stood in the topic that is gone. Were there as many alerts again, it would go on behind them.
  const stale = await start('archive')
  await eventually(() => expect(stale.ended[0]).toBeInstanceOf(DataLoss))
  await stale.stop()
  const why = { reason: 'the topic was lost', by: 'kim' }
  await applyReplay(config, { from: '1h', stages: 'archive', ...why }, () => undefined)
  const night = await nightOfUnits()
  const { id, units, left } = await planned(night)
  expect(units.map(({ sources }) => sources.length)).toEqual([2, 1, 1])
  expect(left.untold).toEqual([waiting.unit])
  await applyPlan(config, 'resend', { night, plan: id, ...why }, () => undefined)
  const again = await start('publish')
  await eventually(async () => expect(await sent()).toHaveLength(5))
  await again.stop()

  const after = await sent()
  expect(idsOf(after)).toEqual(await diaSources())
  expect(bytesById(after.filter(({ order }) => order !== undefined))).toEqual(bytesById(before))
  expect(idsOf(after.filter(({ order }) => order === undefined))).toEqual([...waiting.ids])

  await start('archive')
  await eventually(async () => expect((await archived(idsOf(after))).sort()).toEqual(bytesById(after)))
}, 120_000)

it('the ledger of alerts, deleted and made anew, lets nothing out twice: what was sent without a mark gets it by its result', async () => {
  await Promise.all([...running].map(stop => stop()))
  await refuseMarksOn('outbox')
  const unmarked = await commit(5, [30, -20], [30.02, -20])
  const dying = await start('publish')
  await eventually(async () => expect((await sent()).filter(({ id }) => unmarked.ids.includes(id))).toHaveLength(2))
  await dying.stop()
  await allowMarksOn('outbox')
  const waiting = await commit(6, [30, -20])
  const [out, results] = [await sent(), await recordsOf(detectorResult.topic)]

  await lose(alertsLedger.topic)
  await expect(start('publish')).rejects.toThrow(
    /^publish may not start:\n {2}the topic alerts-ledger does not exist; create the topics of the topology first \(6 partitions\)$/,
  )
  await init()
  const { stop } = await start('publish')
  await told()
  const after = await sent()
  expect(bytesById(after.filter(({ id }) => !waiting.ids.includes(id)))).toEqual(bytesById(out))
  expect(idsOf(after)).toEqual(await diaSources())
  expect(await recordsOf(detectorResult.topic)).toHaveLength(results.length + 1)
  // Its digest was in the entry that is lost.
  const { units } = await planned(await nightOfUnits())
  expect(units.filter(({ isProven }) => !isProven)).toMatchObject([{ unit: unmarked.unit, bytes: null }])
  await stop()
}, 120_000)

it('an order’s part that was sent without its mark when the ledger was lost is sent once more, under the same order', async () => {
  await refuseMarksOn('alert_order_unit')
  const { unit, ids } = await commit(7, [30, -20])
  const first = await start('publish')
  await told()
  const { print, said } = printer()
  await showPlan(config, 'resend', { unit, json: true }, print)
  const { id } = JSON.parse(said()) as AlertPlan
  await applyPlan(config, 'resend', { unit, plan: id, reason: 'lost', by: 'kim' }, () => undefined)
  const ofUnit = async () => (await sent()).filter(it => ids.includes(it.id))
  await eventually(async () => expect(await ofUnit()).toHaveLength(2))
  await first.stop()
  await allowMarksOn('alert_order_unit')

  await lose(alertsLedger.topic)
  await init()
  await start('publish')
  await eventually(async () => expect(await ofUnit()).toHaveLength(3))
  const copies = await ofUnit()
  expect(new Set(copies.map(({ bytes }) => bytes)).size).toBe(1)
  expect(copies.map(({ order }) => order)).toEqual([undefined, id, id])
  await eventually(async () => {
    const { rows } = await db.pool.query(`select state from alert_order_unit where order_id = $1`, [id])
    expect(rows).toEqual([{ state: 'sent' }])
  })
}, 120_000)
