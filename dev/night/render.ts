import { setImmediate as breathe } from 'node:timers/promises'
import { pixelOfSky } from '../../topology/camera.ts'
import type { Chip } from './detector.ts'
import { bodiesIn, chipOfDetector, renderExposure, type RenderedExposure, trueWcs } from './pixels.ts'
import type { DetectorPlan, ExposurePlan, NightPlan, VisitPlan } from './plan.ts'

/** Every pixel of a night, rendered before it begins: during the night the machine belongs to the system under test. */
export interface RenderedNight {
  readonly chipOf: (detector: DetectorPlan) => Chip
  readonly exposure: (visit: VisitPlan, exposure: ExposurePlan, detector: DetectorPlan) => RenderedExposure
}

/** No pixels; but where bodies stand, a recorded result will have seen them. */
const pixelless = (plan: NightPlan): RenderedNight => ({
  chipOf: ({ id }) => {
    throw new Error(`detector ${id} has no chip: the night is one without pixels`)
  },
  exposure: (visit, _exposure, detector) => {
    const { size } = plan.options
    const onChip = bodiesIn(plan, visit).flatMap(body => {
      const at = pixelOfSky(trueWcs(detector, visit), body)
      const isInside = at && Math.min(at.x, at.y, size + 1 - at.x, size + 1 - at.y) > 0.5
      return isInside ? [{ ...body, ...at, snr: 100, isolated: true }] : []
    })
    return { raws: [], injected: onChip }
  },
})

const nameOf = (visit: number, snap: number, detector: number) => `${visit}/${snap}/${detector}`

/**
 * Renders all raws of the plan, a fifth of a second and 2 MB each at 1024², kept in memory. The result serves the same plan with another
 * start too. `progress` is told after each raw; rejects with the signal's reason when aborted.
 */
export async function renderNight(
  plan: NightPlan,
  progress: (done: number, of: number) => void = () => {},
  signal: AbortSignal = new AbortController().signal,
): Promise<RenderedNight> {
  if (!plan.options.pixels) return pixelless(plan)
  const chips = new Map(plan.detectors.map(detector => [detector.id, chipOfDetector(plan, detector)]))
  const rendered = new Map<string, RenderedExposure>()
  const total = plan.visits.reduce((sum, { exposures }) => sum + exposures.length, 0) * plan.detectors.length
  for (const visit of plan.visits)
    for (const { snap } of visit.exposures)
      for (const detector of plan.detectors) {
        await breathe()
        signal.throwIfAborted()
        const exposure = renderExposure(plan, visit, detector, snap, chips.get(detector.id)!)
        rendered.set(nameOf(visit.index, snap, detector.id), exposure)
        progress(rendered.size, total)
      }
  return {
    chipOf: detector => chips.get(detector.id)!,
    exposure: (visit, { snap }, detector) => rendered.get(nameOf(visit.index, snap, detector.id))!,
  }
}
