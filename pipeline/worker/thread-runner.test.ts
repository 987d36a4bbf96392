import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
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

const hasPriorities = process.platform === 'linux'
it.skipIf(!hasPriorities)(
  'computes at a lower priority than the process has (skipped: only on Linux a thread has one of its own)',
  async () => {
    const before = getPriority()
    await thread.run(job, { deadlineMs: 20_000, signal: never })
    // Of the fields behind the name, which is in brackets, the 17th is the niceness (proc_pid_stat(5), field 19).
    const niceness = readdirSync('/proc/self/task').map(id => {
      const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8')
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
    })
    expect(Math.max(...niceness)).toBe(Math.min(19, before + 10))
    expect(getPriority()).toBe(before)
  },
)
