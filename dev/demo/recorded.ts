import { type ImageOutputs, runPipeline } from '../../pipeline/images/pipeline.ts'
import { recordingOf } from '../../pipeline/worker/recording.ts'
import { diaSourceId } from '../../topology/identifiers.ts'
import { biasFits, flatFits, makeCalibrations } from '../night/calibrations.ts'
import { chipOfDetector } from '../night/pixels.ts'
import { planNight } from '../night/plan.ts'
import { primaryHeader, rawFits } from '../night/raw.ts'
import { renderNight } from '../night/render.ts'
import { makeTemplate, templateFits } from '../night/template.ts'

/** Runs the real pipeline on one simulated unit of a small chip and gives what the workers of a night without pixels answer with, and where
 * (pixel, counted from 1) its most significant detection is that no filter would drop. */
export async function recordOneUnit(
  seed: number,
  size: number,
): Promise<{ readonly recording: Uint8Array; readonly detection: { readonly x: number; readonly y: number } }> {
  const plan = planNight({ seed, instrument: 'LATISS', visits: 1, size, start: Date.now() })
  const [detector] = plan.detectors as [(typeof plan.detectors)[0]]
  const [visit] = plan.visits as [(typeof plan.visits)[0]]
  const exposure = visit.exposures[0]!
  const rendered = await renderNight(plan)
  const { raws } = rendered.exposure(visit, exposure, detector)
  const calibrations = makeCalibrations(plan, detector, chipOfDetector(plan, detector))
  const outputs: ImageOutputs = runPipeline('ApPipe', {
    instrument: plan.instrument.name,
    detector: detector.id,
    visit: exposure.id,
    physicalFilter: plan.filter,
    band: plan.band,
    raws: [rawFits(primaryHeader(plan, visit, exposure, detector), rendered.chipOf(detector), raws)],
    bias: biasFits(plan, detector, calibrations),
    flat: flatFits(plan, detector, calibrations),
    templates: [templateFits(plan, makeTemplate(plan, detector))],
    objects: [],
    idOf: counter => diaSourceId(exposure.id, detector.id, counter),
  })
  const good = outputs.sources.find(it => (it.reliability ?? 0) > 0.5 && !it.isNegative && !it.centroid_flag)
  if (!good) throw new Error(`the night of seed ${seed} has no good detection to record`)
  return { recording: recordingOf(outputs), detection: { x: good.x + 1, y: good.y + 1 } }
}
