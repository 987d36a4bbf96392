import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { counted } from './counted.ts'
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
  /** Inputs are copied into the thread, those in shared memory excepted (see `ObjectStore.getShared`). Rejects with what ended the run. */
  run(job: PipelineJob, options: { readonly deadlineMs: number; readonly signal: AbortSignal }): Promise<PipelineAnswer>
  close(): Promise<void>
}

export function pipelineThread(): PipelineThread {
  let thread: Worker | undefined
  const start = () => {
    const started = spawn()
    started.unref()
    // A thread that ends between units is nobody's loss: the next unit starts another, and reports what that one says.
    started.on('error', () => undefined)
    started.once('exit', () => {
      if (thread === started) thread = undefined
    })
    return started
  }
  thread = start()
  const drop = async () => {
    const old = thread
    thread = undefined
    await old?.terminate()
  }
  return {
    run: async (job, { deadlineMs, signal }) => {
      if (signal.aborted) throw new PipelineAborted('aborted before it began')
      thread ??= start()
      const running = thread
      running.ref()
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
        running.unref()
      }
    },
    close: drop,
  }
}

async function answerOf(thread: Worker, job: PipelineJob, signal: AbortSignal): Promise<PipelineAnswer> {
  const exited = once(thread, 'exit', { signal }).then(([code]) => {
    throw new Error(`the pipeline's thread exited with code ${code}`)
  })
  const answered = once(thread, 'message', { signal })
  thread.postMessage(job)
  const [answer] = (await Promise.race([answered, exited])) as [PipelineAnswer]
  if ('outputs' in answer) for (const { bytes } of answer.outputs.products) counted(bytes)
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

/** In a checkout the thread must load TypeScript by itself; in the compiled image it starts as it is. */
const entry = import.meta.url.endsWith('.ts') ? './thread-from-source.mjs' : './thread.js'
const spawn = () => new Worker(new URL(entry, import.meta.url), { execArgv: [] })
