/**
 * The reference image pipelines: pure functions from FITS bytes to detections, stamps and products. No I/O and no clock but for the
 * seconds in `metrics`: the same bytes give the same bytes, so that a retry can be checked against the first attempt.
 *
 * First form. The WCS of the raw's header is believed (an astrometric fit comes later), the PSF is the same all over the chip, and the
 * photometric scale is the kernel's sum against the calibrated template (no reference catalogue yet).
 */
import type { DiaSource, ForcedPhotometry } from '../../schemas/avro/generated.ts'
import type { CatalogContext } from './catalog.ts'
import { type Characterized, characterize } from './characterize.ts'
import {
  type KnownObject,
  type SourceStamps,
  cutStamps,
  detectSources,
  forcePhotometry,
  prepareTemplate,
  psfMoments,
  withRescaledVariance,
} from './difference.ts'
import { AlgorithmError } from './errors.ts'
import { type ProductFile, imageProduct, kernelProduct, sourceProduct } from './products.ts'
import { scoreOf } from './score.ts'
import { subtract } from './subtract.ts'
import { type Visit, type VisitInputs, loadVisit } from './visit.ts'
import { type SkyPosition, boundaryOf } from './wcs.ts'

export { AlgorithmError, type AlgorithmErrorCode } from './errors.ts'

/** All that a pipeline may look at. */
export interface ImageInputs extends VisitInputs {
  readonly visit: bigint
  readonly band: string
  /** FITS bytes, one file per snap, in snap order. */
  readonly raws: readonly Uint8Array[]
  /** Calibrated coadds that overlap the detector. */
  readonly templates: readonly Uint8Array[]
  /** Forced photometry is done at those that lie on the chip. */
  readonly objects: readonly KnownObject[]
  /** DiaSource id of the n-th detection, counted from 1. */
  readonly idOf: (counter: number) => bigint
}

export interface ImageOutputs {
  /** Four corners, ICRS degrees, counter-clockwise. */
  readonly boundary: readonly SkyPosition[]
  readonly width: number
  readonly height: number
  readonly midpointMjdTai: number
  /** Seconds. */
  readonly exposureTime: number
  /** By falling significance. */
  readonly sources: readonly DiaSource[]
  readonly forced: readonly ForcedPhotometry[]
  readonly cutouts: readonly SourceStamps[]
  readonly products: readonly ProductFile[]
  /** Finite figures of the run; those that end in Seconds differ from run to run, no others. */
  readonly metrics: Readonly<Record<string, number>>
}

/** In order of preference: a caller takes the first whose inputs it has. */
export const PIPELINES = ['ApPipe', 'SingleFrame', 'Isr'] as const
export type PipelineName = (typeof PIPELINES)[number]
export type InputName = 'raws' | 'bias' | 'flat' | 'templates'

/** What must be there before the pipeline may start; `raws` and `templates` must not be empty. */
export function requiredInputs(name: PipelineName): readonly InputName[] {
  if (name === 'ApPipe') return ['raws', 'bias', 'flat', 'templates']
  return name === 'SingleFrame' ? ['raws', 'bias', 'flat'] : ['raws', 'bias']
}

/**
 * Runs one pipeline. ApPipe: difference image, DiaSources, forced photometry, stamps. SingleFrame: the science image and its stars as products. Isr: the
 * image in electrons alone.
 * @throws AlgorithmError with a code of the closed list; nothing else, whatever the bytes are
 */
export function runPipeline(name: PipelineName, inputs: ImageInputs): ImageOutputs {
  requireInputs(name, inputs)
  const run = new Run()
  const visit = run.stage('isr', () => loadVisit(inputs))
  const nothing = { sources: [], forced: [], cutouts: [] }
  if (name === 'Isr') {
    const { image, wcs, cards } = visit
    return run.outputs(visit, {
      ...nothing,
      products: [imageProduct('post_isr_image', image, { unit: 'electron', wcs, cards })],
    })
  }
  const science = run.stage('characterize', () => characterize(visit.image))
  run.note({
    sky: science.sky,
    skySigma: science.skySigma,
    fwhm: science.psf.fwhm,
    psfSigma: science.psf.sigma,
    psfStars: science.psf.stars,
    scienceSources: science.sources.length,
    saturatedFraction: science.saturatedFraction,
  })
  return run.outputs(
    visit,
    name === 'SingleFrame'
      ? { ...nothing, products: singleFrame(visit, science) }
      : difference(run, inputs, visit, science),
  )
}

function requireInputs(name: PipelineName, inputs: ImageInputs): void {
  for (const input of requiredInputs(name)) {
    const value = inputs[input]
    if (value !== undefined && value.length > 0) continue
    const code =
      input === 'raws' ? 'raw-missing' : input === 'templates' ? 'no-template-overlap' : 'calibration-missing'
    throw new AlgorithmError(code, `${name} needs ${input}, and there is none`)
  }
}

function singleFrame({ wcs, cards }: Visit, science: Characterized): ProductFile[] {
  const about = { unit: 'electron', wcs, cards, psf: science.psf.kernel }
  return [imageProduct('preliminary_visit_image', science.image, about), sourceProduct(science, wcs, cards)]
}

function difference(run: Run, inputs: ImageInputs, visit: Visit, science: Characterized) {
  const { wcs, cards } = visit
  const template = run.stage('warp', () => prepareTemplate(inputs.templates, inputs.band, visit))
  const raw = run.stage('subtract', () => subtract(science.image, template, science.psf, science.stars))
  const score = run.stage('score', () => scoreOf(raw, science.stars, science.sources))
  const subtraction = withRescaledVariance(raw, score)
  const { fwhm } = science.psf
  const { visit: id, detector, band } = inputs
  const { midpointMjdTai, exposureTime } = visit
  const moments = psfMoments(subtraction.psf, fwhm)
  const about = { visit: id, detector, band, midpointMjdTai, exposureTime }
  const context: CatalogContext = { subtraction, score, wcs, fwhm, psfMoments: moments, ...about }
  const sources = run.stage('measure', () => detectSources(context, inputs.idOf))
  const forced = run.stage('forced', () => forcePhotometry(context, inputs.objects, sources))
  const cutouts = run.stage('cutouts', () => cutStamps(subtraction, template, visit, sources))
  const image = { unit: 'nJy', wcs, cards, psf: subtraction.psf }
  const products = run.stage('products', () => [
    imageProduct('difference_image', subtraction.difference, image),
    imageProduct('preliminary_visit_image', subtraction.science, image),
    kernelProduct(subtraction.fit, subtraction.convolved, cards),
  ])
  run.note({
    templateCoverage: template.coverage,
    templateSigma: template.sigma,
    templateConvolved: subtraction.convolved === 'template' ? 1 : 0,
    kernelStars: subtraction.fit.stars,
    kernelOrder: subtraction.fit.order,
    kernelChi2: subtraction.fit.chi2,
    kernelSum: subtraction.fit.sum,
    // AB magnitude of one electron in the exposure: 31.4 is that of 1 nJy.
    zeroPoint: 31.4 - 2.5 * Math.log10(subtraction.scale),
    scoreRescale: score.rescale,
    scoreRms: score.rms,
    registrationPixels: score.residual.shift,
    residualScale: score.residual.scale,
    diaSources: sources.length,
    negativeSources: sources.filter(source => source.isNegative).length,
    dipoles: sources.filter(source => source.isDipole).length,
    reliableSources: sources.filter(source => (source.reliability ?? 0) >= 0.5).length,
    forcedPositions: forced.length,
  })
  return { sources, forced, cutouts, products }
}

/** Collects the figures of a run: seconds per stage and what the stages note. */
class Run {
  readonly #metrics: Record<string, number> = {}
  readonly #began = performance.now()

  stage<T>(name: string, work: () => T): T {
    const began = performance.now()
    const result = work()
    this.#metrics[`${name}Seconds`] = (performance.now() - began) / 1000
    return result
  }

  note(figures: Record<string, number>): void {
    Object.assign(this.#metrics, figures)
  }

  outputs(visit: Visit, found: Pick<ImageOutputs, 'sources' | 'forced' | 'cutouts' | 'products'>): ImageOutputs {
    const { width, height } = visit.image
    const { midpointMjdTai, exposureTime } = visit
    const metrics = { ...this.#metrics, totalSeconds: (performance.now() - this.#began) / 1000 }
    const finite = Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)))
    return {
      boundary: boundaryOf(visit.wcs, width, height),
      width,
      height,
      midpointMjdTai,
      exposureTime,
      ...found,
      metrics: finite,
    }
  }
}
