import { expect, it } from 'vitest'
import type { PipelineResult } from '../../schemas/avro/generated.ts'
import { rehearse } from './rehearse.ts'
import { outputs } from './testing/repository.ts'
import type { PipelineAnswer, PipelineJob } from './thread.ts'

/** A thread that says this, and a store that keeps so much of what it is given. */
function stage(answer: PipelineAnswer, kept = 1) {
  const objects = new Map<string, Uint8Array>()
  const jobs: PipelineJob[] = []
  return {
    objects,
    jobs,
    context: {
      ...{ worker: 'w', bucket: 'central', deadlineMs: 1000, paddingArcsec: 30, now: () => 7 },
      thread: { run: async (job: PipelineJob) => (jobs.push(job), answer), close: async () => {} },
      store: {
        getShared: async (_bucket: string, key: string) => objects.get(key)!,
        put: async (_bucket: string, key: string, bytes: Uint8Array) => {
          objects.set(key, bytes.subarray(0, kept * bytes.length))
          return { size: bytes.length, sha256: '' }
        },
      },
    },
  }
}
const products = [{ datasetType: 'difference_image' as const, bytes: new Uint8Array(8) }]

const never = () => expect.unreachable()

it('runs the artificial unit as often as it is told, and leaves its products once', async () => {
  const { objects, jobs, context } = stage({ outputs: { ...outputs, products } })
  const reports: PipelineResult[] = []
  expect(await rehearse(3, context, result => reports.push(result))).toBeGreaterThan(0)
  expect(jobs.map(({ pipeline }) => pipeline)).toEqual(['ApPipe', 'ApPipe', 'ApPipe'])
  expect(reports.map(({ outcome, group }) => `${group} ${outcome}`)).toEqual(Array(3).fill('rehearsal succeeded'))
  const product = 'LATISS/prompt/output-2026-11-22/ApPipe/rehearsal/rehearsal/0/a0-e0/difference_image.fits'
  expect([...objects.keys()]).toEqual(['rehearsal/raw.fits', product])
  expect(await rehearse(0, context, never)).toBe(0)
})

it.each([
  ['a pipeline that refuses', { refused: { code: 'c', detail: 'no stars' } }, 1, 'refused: no stars'],
  ['a store that loses half', { outputs: { ...outputs, products } }, 0.5, '8 bytes were stored, and 4 read back'],
] as const)('fails with %s', async (_what, answer, kept, sentence) => {
  await expect(rehearse(1, stage(answer, kept).context, never)).rejects.toThrow(sentence)
})
