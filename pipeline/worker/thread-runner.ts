import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
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
 * The thread is kept between units and replaced after a deadline, an abort or a crash.
 */
export interface PipelineThread {
  /** Inputs are copied into the thread: calibrations stay in the worker's cache. Rejects with what ended the run. */
  run(job: PipelineJob, options: { readonly deadlineMs: number; readonly signal: AbortSignal }): Promise<PipelineAnswer>
  close(): Promise<void>
}

export function pipelineThread(): PipelineThread {
  let thread: Worker | undefined
  const drop = async () => {
    const old = thread
    thread = undefined
    await old?.terminate()
  }
  return {
    run: async (job, { deadlineMs, signal }) => {
      if (signal.aborted) throw new PipelineAborted('aborted before it began')
      thread ??= spawn()
      const running = thread
      running.ref()
      let timer: NodeJS.Timeout | undefined
      let abort = () => {}
      try {
        return await new Promise<PipelineAnswer>((resolve, reject) => {
          timer = setTimeout(() => reject(new PipelineTimeout(`no answer after ${deadlineMs} ms`)), deadlineMs)
          abort = () => reject(new PipelineAborted(String(signal.reason)))
          signal.addEventListener('abort', abort)
          running.once('message', resolve)
          running.once('error', reject)
          running.once('exit', code => reject(new Error(`the pipeline's thread exited with code ${code}`)))
          running.postMessage(job)
        })
      } catch (error) {
        await drop()
        throw error
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        running.removeAllListeners()
        running.unref()
      }
    },
    close: drop,
  }
}

/** From TypeScript the thread needs the loader that its parent has; from the compiled image it needs nothing. */
function spawn(): Worker {
  const here = import.meta.url
  if (!here.endsWith('.ts')) return new Worker(new URL('./thread.js', here))
  const loader = pathToFileURL(createRequire(here).resolve('tsx')).href
  return new Worker(new URL('./thread.ts', here), { execArgv: ['--import', loader] })
}
