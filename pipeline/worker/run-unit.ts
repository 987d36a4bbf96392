import type { PipelineResult, UsedRaw } from '../../schemas/avro/generated.ts'
import { type ImageOutputs, type InputName, type PipelineName, PIPELINES, requiredInputs } from '../images/pipeline.ts'
import { passGate, type Snap, wordsOf } from './gate.ts'
import { predict } from '../../topology/association/ephemeris.ts'
import { counted } from './counted.ts'
import type { Lease, ObjectStore } from './ports.ts'
import type { Preloaded } from './preload.ts'
import { attemptPrefix, storeCutouts, storeProducts } from './products.ts'
import type { PipelineJob } from './thread.ts'
import type { PipelineThread } from './thread-runner.ts'

export interface RunContext {
  readonly worker: string
  readonly store: Pick<ObjectStore, 'getShared' | 'put'>
  readonly thread: PipelineThread
  /** Bucket of products and cutouts. */
  readonly bucket: string
  /** Names code and configuration in the run's name. */
  readonly deployment: string
  readonly deadlineMs: number
  /** How far the preload reached beyond the detector's edge. */
  readonly paddingArcsec: number
  readonly now: () => number
}

/**
 * Runs one leased unit on what it has and gives the report to send.
 * A refusal by the algorithm is a report too (`failed`); whatever a retry may heal is thrown: the store, the thread, time.
 */
export async function runUnit(
  lease: Lease,
  preloaded: Preloaded,
  context: RunContext,
  signal: AbortSignal,
): Promise<PipelineResult> {
  const started = context.now()
  const blank = blankResult(lease, preloaded, context)
  const failed = (reason: string, detail: string, pipeline: string | null): PipelineResult => ({
    ...blank,
    ...{ outcome: 'failed', reason, detail, pipeline, finishedAt: context.now() },
  })
  const choice = choosePipeline(lease.pipelines, preloaded)
  if ('refusal' in choice) return failed('no-runnable-pipeline', choice.refusal, null)
  const { pipeline } = choice
  const { kept, rejected, remarks } = passGate(
    lease.announcement,
    await readSnaps(lease, context),
    context.paddingArcsec,
  )
  if (kept.length === 0) return failed('rejected-exposures', rejected.join('; '), pipeline)
  const read = context.now()
  const job = jobOf(lease, preloaded, pipeline, kept)
  const answer = await context.thread.run(job, { deadlineMs: context.deadlineMs, signal })
  if ('refused' in answer) return failed(answer.refused.code, answer.refused.detail, pipeline)
  const computed = context.now()
  const stored = await storeOutputs(
    answer.outputs,
    attemptPrefix(lease, job.visit, pipeline, context.deployment),
    context,
  )
  const finished = context.now()
  const { boundary, width, height, midpointMjdTai, exposureTime, sources, forced, metrics } = answer.outputs
  return {
    ...blank,
    ...{ pipeline, boundary, width, height, midpointMjdTai, exposureTime, sources, forced },
    ...stored,
    ...exposuresOf(kept.map(({ used }) => used)),
    ...wordsOf(kept[0]!),
    // It went well all the same: a word for the operator.
    detail:
      [...rejected, ...remarks, ...aboutBodies(preloaded, midpointMjdTai), ...listOf(answer.remark)].join('; ') || null,
    metrics: {
      ...metrics,
      rejectedExposures: rejected.length,
      ...(preloaded.ephemerides ? { ephemerides: preloaded.ephemerides.length } : { ephemeridesMissing: 1 }),
      rawReadSeconds: (read - started) / 1000,
      pipelineSeconds: (computed - read) / 1000,
      productStoreSeconds: (finished - computed) / 1000,
    },
    finishedAt: finished,
  }
}

const listOf = <T>(item: T | undefined): T[] => (item === undefined ? [] : [item])

/** What an operator should hear about the ephemerides of an exposure. */
function aboutBodies({ ephemerides, remarks }: Preloaded, midpointMjdTai: number): string[] {
  const late = ephemerides?.filter(ephemeris => predict(ephemeris, midpointMjdTai) === undefined).length ?? 0
  return [...remarks, ...(late > 0 ? [`${late} ephemerides are for another time than that of the exposure`] : [])]
}

const readSnaps = (lease: Lease, { store }: RunContext): Promise<Snap[]> =>
  Promise.all(
    lease.raws.map(async used => ({ used, bytes: counted(await store.getShared(used.raw.bucket, used.raw.key)) })),
  )

const jobOf = (
  lease: Lease,
  { band, bias, flat, templates, objects }: Preloaded,
  pipeline: PipelineName,
  snaps: readonly Snap[],
): PipelineJob => ({
  pipeline,
  instrument: lease.announcement.instrument,
  detector: lease.detector,
  visit: exposuresOf(snaps.map(({ used }) => used)).visit,
  physicalFilter: lease.announcement.filters,
  raws: snaps.map(({ bytes }) => bytes),
  ...{ band, bias, flat, templates, objects },
})

/** A visit is named by its first exposure that counts. */
const exposuresOf = (raws: readonly UsedRaw[]) => ({
  visit: raws[0]!.raw.exposure,
  exposures: raws.map(({ raw }) => raw.exposure),
})

async function storeOutputs(outputs: ImageOutputs, prefix: string, { store, bucket }: RunContext) {
  const [products, cutouts] = await Promise.all([
    storeProducts(store, bucket, prefix, outputs.products),
    storeCutouts(store, bucket, prefix, outputs.cutouts),
  ])
  return {
    products,
    cutoutBucket: cutouts ? bucket : null,
    cutoutKey: cutouts?.key ?? null,
    cutouts: cutouts?.spans ?? [],
  }
}

/**
 * The first pipeline whose inputs are there. Falling back ends here: a pipeline that has begun never falls back,
 * since partial outputs would exist (Rubin's rule).
 */
export function choosePipeline(
  preferred: readonly string[],
  preloaded: Preloaded,
): { readonly pipeline: PipelineName } | { readonly refusal: string } {
  const lacks: string[] = []
  for (const name of preferred) {
    const pipeline = PIPELINES.find(known => known === name)
    if (!pipeline) {
      lacks.push(`${name} is not a pipeline of this worker (${PIPELINES.join(', ')})`)
      continue
    }
    const absent = requiredInputs(pipeline).filter(input => isAbsent(preloaded, input))
    if (absent.length === 0) return { pipeline }
    lacks.push(`${pipeline} needs ${absent.join(' and ')}`)
  }
  return { refusal: [...lacks, ...preloaded.missing].join('; ') || 'the visit asks for no pipeline' }
}

/** A leased unit has raws; whether they can be read is for the pipeline to say. */
function isAbsent(preloaded: Preloaded, input: InputName): boolean {
  if (input === 'raws') return false
  return input === 'templates' ? preloaded.templates.length === 0 : preloaded[input] === undefined
}

const blankResult = (lease: Lease, preloaded: Preloaded, { worker }: RunContext): PipelineResult => ({
  instrument: lease.announcement.instrument,
  group: lease.announcement.group,
  detector: lease.detector,
  attempt: lease.attempt,
  epoch: lease.epoch,
  worker,
  outcome: 'succeeded',
  reason: null,
  detail: null,
  pipeline: null,
  ...exposuresOf(lease.raws),
  band: preloaded.band || null,
  midpointMjdTai: null,
  exposureTime: null,
  width: 0,
  height: 0,
  boundary: [],
  observationReason: null,
  targetName: null,
  ephemerides: preloaded.ephemerides,
  sources: [],
  forced: [],
  cutoutBucket: null,
  cutoutKey: null,
  cutouts: [],
  products: [],
  metrics: {},
  leasedAt: lease.leasedAt,
  finishedAt: null,
})
