import { hostname } from 'node:os'
import { type Hints, listen, pollingBell } from '../../sinks/postgres/hints.ts'
import { openHistory } from '../../sinks/postgres/history.ts'
import { openLeases } from '../../sinks/ledger/leases.ts'
import { calibrationCache } from '../../pipeline/worker/preload.ts'
import { recordedThread } from '../../pipeline/worker/recording.ts'
import { pipelineThread, type PipelineThread } from '../../pipeline/worker/thread-runner.ts'
import type { UnitLedger } from '../../pipeline/worker/ports.ts'
import { startWorker } from '../../pipeline/worker/worker.ts'
import { geometryOf, type Geometry } from '../../topology/camera.ts'
import { unitKey } from '../../topology/identifiers.ts'
import { instruments } from '../../topology/instruments.ts'
import { pipelineResult } from '../../topology/streams.ts'
import type { PipelineResult } from '../../schemas/avro/generated.ts'
import type { Settings } from '../../topology/settings.ts'
import { outRecord } from '../task/records.ts'
import type { Metrics } from './metrics.ts'
import type { Running } from './running.ts'
import { isPooled, type World } from './world.ts'

/** The worker: the ledger gives it units, its report goes to pipeline-result. It is a member of no group. */
export async function runWorker(world: World): Promise<Running> {
  const { config, pool, store, log, metrics } = world
  const id = `${hostname()}-${process.pid}`
  const hints = isPooled(config) ? noHints : hintsOf(world)
  const bell = hints.bell()
  const bucket = config.s3.centralBucket
  const cache = calibrationCache(config.worker.calibrationCache)
  const thread = threadOf(world)
  await thread.ready
  const worker = startWorker({
    id,
    ledger: metered(openLeases(pool, config.ledger), metrics, cache),
    report: report(world),
    preload: {
      store,
      history: openHistory(pool),
      bucket,
      geometry: geometryBy(config.decide),
      paddingArcsec: config.worker.paddingArcsec,
      cache,
    },
    run: {
      worker: id,
      store,
      bucket,
      thread,
      deployment: config.deployment,
      deadlineMs: config.worker.deadlineMs,
      paddingArcsec: config.worker.paddingArcsec,
      now: Date.now,
    },
    log,
    holdsLimit: config.worker.calibrationCache,
    pollMs: config.worker.pollMs,
    heartbeatMs: config.worker.heartbeatMs,
    drainMs: config.worker.drainMs,
    maxUnits: config.worker.maxUnits,
    wake: (ms, signal) => bell.next(ms, signal),
  })
  return {
    ended: worker.ended,
    stop: async () => {
      await worker.drain()
      await hints.close()
    },
  }
}

/** The same ledger, whose answers are counted. The worker asks for a lease when it has none, so until then it is busy. */
function metered(ledger: UnitLedger, metrics: Metrics, cache: { readonly size: number }): UnitLedger {
  let isBusy = false
  metrics.probe({
    name: 'worker',
    gauges: ['pp_worker_busy', 'pp_worker_calibrations'],
    read: () => [
      { gauge: 'pp_worker_busy', value: isBusy ? 1 : 0 },
      { gauge: 'pp_worker_calibrations', value: cache.size },
    ],
  })
  const left = (how: 'reported' | 'released' | 'handed back') => metrics.add('pp_worker_units_total', { how })
  return {
    ...ledger,
    lease: async worker => {
      isBusy = false
      const lease = await ledger.lease(worker)
      isBusy = lease !== undefined
      if (isBusy) metrics.add('pp_worker_leases_total', {})
      return lease
    },
    reported: async (...unit) => {
      left('reported')
      return ledger.reported(...unit)
    },
    release: async (...unit) => {
      left('released')
      return ledger.release(...unit)
    },
    handBack: async (...unit) => {
      left('handed back')
      return ledger.handBack(...unit)
    },
  }
}

/** A hint needs a session of its own. Workers behind a pooler are too many for that, and poll. */
const noHints: Hints = { bell: pollingBell, close: async () => {} }
const hintsOf = ({ config, log }: World): Hints =>
  listen(config.postgres.url, 'unit_ready', error =>
    log.warn({ error: String(error) }, 'no hints from the database; polling goes on'),
  )

/** What looks at the pixels: the pipeline, or in load tests what it once said. */
function threadOf({ config, store, log }: World): PipelineThread {
  const { recording, recordingMs, rehearsals } = config.worker
  if (recording === '') return pipelineThread(rehearsals)
  log.error(
    { code: 'recorded-pipeline', recording, deployment: config.deployment },
    'no pixels are looked at: every unit is answered from a recording (worker.recording)',
  )
  return recordedThread(() => store.get(config.s3.centralBucket, recording), recordingMs)
}

/** Where a detector of the deployment sits and how large it is; undefined for what is not known. */
const geometryBy =
  (settings: Settings) =>
  (name: string, id: number): Geometry | undefined => {
    const instrument = instruments.get(name)
    const detector = instrument?.detectors.find(it => it.id === id)
    return instrument && detector && geometryOf(instrument, detector, settings.instruments[name]?.chip)
  }

/** Acknowledged by all replicas before the ledger is told: a marked report is never lost. */
const report =
  ({ topology, codec, client }: World) =>
  async (result: PipelineResult, at: number): Promise<void> => {
    const key = unitKey(result.instrument, result.group, result.detector)
    const value = codec.encode('pipeline-result', result)
    await client.produce([outRecord(topology, pipelineResult, { key, value, at, replay: result.attempt }, 0)])
  }
