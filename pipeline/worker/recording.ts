import { setTimeout as sleep } from 'node:timers/promises'
import { deserialize, serialize } from 'node:v8'
import type { ForcedPhotometry } from '../../schemas/avro/generated.ts'
import { diaSourceId } from '../../topology/identifiers.ts'
import { AlgorithmError, reading } from '../images/errors.ts'
import { numberOf, readFits } from '../images/fits.ts'
import type { ImageOutputs } from '../images/pipeline.ts'
import { boundaryOf, pixelOf, skyOf, type Wcs, wcsOf } from '../images/wcs.ts'
import type { PipelineAnswer, PipelineJob } from './thread.ts'
import { PipelineAborted, type PipelineThread } from './thread-runner.ts'

/**
 * For load tests: what the pipeline once said of one unit, said again of every unit, as that unit would have it. So many detectors can be
 * run on a machine that could not look at their pixels, and everything around the pipeline is real: preload, raws, products, reports.
 */
export const recordingOf = (outputs: ImageOutputs): Uint8Array => serialize(outputs)

/**
 * Answers each job with the recorded outputs after `pretendMs`: the raws are opened, so that a broken one fails as it would; ids are of the
 * job's visit and detector; pixels keep their places, so the sky is that which the raw's header gives them. `read` is called once, with
 * the first job, and again after it failed.
 */
export function recordedThread(read: () => Promise<Uint8Array>, pretendMs: number): PipelineThread {
  let recorded: Promise<ImageOutputs> | undefined
  return {
    run: async (job, { signal }) => {
      recorded ??= read().then(bytes => deserialize(bytes) as ImageOutputs)
      const outputs = await recorded.catch((error: unknown) => {
        recorded = undefined
        throw error
      })
      await sleep(pretendMs, undefined, { signal }).catch(() => {
        throw new PipelineAborted(String(signal.reason))
      })
      return answerAs(job, outputs)
    },
    close: async () => {},
  }
}

function answerAs(job: PipelineJob, recorded: ImageOutputs): PipelineAnswer {
  try {
    const [{ wcs, begin, end }] = job.raws.map((raw, i) =>
      reading('raw-unreadable', `raw ${i + 1}`, () => aboutRaw(raw)),
    ) as [ReturnType<typeof aboutRaw>]
    const idOf = (index: number) => diaSourceId(job.visit, job.detector, index + 1)
    const midpointMjdTai = (begin + end) / 2
    const about = { visit: job.visit, detector: job.detector, midpointMjdTai }
    const sources = recorded.sources.map((source, i) => ({
      ...{ ...source, ...about, ...skyOf(wcs, source.x, source.y), diaSourceId: idOf(i) },
    }))
    const cutouts = recorded.cutouts.map((stamps, i) => ({ ...stamps, diaSourceId: idOf(i) }))
    const boundary = boundaryOf(wcs, recorded.width, recorded.height)
    return {
      outputs: {
        ...recorded,
        boundary,
        midpointMjdTai,
        sources,
        cutouts,
        forced: forcedAs(job, recorded, wcs, sources),
      },
      remark: 'answered from a recording, not from its pixels',
    }
  } catch (error) {
    if (error instanceof AlgorithmError) return { refused: { code: error.code, detail: error.message } }
    throw error
  }
}

/** What the header of the first raw says; that of a raw without pixels says it too. */
function aboutRaw(bytes: Uint8Array) {
  const { header } = readFits(bytes)[0]!
  return { wcs: wcsOf(header), begin: numberOf(header, 'MJD-BEG'), end: numberOf(header, 'MJD-END') }
}

/** One row at each own detection, and one at each known object on the chip, with fluxes of the recorded ones in turn. */
function forcedAs(
  { objects }: PipelineJob,
  { forced, width, height }: ImageOutputs,
  wcs: Wcs,
  sources: ImageOutputs['sources'],
): ForcedPhotometry[] {
  const measured = forced.filter(({ diaSourceId }) => diaSourceId !== null)
  if (measured.length === 0) return []
  const like = (index: number) => measured[index % measured.length]!
  const known = objects.filter(object => {
    const at = pixelOf(wcs, object)
    return at !== undefined && at.x > -0.5 && at.y > -0.5 && at.x < width - 0.5 && at.y < height - 0.5
  })
  return [
    ...known.map(({ diaObjectId, ra, dec }, i) => ({ ...like(i), diaObjectId, diaSourceId: null, ra, dec })),
    ...sources.map(({ diaSourceId, ra, dec }, i) => ({ ...like(i), diaObjectId: null, diaSourceId, ra, dec })),
  ]
}
