import { writeFits } from '../../pipeline/images/fits.ts'
import { taiSecondsOfInstant } from '../../topology/model/time.ts'
import { biasFits, flatFits, makeCalibrations } from './calibrations.ts'
import { chipOfDetector } from './pixels.ts'
import type { DetectorPlan, NightPlan } from './plan.ts'
import { makeTemplate, templateCorners, templateFits } from './template.ts'

export interface RepositoryFile {
  readonly key: string
  readonly bytes: Uint8Array
}

/**
 * What the central repository must hold before the night: bias, flat and template of each detector, and the index of the templates.
 * One file at a time, so that the caller can upload and show progress between them; the index comes last.
 */
export function* centralRepository(plan: NightPlan): Generator<RepositoryFile> {
  const { instrument, filter, band, options } = plan
  const validity = validityAround(plan)
  const templates: { key: string; corners: [number, number][] }[] = []
  for (const detector of plan.detectors) {
    const { bias, flat, template } = options.pixels ? filesOf(plan, detector) : PIXELLESS
    const folder = `${instrument.name}/calib`
    yield { key: `${folder}/bias/${detector.id}/${validity}.fits`, bytes: bias }
    yield { key: `${folder}/flat/${filter}/${detector.id}/${validity}.fits`, bytes: flat }
    // One tract per field, one patch per detector.
    const key = `${instrument.name}/template/${band}/${options.seed}/${detector.id}.fits`
    yield { key, bytes: template }
    templates.push({ key, corners: templateCorners(plan, detector).map(({ ra, dec }) => [ra, dec]) })
  }
  const index = new TextEncoder().encode(JSON.stringify({ templates }))
  yield { key: `${instrument.name}/template/${band}/index.json`, bytes: index }
}

function filesOf(plan: NightPlan, detector: DetectorPlan) {
  const calibrations = makeCalibrations(plan, detector, chipOfDetector(plan, detector))
  return {
    bias: biasFits(plan, detector, calibrations),
    flat: flatFits(plan, detector, calibrations),
    template: templateFits(plan, makeTemplate(plan, detector)),
  }
}

/** Without pixels a file need only be there to be found. */
const empty = writeFits([{ header: {} }])
const PIXELLESS = { bias: empty, flat: empty, template: empty }

/** Files of one night, so that a progress display knows the end. */
export const filesInRepository = (plan: NightPlan): number => 3 * plan.detectors.length + 1

const DAY_MS = 86_400_000

/** Thirty days either side of the night's first day, from midnight to midnight TAI. */
function validityAround({ options }: NightPlan): string {
  const day = Math.floor((taiSecondsOfInstant(options.start) * 1000) / DAY_MS)
  const stamp = (days: number) => new Date(days * DAY_MS).toISOString().replace(/[-:]/g, '').slice(0, 15)
  return `${stamp(day - 30)}_${stamp(day + 30)}`
}
