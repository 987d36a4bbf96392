import { randomBytes } from 'node:crypto'
import { expect, inject } from 'vitest'
import type { PipelineResult } from '../../../schemas/avro/generated.ts'
import { codecWith } from '../../../schemas/codec.ts'
import type { LogRecord } from '../../../streams/log-client.ts'
import { MemoryBroker } from '../../../streams/memory/broker.ts'
import { MemoryClient } from '../../../streams/memory/client.ts'
import { runService } from '../../../streams/run-service.ts'
import { unitKey } from '../../../topology/identifiers.ts'
import { stageOf } from '../../../topology/model/topology.ts'
import { promptTopology } from '../../../topology/prompt.ts'
import { alertsLedger, parked, pipelineResult as reports } from '../../../topology/streams.ts'
import { pipelineResult, source } from '../../../topology/testing/sources.ts'
import { associate } from '../../associate/associate.ts'
import { dispatch } from '../../ledger/dispatch.ts'
import { openLeases } from '../../ledger/leases.ts'
import { openObjectStore } from '../../objects/s3.ts'
import type { Pool } from '../../postgres/pool.ts'
import { pollingBell } from '../../postgres/hints.ts'
import { announcement, decision, event, jobEvent, raw } from '../../testing/builders.ts'
import { createDatabase, type TestDatabase } from '../../testing/database.ts'
import { publishShard } from '../publish.ts'
import { fixShards } from '../shards.ts'

const PARTITIONS = 3
const topology = promptTopology({ partitions: PARTITIONS })
const stage = stageOf(topology, 'publish')
export const codec = codecWith(
  new Map([
    ['lsst.v11_1.alert', 1101],
    ['alerts-ledger', 1],
    ['detector-result', 2],
    ['alerts-retracted', 3],
  ]),
)

/** A database with APDB and ledger, stamps in the store, and publish on brokers in memory. */
export interface Publishing {
  readonly db: TestDatabase
  readonly warnings: string[]
  /** Facts of what was said as an error. */
  readonly errors: object[]
  /** `commitUnit` here. */
  commit(day: number, places: readonly (readonly [ra: number, dec: number])[]): Promise<CommittedUnit>
  /** One process of publish; gives back how to stop it. */
  start(): Promise<() => Promise<void>>
  /** Committed records but for watermarks, in the order of their partitions. */
  recordsIn(topic: string): LogRecord[]
  close(): Promise<void>
}
export interface CommittedUnit {
  readonly unit: string
  readonly visit: bigint
  readonly group: string
  readonly report: PipelineResult
  readonly ids: readonly bigint[]
}

/** Announces, leases and commits LATISS detector 0 with sources at these places, and puts their stamps; each `day` is a visit of its own. */
export async function commitUnit(
  { pool, store, bucket }: { pool: Pool; store: Pick<ReturnType<typeof openObjectStore>, 'put'>; bucket: string },
  day: number,
  places: readonly (readonly [ra: number, dec: number])[],
): Promise<CommittedUnit> {
  const [visit, group] = [2026112100042n + BigInt(day), `visit ${day}`]
  const raws = [{ at: Date.now(), raw: { ...raw(0, visit), group } }]
  await dispatch(pool)(jobEvent(decision(0, { announcement: { ...announcement, group }, raws })))
  const { epoch } = (await openLeases(pool).lease({ id: 'w' }))!
  const midpointMjdTai = 61365 + day
  const more = { visit, midpointMjdTai, psfFlux: 1000 + day }
  const sources = places.map(([ra, dec], i) => source(i + 1, ra, dec, more))
  const about = { visit, exposures: [visit], group, epoch, midpointMjdTai }
  const report = pipelineResult(sources, { ...about, cutoutBucket: bucket, cutoutKey: `cutouts/${day}` })
  await store.put(bucket, `cutouts/${day}`, Buffer.alloc(30 * places.length, day))
  const unit = unitKey('LATISS', group, 0)
  await associate(pool)(event(reports, unit, report))
  return { unit, visit, group, report, ids: sources.map(({ diaSourceId }) => diaSourceId) }
}

export async function publishing(): Promise<Publishing> {
  const db = await createDatabase()
  await fixShards(db.pool, PARTITIONS)
  const store = openObjectStore(inject('services').s3)
  const bucket = `test-${randomBytes(6).toString('hex')}`
  await store.createBucket(bucket)
  const broker = new MemoryBroker(Date.now)
  for (const { topic } of [...stage.writes, parked]) broker.createTopic({ topic, partitions: PARTITIONS, config: {} })
  const running = new Set<() => Promise<void>>()
  const [warnings, errors]: [string[], object[]] = [[], []]
  const nothing = () => undefined
  const warn = (_: object, sentence: string) => void warnings.push(sentence)
  const log = { debug: nothing, info: nothing, warn, error: (facts: object) => void errors.push(facts) }
  return {
    ...{ db, warnings, errors },
    commit: (day, places) => commitUnit({ pool: db.pool, store, bucket }, day, places),
    start: async () => {
      const client = new MemoryClient(broker, `client ${running.size}`)
      const publisher = { pool: db.pool, store, codec, alertPartitions: PARTITIONS, bell: pollingBell, log }
      const service = await runService({
        ...{ topology, stage, client, codec, log },
        app: 'test',
        table: alertsLedger,
        start: task => publishShard(publisher, task),
        onFatal: error => expect.unreachable(error.message),
      })
      const stop = async () => {
        if (running.delete(stop)) await service.stop()
      }
      running.add(stop)
      return stop
    },
    recordsIn: topic =>
      Array.from({ length: PARTITIONS }, (_, partition) => broker.committedRecords({ topic, partition }))
        .flat()
        .filter(({ headers }) => headers['watermark'] === undefined),
    close: async () => {
      await Promise.all([...running].map(stop => stop()))
      store.close()
      await db.drop()
    },
  }
}
