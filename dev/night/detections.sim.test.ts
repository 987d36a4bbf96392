import { describe, expect, it } from 'vitest'
import { runPipeline, type ImageOutputs } from '../../pipeline/images/pipeline.ts'
import { associate } from '../../topology/association/associate.ts'
import { packedDesignation } from '../../topology/ss-object-id.ts'
import { pipelineResult } from '../../topology/testing/sources.ts'
import { ephemeridesOf } from './bodies.ts'
import { centralRepository } from './central-repository.ts'
import { fluxOfSnr } from './field.ts'
import { planNight, type NightOptions, type NightPlan } from './plan.ts'
import { primaryHeader, rawFits } from './raw.ts'
import { renderNight } from './render.ts'
import { score, separation, type Detection } from './score.ts'
import { scoreBodies } from './score-bodies.ts'
import { truthOf, type Truth } from './truth.ts'

/** The pipeline looks at simulated nights, without any services between them; the truth is opened afterwards. */
async function observe(options: Partial<NightOptions>) {
  const start = Date.UTC(2026, 10, 22, 3)
  const plan = planNight({ seed: 7, instrument: 'LATISS', visits: 2, start, ...options })
  const rendered = await renderNight(plan)
  const [bias, flat, template] = [...centralRepository(plan)].map(it => it.bytes)
  const detector = plan.detectors[0]!
  const outputs = plan.visits.map(visit => {
    const exposure = visit.exposures[0]!
    const { raws } = rendered.exposure(visit, exposure, detector)
    return runPipeline('ApPipe', {
      instrument: plan.instrument.name,
      visit: exposure.id,
      detector: detector.id,
      band: plan.band,
      physicalFilter: plan.filter,
      raws: [rawFits(primaryHeader(plan, visit, exposure, detector), rendered.chipOf(detector), raws)],
      bias: bias!,
      flat: flat!,
      templates: [template!],
      objects: [],
      idOf: counter => BigInt(counter),
    })
  })
  return { plan, truth: truthOf(plan, rendered), outputs }
}

const detectionsOf = (plan: NightPlan, outputs: readonly ImageOutputs[]): Detection[] =>
  outputs.flatMap(({ sources }, i) =>
    sources.map(({ detector, ra, dec, snr, isNegative }) => ({
      visit: plan.visits[i]!.exposures[0]!.id,
      detector,
      ra,
      dec,
      snr: (snr ?? 0) * (isNegative === true ? -1 : 1),
    })),
  )

/** Measured over true flux of the isolated transients that were found. */
function fluxRatios(truth: Truth, outputs: readonly ImageOutputs[]): number[] {
  const reach = (2 * truth.pixelScale) / 3600
  return truth.units.flatMap(({ sources }, i) =>
    sources
      .filter(it => it.isolated && it.snr > 20)
      .flatMap(({ ra, dec, flux }) => {
        const across = Math.cos((dec * Math.PI) / 180)
        const found = outputs[i]!.sources.find(it => Math.hypot((it.ra - ra) * across, it.dec - dec) < reach)
        return typeof found?.psfFlux === 'number' ? [found.psfFlux / flux] : []
      }),
  )
}

/** Detections farther than 6 FWHM from every star of SNR above 500, whose wings no kernel of limited reach can match. */
function awayFromBrightStars({ detectors, depth, visits }: NightPlan, found: readonly Detection[]) {
  const bright = detectors[0]!.field.stars.filter(star => star.flux > fluxOfSnr(500, depth))
  const reach = (6 * Math.max(...visits.map(it => it.conditions.fwhm))) / 3600
  const across = Math.cos((bright[0]!.dec * Math.PI) / 180)
  const isNear = (it: Detection) =>
    bright.some(star => Math.hypot((star.ra - it.ra) * across, star.dec - it.dec) < reach)
  return found.filter(it => !isNear(it))
}

/** Some 20 s of computing for the first; a machine that is busy with other tests takes a multiple. */
const PATIENCE_MS = 300_000

describe('a simulated night before the pipeline', { timeout: PATIENCE_MS }, () => {
  it('has nine in ten of its isolated transients of SNR > 10 found, at their flux, and is seen as it was made', async () => {
    const { plan, truth, outputs } = await observe({})
    const found = score(truth, detectionsOf(plan, outputs))
    expect(found.injected).toBeGreaterThanOrEqual(8)
    expect(found.completeness).toBeGreaterThanOrEqual(0.9)
    const ratios = fluxRatios(truth, outputs).sort((a, b) => a - b)
    expect(Math.abs(ratios[Math.floor(ratios.length / 2)]! - 1)).toBeLessThan(0.03)
    for (const [i, { conditions }] of plan.visits.entries()) {
      const { sky, fwhm, zeroPoint } = outputs[i]!.metrics
      expect(sky! / conditions.sky).toBeCloseTo(1, 1.7)
      expect((fwhm! * plan.pixelScale) / conditions.fwhm).toBeCloseTo(1, 1.5)
      expect(Math.abs(zeroPoint! - 31.4 - 2.5 * Math.log10(conditions.throughput))).toBeLessThan(0.015)
    }
  })

  it('shows its moving bodies where their ephemerides say, and association knows each of them', async () => {
    const { plan, truth, outputs } = await observe({ bodies: 5, size: 512, gap: 60 })
    const seen = outputs.flatMap((output, i) => {
      const visit = plan.visits[i]!
      const { sources, boundary, width, midpointMjdTai } = output
      const image = { visit: visit.exposures[0]!.id, boundary, width, midpointMjdTai }
      const reported = { ...image, ephemerides: ephemeridesOf(plan, visit) }
      const rows = associate(pipelineResult(sources, reported), { objects: [], history: [] }, 61_400)
      expect(rows.objects.map(({ diaObjectId }) => diaObjectId)).toEqual(
        rows.sources.filter(({ ssObjectId }) => ssObjectId === null).map(({ diaSourceId }) => diaSourceId),
      )
      return rows.sources.flatMap(({ ssObjectId, ...source }) =>
        ssObjectId === null ? [] : [{ ...source, name: packedDesignation(ssObjectId) }],
      )
    })
    const { expected, found, wrong } = scoreBodies(truth, seen)
    expect(expected).toBeGreaterThanOrEqual(5)
    expect([found, wrong]).toEqual([expected, 0])
    // Nobody else would find them again: they have moved.
    const moved = plan.bodies.map(({ name }) => seen.filter(it => it.name === name)).filter(it => it.length === 2)
    expect(moved.length).toBeGreaterThan(1)
    for (const [a, b] of moved) expect(3600 * separation(a!, b!)).toBeGreaterThan(0.5)
  })

  it('shows next to nothing where nothing changes: at most three false detections in 512² away from the brightest stars', async () => {
    const { plan, outputs } = await observe({ transients: false, visits: 1, size: 512 })
    expect(awayFromBrightStars(plan, detectionsOf(plan, outputs)).length).toBeLessThanOrEqual(3)
  })
})
