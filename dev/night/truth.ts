import { readFile, writeFile } from 'node:fs/promises'
import type { Expected } from './adversity/expected.ts'
import type { Injected } from './pixels.ts'
import type { NightPlan } from './plan.ts'
import type { RenderedNight } from './render.ts'

/** What was put into the pixels, and what went wrong on purpose. The system under test never reads it: keep it where no part of it looks. Ids are strings: it is JSON. */
export interface Truth {
  readonly seed: number
  readonly instrument: string
  readonly band: string
  /** Arcseconds per pixel. */
  readonly pixelScale: number
  /** What each switch does, by what it counts; their number is its counter. */
  readonly switches: Expected
  readonly units: readonly TruthOfUnit[]
}

export interface TruthOfUnit {
  readonly group: string
  /** Id of the visit, that of its first exposure. */
  readonly visit: string
  readonly detector: number
  readonly sources: readonly Injected[]
}

export function truthOf(plan: NightPlan, rendered: RenderedNight, switches: Expected = {}): Truth {
  const { seed, instrument } = plan.options
  const taken = plan.visits.filter(({ exposures }) => exposures.length > 0)
  const units = taken.flatMap(visit =>
    plan.detectors.map(detector => {
      const first = visit.exposures[0]!
      const { injected } = rendered.exposure(visit, first, detector)
      return { group: visit.group, visit: String(first.id), detector: detector.id, sources: injected }
    }),
  )
  return { seed, instrument, band: plan.band, pixelScale: plan.pixelScale, switches, units }
}

export const writeTruth = (path: string, truth: Truth): Promise<void> => writeFile(path, JSON.stringify(truth, null, 1))

export const readTruth = async (path: string): Promise<Truth> => JSON.parse(await readFile(path, 'utf8')) as Truth
