import { afterEach, expect, it } from 'vitest'
import { PipelineAborted, PipelineTimeout, pipelineThread } from './thread-runner.ts'
import type { PipelineJob } from './thread.ts'

const job: PipelineJob = {
  pipeline: 'Isr',
  instrument: 'LATISS',
  detector: 0,
  visit: 2026112200001n,
  physicalFilter: 'SDSSr_65mm~empty',
  band: 'r',
  raws: [Buffer.from('SIMPLE')],
  bias: new Uint8Array(10),
  flat: undefined,
  templates: [],
  objects: [],
}
const never = new AbortController().signal
const thread = pipelineThread()
afterEach(() => thread.close())

it('gives the refusal of the algorithm as an answer, and serves the next job', async () => {
  for (let n = 0; n < 2; n++) {
    const answer = await thread.run(job, { deadlineMs: 20_000, signal: never })
    expect(answer).toMatchObject({ refused: { code: 'raw-unreadable' } })
  }
})

it('ends at its deadline, and a new thread serves the next job', async () => {
  await expect(thread.run(job, { deadlineMs: 0, signal: never })).rejects.toBeInstanceOf(PipelineTimeout)
  expect(await thread.run(job, { deadlineMs: 20_000, signal: never })).toHaveProperty('refused')
})

it('ends when the lease is lost, before and during the run', async () => {
  await expect(thread.run(job, { deadlineMs: 20_000, signal: AbortSignal.abort('lost') })).rejects.toBeInstanceOf(
    PipelineAborted,
  )
  const lost = new AbortController()
  const running = thread.run(job, { deadlineMs: 20_000, signal: lost.signal })
  lost.abort('the lease is gone')
  await expect(running).rejects.toThrow('the lease is gone')
})
