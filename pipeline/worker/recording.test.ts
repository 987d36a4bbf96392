import { expect, it } from 'vitest'
import { parseDiaSourceId } from '../../topology/identifiers.ts'
import { writeFits } from '../images/fits.ts'
import type { ImageOutputs } from '../images/pipeline.ts'
import { pixelOf, skyOf, wcsCards, type Wcs } from '../images/wcs.ts'
import { recordedThread, recordingOf } from './recording.ts'
import type { PipelineJob } from './thread.ts'

const recorded = {
  ...{ boundary: [], width: 256, height: 256, midpointMjdTai: 1, exposureTime: 15, products: [], metrics: {} },
  sources: [{ diaSourceId: 1n, visit: 1n, detector: 0, ra: 0, dec: 0, x: 100, y: 40, midpointMjdTai: 1 }],
  forced: [{ diaObjectId: null, diaSourceId: 1n, ra: 0, dec: 0, psfFlux: 7, psfFluxErr: 1 }],
  cutouts: [
    { diaSourceId: 1n, difference: new Uint8Array([1]), science: new Uint8Array(), template: new Uint8Array() },
  ],
} as unknown as ImageOutputs

const wcs: Wcs = { crval: [150, -20], crpix: [5000, -3000], cd: [-5e-5, 0, 0, 5e-5] }
const raw = writeFits([{ header: { ...wcsCards(wcs), 'MJD-BEG': 61000, 'MJD-END': 61000.5 } }])
const onChip = { diaObjectId: 9n, ...skyOf(wcs, 120, 60) }
const job = {
  ...{ visit: 2026112200005n, detector: 42, raws: [raw], objects: [onChip, { diaObjectId: 8n, ra: 10, dec: 10 }] },
} as unknown as PipelineJob
const run = (given: PipelineJob, signal = new AbortController().signal, ms = 0) =>
  recordedThread(async () => recordingOf(recorded), ms).run(given, { deadlineMs: 1000, signal })

it('answers as the unit would: with its ids, its sky at the recorded pixels, the time of its header, its known objects', async () => {
  const answer = await run(job)
  if (!('outputs' in answer)) throw new Error('it was refused')
  expect(answer.remark).toContain('answered from a recording')
  const { sources, cutouts, forced, midpointMjdTai, boundary } = answer.outputs
  const [source] = sources
  expect(parseDiaSourceId(source!.diaSourceId)).toMatchObject({ visit: job.visit, detector: 42, counter: 1 })
  expect(pixelOf(wcs, source!)!.x).toBeCloseTo(100, 6)
  expect(pixelOf(wcs, source!)!.y).toBeCloseTo(40, 6)
  expect(cutouts[0]!.diaSourceId).toBe(source!.diaSourceId)
  expect(midpointMjdTai).toBe(61000.25)
  expect(boundary).toHaveLength(4)
  expect(forced.map(it => [it.diaObjectId, it.diaSourceId])).toEqual([
    [9n, null],
    [null, source!.diaSourceId],
  ])
})

it('opens the raws: one that is cut is refused as the pipeline would', async () => {
  const cut = { ...job, raws: [raw.subarray(0, 1000)] }
  expect(await run(cut)).toMatchObject({ refused: { code: 'raw-unreadable' } })
})

it('gives up at once when the unit is taken away', async () => {
  const abort = new AbortController()
  const running = run(job, abort.signal, 60_000)
  abort.abort('lease lost')
  await expect(running).rejects.toThrow('lease lost')
})
