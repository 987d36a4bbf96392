import { getPriority, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { diaSourceId } from '../../topology/identifiers.ts'
import { AlgorithmError } from '../images/errors.ts'
import { type ImageInputs, type ImageOutputs, type PipelineName, runPipeline } from '../images/pipeline.ts'

/** One unit's images and what they need, as bytes. */
export interface PipelineJob extends Omit<ImageInputs, 'idOf'> {
  readonly pipeline: PipelineName
}

export type PipelineAnswer =
  /** `remark`: a word for the operator about how they came to be. */
  | { readonly outputs: ImageOutputs; readonly remark?: string }
  /** The algorithm refused, for good: the same bytes would be refused again. */
  | { readonly refused: { readonly code: string; readonly detail: string } }

/** Runs inside the worker thread: one job in, one answer out; anything unforeseen ends the thread with its error. */
function answer(job: PipelineJob): PipelineAnswer {
  const idOf = (counter: number) => diaSourceId(job.visit, job.detector, counter)
  try {
    return { outputs: runPipeline(job.pipeline, { ...job, idOf }) }
  } catch (error) {
    if (error instanceof AlgorithmError) return { refused: { code: error.code, detail: error.message } }
    throw error
  }
}

/**
 * Pixels yield to everything that is short and awaited: heartbeats, leases, reports, and on one machine the brokers too. On Linux 0 means the thread that
 * asks, not its process; elsewhere it would be the process, whose heartbeats must not wait.
 */
const NICER = 10
/** The largest there is. Nobody but root may ask for a smaller one than it has. */
const NICEST = 19
if (parentPort && process.platform === 'linux') setPriority(0, Math.min(NICEST, getPriority(0) + NICER))

parentPort?.on('message', (job: PipelineJob) => parentPort!.postMessage(answer(job)))
