import type { Event } from '../../topology/model/step.ts'
import { partitionsOf, type Role, type Stage } from '../../topology/model/topology.ts'
import type { Effects } from '../../topology/prompt.ts'
import { rawNotification } from '../../topology/streams.ts'
import { archive } from '../../sinks/archive/archive.ts'
import { associate } from '../../sinks/associate/associate.ts'
import { dispatch } from '../../sinks/ledger/dispatch.ts'
import { openUnits } from '../../sinks/ledger/summary.ts'
import { sweep } from '../../sinks/ledger/sweep.ts'
import { metrics } from '../../sinks/metrics/metrics.ts'
import { archiveResults } from '../../sinks/associate/archive-results.ts'
import { repoSync } from '../../sinks/repository/repo-sync.ts'
import { runClock } from '../clock/clock.ts'
import { watchSilence } from '../raws/silence-watch.ts'
import { writerSchemas } from '../registry/registry.ts'
import { runStage } from '../run-stage.ts'
import { systemScheduler } from '../scheduler.ts'
import type { Effect } from '../task/effects.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { dispensable } from './dispensable.ts'
import { runMonths } from './months.ts'
import { rawEffects } from './raw-effects.ts'
import { runPublish } from './publish.ts'
import type { Running } from './running.ts'
import { runWorker } from './worker.ts'
import type { World } from './world.ts'

/** What each process of the deployment runs. The declaration says which stages are whose; `only`: these of them, all where it is not given. */
export function startRole(
  world: World,
  only: readonly string[] | undefined,
  onFatal: (error: Error) => void,
): Promise<Running> {
  const stages = world.topology.stages.filter(({ role, name }) => role === world.role && only?.includes(name) !== false)
  return starters[world.role](world, stages, onFatal)
}

type Starter = (world: World, stages: readonly Stage[], onFatal: (error: Error) => void) => Promise<Running>

const starters: Readonly<Record<Role, Starter>> = {
  clock: (world, stages, onFatal) => {
    const { clock, kafka } = world.config
    const { sessionTimeoutMs } = kafka
    return runClock({ ...runtimeOf(world, stages[0]!), options: clock, sessionTimeoutMs, onFatal })
  },
  steps: (world, stages, onFatal) =>
    together(
      stages.map(stage => {
        if (typeof stage.run === 'string')
          throw new Error(`${stage.name} is no step, yet the process of the steps is to run it`)
        const implementation = { step: stage.run.step }
        return runStage({ ...runtimeOf(world, stage), implementation, onFatal })
      }),
    ),
  effects: (world, stages, onFatal) => {
    const effects = effectsOf(world)
    const running = stages.map(stage => {
      const effect = effects[stage.name as keyof typeof effects]
      const start = (fatal: typeof onFatal) =>
        runStage({ ...runtimeOf(world, stage), implementation: { effect }, onFatal: fatal })
      return DISPENSABLE.has(stage.name) && stages.length > 1
        ? dispensable(stage.name, start, world.log)
        : start(onFatal)
    })
    const beside = (name: string, run: (world: World) => Running) =>
      stages.some(stage => stage.name === name) ? [Promise.resolve(run(world))] : []
    return together([
      ...running,
      ...beside('dispatch', runSweeper),
      ...beside('associate', runMonths),
      ...beside('raw-intake', runSilenceWatch),
    ])
  },
  worker: world => runWorker(world),
  publish: (world, stages, onFatal) => runPublish(world, stages[0]!, onFatal),
}

/** Nothing is decided by them: their fault is not to end dispatch and associate. Alone in a process they end it, to be started anew. */
const DISPENSABLE: ReadonlySet<string> = new Set(['archive', 'metrics'])

const runtimeOf = ({ topology, client, codec, config, log, metrics }: World, stage: Stage) => ({
  ...{ topology, stage, client, codec, log },
  meter: metrics.of(stage.name),
  app: config.app,
  options: {
    maxBatch: config.runtime.commitRecords,
    timeCommitMs: config.runtime.watermarkCommitMs,
    concurrency: stage.name === 'archive' ? config.archive.packetsConcurrency : config.runtime.effectConcurrency,
    maxHeld: config.runtime.maxHeld,
    sessionTimeoutMs: config.kafka.sessionTimeoutMs,
  },
})

/** The compiler asks for one implementation per declared effect, no more and no fewer. */
function effectsOf(world: World): Effects<Effect> {
  const { pool, log } = world
  const count = (what: string, by: number) => world.metrics.add('pp_known_bodies_total', { what }, by)
  return {
    ...rawEffects(world),
    dispatch: logged(dispatch(pool), event => log.debug({ unit: event.key }, 'decision taken up')),
    associate: logged(
      associate(pool, (unit, landing, rows) => {
        const { sources = [], solar = [], expectedBodies } = rows ?? {}
        log.info({ unit, landing, sources: sources.length, bodies: solar.length }, 'report landed')
        if (!rows) return
        count('expected', expectedBodies ?? 0)
        count('seen', solar.length)
        count('units without ephemerides', expectedBodies === undefined ? 1 : 0)
      }),
      event => log.info({ unit: event.key }, 'report taken up'),
    ),
    archive: archiveOf(world),
    'repo-sync': repoSync(pool, batch =>
      log.info({ units: batch.length, datasets: batch.flatMap(({ datasets }) => datasets).length }, 'units registered'),
    ),
    'result-archive': archiveResults(world.store, world.config.s3.centralBucket, world.codec),
    metrics: metrics(log),
  }
}

function archiveOf({ config, store, log, metrics }: World): Effect {
  const { putsConcurrency, gatherMs } = config.archive
  return archive({
    ...{ store, bucket: config.s3.alertBucket, putsConcurrency, gatherMs },
    schemas: writerSchemas(config.registry.url),
    onStored: (alerts, bytes) => {
      metrics.add('pp_archived_alerts_total', {}, alerts)
      metrics.add('pp_archived_bytes_total', {}, bytes)
      log.info({ alerts, bytes }, 'alerts archived')
    },
  })
}

/** Says first what is taken up, so that a log shows which work a process held when it died. */
const logged =
  (effect: Effect, say: (event: Event) => void): Effect =>
  event => {
    say(event)
    return effect(event)
  }

/** The ledger is looked after beside dispatch: by one process at a time, whoever has the lock. */
function runSweeper({ pool, config, log, metrics }: World): Running {
  metrics.probe({
    name: 'ledger',
    gauges: ['pp_ledger_open_units'],
    read: async () =>
      (await openUnits(pool)).map(({ state, units }) => ({
        gauge: 'pp_ledger_open_units',
        labels: { state },
        value: units,
      })),
  })
  const stopping = new AbortController()
  const loop = async () => {
    while (!stopping.signal.aborted) {
      let unfinished = false
      try {
        const swept = await sweep(pool, config.ledger)
        unfinished = swept.unfinished
        for (const how of ['freed', 'failed', 'expired', 'deferred'] as const)
          metrics.add('pp_units_swept_total', { how }, swept[how])
        if (swept.afterGap || swept.freed + swept.failed + swept.expired + swept.deferred > 0)
          log.info(swept, 'ledger swept')
      } catch (error) {
        log.warn({ error: String(error) }, 'the ledger could not be swept; trying again')
      }
      if (!unfinished) await sleep(config.ledger.sweepMs, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }
  const done = loop()
  return {
    stop: async () => {
      stopping.abort()
      await done
    },
  }
}

/** Beside raw-intake, and whether or not that gets on: the ends of the notifications are the brokers' to tell. */
function runSilenceWatch({ client, topology, store, config, log }: World): Running {
  const stopping = new AbortController()
  const of = Array.from({ length: partitionsOf(topology, rawNotification) }, (_, partition) => ({
    topic: rawNotification.topic,
    partition,
  }))
  const done = watchSilence(
    {
      bucket: store,
      rawBucket: config.s3.rawBucket,
      instruments: Object.keys(config.decide.instruments),
      ends: () => client.offsets(of, 'latest'),
      rules: { silenceMs: config.raws.silenceSeconds * 1000, toleranceMs: config.raws.silenceToleranceMs },
      log,
      scheduler: systemScheduler,
    },
    stopping.signal,
  )
  return {
    stop: async () => {
      stopping.abort()
      await done
    },
  }
}

/** Starts all or, where one fails, stops those that did start. */
async function together(starting: readonly Promise<Running>[]): Promise<Running> {
  const outcomes = await Promise.allSettled(starting)
  const running = outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const stop = async () => void (await Promise.all(running.map(each => each.stop())))
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue
    await stop()
    throw outcome.reason
  }
  return { stop }
}
