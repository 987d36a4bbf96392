import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { PipelineJob, PipelineAnswer } from './thread.ts'

/** The pipeline did not end before its deadline; its thread is gone. */
export class PipelineTimeout extends Error {
  override readonly name = 'PipelineTimeout'
}
/** The unit is no longer ours, or the process is stopping; its thread is gone. */
export class PipelineAborted extends Error {
  override readonly name = 'PipelineAborted'
}

/**
 * Pixels are never touched on the main thread, so that heartbeats stay alive whatever an algorithm does.
 * The thread starts at once, so that the first unit does not wait for its modules; it is kept between units and replaced after a deadline, an abort or
 * a crash.
 */
export interface PipelineThread {
  /** Resolves when the first thread has rehearsed. Rejects where that failed: a process that cannot look at pixels should not ask for units. */
  readonly ready: Promise<void>
  /** Inputs are copied into the thread: calibrations stay in the worker's cache. Rejects with what ended the run. */
  run(job: PipelineJob, options: { readonly deadlineMs: number; readonly signal: AbortSignal }): Promise<PipelineAnswer>
  close(): Promise<void>
}

/** `rehearsals`: how often the first thread runs an artificial unit before it is ready; one that replaces it does not, since a unit waits for it. */
export function pipelineThread(rehearsals = 0): PipelineThread {
  let thread: Thread | undefined
  const start = (rehearsals: number) => {
    const started = spawn(rehearsals)
    // A thread that ends between units is nobody's loss: the next unit starts another, and reports what that one says.
    started.ready.catch(() => undefined)
    started.worker.on('error', () => undefined)
    started.worker.once('exit', () => {
      if (thread === started) thread = undefined
    })
    return started
  }
  const first = (thread = start(rehearsals))
  const drop = async () => {
    const old = thread
    thread = undefined
    await old?.worker.terminate()
  }
  return {
    ready: first.ready,
    run: async (job, { deadlineMs, signal }) => {
      if (signal.aborted) throw new PipelineAborted('aborted before it began')
      const running = (thread ??= start(0))
      running.worker.ref()
      const ending = new AbortController()
      try {
        return await Promise.race([
          answerOf(running, job, ending.signal),
          expiry(deadlineMs, ending.signal),
          aborted(signal, ending.signal),
        ])
      } catch (error) {
        await drop()
        throw error
      } finally {
        ending.abort()
        running.worker.unref()
      }
    },
    close: drop,
  }
}

interface Thread {
  readonly worker: Worker
  readonly ready: Promise<void>
}

/** In a checkout the thread must load TypeScript by itself; in the compiled image it starts as it is. */
const entry = import.meta.url.endsWith('.ts') ? './thread-from-source.mjs' : './thread.js'

/** A thread says first that it is ready, and then one answer to each job. It keeps the process alive until it is ready, and while it runs a job. */
function spawn(rehearsals: number): Thread {
  const worker = new Worker(new URL(entry, import.meta.url), { execArgv: [], workerData: { rehearsals } })
  const exited = once(worker, 'exit').then(([code]) => {
    throw new Error(`the pipeline's thread exited with code ${code} before it was ready`)
  })
  exited.catch(() => undefined)
  const ready = Promise.race([once(worker, 'message'), exited]).then(() => worker.unref())
  return { worker, ready }
}

async function answerOf({ worker, ready }: Thread, job: PipelineJob, signal: AbortSignal): Promise<PipelineAnswer> {
  await ready
  const exited = once(worker, 'exit', { signal }).then(([code]) => {
    throw new Error(`the pipeline's thread exited with code ${code}`)
  })
  worker.ref()
  const answered = once(worker, 'message', { signal })
  worker.postMessage(job)
  const [answer] = (await Promise.race([answered, exited])) as [PipelineAnswer]
  return answer
}

async function expiry(ms: number, signal: AbortSignal): Promise<never> {
  await sleep(ms, undefined, { signal })
  throw new PipelineTimeout(`no answer after ${ms} ms`)
}

async function aborted(by: AbortSignal, signal: AbortSignal): Promise<never> {
  await once(by, 'abort', { signal })
  throw new PipelineAborted(String(by.reason))
}
