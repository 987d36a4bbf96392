import { describe, expect, it } from 'vitest'
import type { Announcement } from '../../schemas/avro/generated.ts'
import { writeFits } from '../images/fits.ts'
import type { ImageOutputs } from '../images/pipeline.ts'
import type { Lease } from './ports.ts'
import type { Preloaded } from './preload.ts'
import { choosePipeline, runUnit } from './run-unit.ts'
import type { PipelineAnswer, PipelineJob } from './thread.ts'

const bytes = new Uint8Array(1)
const everything: Preloaded = {
  band: 'r',
  bias: bytes,
  flat: bytes,
  templates: [bytes],
  objects: [],
  inputs: [],
  missing: [],
  ephemerides: [],
  remarks: [],
}

it('takes the first pipeline whose inputs are there', () => {
  const preferred = ['ApPipe', 'SingleFrame', 'Isr']
  expect(choosePipeline(preferred, everything)).toEqual({ pipeline: 'ApPipe' })
  expect(choosePipeline(preferred, { ...everything, templates: [] })).toEqual({ pipeline: 'SingleFrame' })
  expect(choosePipeline(preferred, { ...everything, templates: [], flat: undefined })).toEqual({ pipeline: 'Isr' })
})

it('says of every pipeline what it lacks, and what was looked for in vain', () => {
  const found = { ...everything, bias: undefined, templates: [], missing: ['no bias under LATISS/calib/bias/0/'] }
  expect(choosePipeline(['ApPipe', 'Quantum'], found)).toEqual({
    refusal:
      'ApPipe needs bias and templates; Quantum is not a pipeline of this worker (ApPipe, SingleFrame, Isr); ' +
      'no bias under LATISS/calib/bias/0/',
  })
})

describe('exposures of another rotation than announced', () => {
  const announcement: Announcement = {
    ...{ instrument: 'LATISS', group: 'g', salIndex: 2, scriptSalIndex: 1, ra: 10, dec: -20, rotation: 42 },
    ...{ dome: 'OPEN', filters: 'r', duration: 20, nimages: 2, survey: 's', totalCheckpoints: 1 },
    ...{ startTimeTai: 0, publishedAt: 0 },
  }
  const outputs: ImageOutputs = {
    ...{ boundary: [], width: 1, height: 1, midpointMjdTai: 61000, exposureTime: 15, sources: [], forced: [] },
    ...{ cutouts: [], products: [], metrics: {} },
  }
  /** A unit of two snaps taken at these sky angles; what its report says and what the pipeline was given. */
  const run = (...angles: number[]) => runAnswered({ outputs }, ...angles)
  async function runAnswered(answer: PipelineAnswer, ...angles: number[]) {
    const raws = angles.map((_, i) => ({
      at: i,
      raw: {
        ...{ instrument: 'LATISS', group: 'g', detector: 0, snap: i, exposure: BigInt(2026112200001 + i) },
        ...{ bucket: 'raw', key: `${i}`, size: null, eTag: null },
      },
    }))
    const lease: Lease = {
      ...{ unit: 'LATISS/g/0', announcement, detector: 0, pipelines: ['Isr'], deadline: 1 },
      ...{ epoch: 1, attempt: 0, raws, at: 5, leasedAt: 6 },
    }
    const jobs: PipelineJob[] = []
    const result = await runUnit(
      lease,
      everything,
      {
        worker: 'w',
        store: {
          getShared: async (_bucket, key) => writeFits([{ header: { ROTPA: angles[Number(key)]! } }]),
          put: async () => ({ size: 1, sha256: 'd' }),
        },
        thread: { run: async job => (jobs.push(job), answer), close: async () => {} },
        ...{ bucket: 'central', deployment: 'd', deadlineMs: 1, paddingArcsec: 30, now: () => 7 },
      },
      new AbortController().signal,
    )
    return { result, jobs }
  }

  it('are left out: the unit runs on the rest, which names the visit, and says so', async () => {
    const { result, jobs } = await run(-45, 42.5)
    expect(jobs).toMatchObject([{ visit: 2026112200002n, raws: [expect.anything()] }])
    expect(result).toMatchObject({ outcome: 'succeeded', visit: 2026112200002n, exposures: [2026112200002n] })
    expect(result.metrics).toMatchObject({ rejectedExposures: 1 })
    expect(result.detail).toMatch(/^exposure 2026112200001: its sky angle \(ROTPA\) is -45.00°; 42.00° was announced/)
  })

  it('fail the unit when there is no other, with every sentence', async () => {
    const { result, jobs } = await run(-45, 180)
    expect(jobs).toEqual([])
    expect(result).toMatchObject({ outcome: 'failed', reason: 'rejected-exposures' })
    expect(result.detail).toMatch(/exposure 2026112200001: .*; exposure 2026112200002: /)
  })

  it('are none where all is well, and nothing is said', async () => {
    const { result } = await run(42, 42)
    expect(result).toMatchObject({ outcome: 'succeeded', detail: null, exposures: [2026112200001n, 2026112200002n] })
  })

  it('are told beside what the pipeline remarks of its answer', async () => {
    const { result } = await runAnswered({ outputs, remark: 'answered from a recording' }, -45, 42)
    expect(result.detail).toMatch(/^exposure 2026112200001: .*; answered from a recording$/)
  })
})
