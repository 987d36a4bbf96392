import { hostname } from 'node:os'
import { type Bell, type Hints, listen, pollingBell } from '../../sinks/postgres/hints.ts'
import { openHistory } from '../../sinks/postgres/history.ts'
import { openLeases } from '../../sinks/ledger/leases.ts'
import type { UnitLedger } from '../../pipeline/worker/ports.ts'
import { storedEphemerides } from '../../pipeline/worker/ephemerides.ts'
import { calibrationCache, type PreloadContext } from '../../pipeline/worker/preload.ts'
import { recordedThread } from '../../pipeline/worker/recording.ts'
import { rehearse } from '../../pipeline/worker/rehearse.ts'
import { sharedLedger, sharedThreads } from '../../pipeline/worker/shared.ts'
import { pipelineThread, type PipelineThread } from '../../pipeline/worker/thread-runner.ts'
import { type RunningWorker, startWorker } from '../../pipeline/worker/worker.ts'
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

/** What the ledger calls the worker of a process on this host; where a process has several, `-1`, `-2` … stand behind it. */
export const workerOf = (pid: number): string => `${hostname()}-${pid}`

/**
 * The workers of a process, `worker.slots` of them: the ledger gives them units, their reports go to pipeline-result. They are members of no group, and share
 * threads, calibrations and connections.
 */
export async function runWorker(world: World): Promise<Running> {
  const { config, pool, store, log, metrics } = world
  const { slots, pollMs, rehearsals, recording, deadlineMs } = config.worker
  const hints = isPooled(config) ? noHints : hintsOf(world)
  const threads = threadsOf(world)
  const cache = calibrationCache(config.worker.calibrationCache)
  const ledger = sharedLedger(openLeases(pool, config.ledger), pollMs / 2, hints.onHint, Date.now)
  const shared = { ledger: metered(ledger, metrics, cache), thread: { ...threads, close: async () => {} }, cache }
  const name = workerOf(process.pid)
  const runs = recording === '' ? rehearsals * config.worker.threads : 0
  const stage = { worker: name, thread: threads, store, bucket: config.s3.centralBucket, deadlineMs, now: Date.now }
  const encode = (result: PipelineResult) => void world.codec.encode('pipeline-result', result)
  const seconds = await rehearse(runs, { ...stage, paddingArcsec: config.worker.paddingArcsec }, encode)
  log.info({ runs, seconds }, 'rehearsed')
  const workers = Array.from({ length: slots }, (_, i) =>
    startOne(world, slots === 1 ? name : `${name}-${i + 1}`, shared, hints.bell()),
  )
  const drain = async () => {
    await Promise.all(workers.map(worker => worker.drain()))
    await threads.close()
  }
  return {
    // One that ends by itself, after its last unit, takes the others with it: whoever runs the process starts a new one.
    ended: Promise.race(workers.map(({ ended }) => ended)).then(drain),
    stop: async () => {
      await drain()
      await hints.close()
    },
  }
}

interface Shared {
  readonly ledger: UnitLedger
  readonly thread: PipelineThread
  readonly cache: PreloadContext['cache']
}

function startOne(world: World, id: string, { ledger, thread, cache }: Shared, bell: Bell): RunningWorker {
  const { config, pool, store, log } = world
  const bucket = config.s3.centralBucket
  const { paddingArcsec, calibrationCache, ephemerisTimeoutMs, deadlineMs, pollMs, heartbeatMs, drainMs, maxUnits } =
    config.worker
  const common = { store, bucket, paddingArcsec }
  return startWorker({
    ...{ id, ledger, log, pollMs, heartbeatMs, drainMs, maxUnits },
    report: report(world),
    preload: {
      ...{ ...common, cache, ephemerisTimeoutMs, geometry: geometryBy(config.decide) },
      ...{ history: openHistory(pool), ephemerides: storedEphemerides(store, bucket) },
    },
    run: { ...common, worker: id, thread, deployment: config.deployment, deadlineMs, now: Date.now },
    holdsLimit: calibrationCache,
    wake: (ms, signal) => bell.next(ms, signal),
  })
}

/** The same ledger, whose answers are counted. A worker asks for a lease when it has none, so until then it is busy. */
function metered(ledger: UnitLedger, metrics: Metrics, cache: { readonly size: number }): UnitLedger {
  const busy = new Set<string>()
  metrics.probe({
    name: 'worker',
    gauges: ['pp_worker_busy', 'pp_worker_calibrations'],
    read: () => [
      { gauge: 'pp_worker_busy', value: busy.size },
      { gauge: 'pp_worker_calibrations', value: cache.size },
    ],
  })
  const left = (how: 'reported' | 'released' | 'handed back') => metrics.add('pp_worker_units_total', { how })
  return {
    ...ledger,
    lease: async worker => {
      busy.delete(worker.id)
      const lease = await ledger.lease(worker)
      if (!lease) return undefined
      busy.add(worker.id)
      metrics.add('pp_worker_leases_total', {})
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
const noHints: Hints = { bell: pollingBell, onHint: () => {}, close: async () => {} }
const hintsOf = ({ config, log }: World): Hints =>
  listen(config.postgres.url, 'unit_ready', error =>
    log.warn({ error: String(error) }, 'no hints from the database; polling goes on'),
  )

/** What looks at the pixels: the pipeline, or in load tests what it once said. */
function threadsOf({ config, store, log }: World): PipelineThread {
  const { recording, recordingMs, threads } = config.worker
  if (recording === '') return sharedThreads(Array.from({ length: threads }, () => pipelineThread()))
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
