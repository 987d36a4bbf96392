import type { DiaSource, ForcedPhotometry } from '../../schemas/avro/generated.ts'
import { LARGEST_HALF } from './basis.ts'
import { type CatalogContext, differenceError, measureSource, pairLobes } from './catalog.ts'
import { paddedWcs } from './characterize.ts'
import { cutout, stampSide } from './cutouts.ts'
import { findPeaks } from './detect.ts'
import { AlgorithmError, reading } from './errors.ts'
import type { Kernel } from './convolve.ts'
import { type MaskedImage, countMasked, multiply } from './image.ts'
import { psfFlux } from './measure.ts'
import { adaptiveMoments } from './moments.ts'
import { type Score } from './score.ts'
import { type PaddedTemplate, type Subtraction, crop } from './subtract.ts'
import type { Visit } from './visit.ts'
import { type Wcs, pixelOf, pixelScale } from './wcs.ts'
import { type Template, readTemplate, warp } from './warp.ts'

/** Detection threshold of the reference pipeline. */
export const THRESHOLD = 5
/** Less coverage than this is no work (requiredTemplateFraction of ap_pipe). */
const LEAST_COVERAGE = 0.1
/** More detections per million pixels than this are not sky: a bad subtraction, 20 times what a rich field has. */
const MOST_SOURCES = 1000

export interface WarpedTemplate extends PaddedTemplate {
  readonly coverage: number
  readonly psf: Kernel
}

/** @throws AlgorithmError template-unreadable, template-mismatch, no-template-overlap */
export function prepareTemplate(templates: readonly Uint8Array[], band: string, visit: Visit): WarpedTemplate {
  const read = templates.map((bytes, i) =>
    reading('template-unreadable', `template ${i + 1}`, () => readTemplate(bytes)),
  )
  read.forEach((template, i) => {
    if (template.band !== band)
      throw new AlgorithmError(
        'template-mismatch',
        `template ${i + 1}: BAND is '${template.band}'; '${band}' is expected`,
      )
  })
  const { width, height } = visit.image
  const image = warp(read, paddedWcs(visit.wcs, LARGEST_HALF), width + 2 * LARGEST_HALF, height + 2 * LARGEST_HALF)
  const chip = crop(image, LARGEST_HALF)
  const coverage = 1 - countMasked(chip.mask) / (width * height)
  if (coverage < LEAST_COVERAGE)
    throw new AlgorithmError(
      'no-template-overlap',
      `${read.length} templates cover ${(100 * coverage).toFixed(1)} % of the detector; ${100 * LEAST_COVERAGE} % are needed`,
    )
  return { image, pad: LARGEST_HALF, chip, coverage, sigma: sigmaOf(read[0]!, visit.wcs), psf: read[0]!.psf }
}

/** Width of a template's PSF (adaptive moments) in pixels of the science image. */
function sigmaOf({ psf, wcs }: Template, science: Wcs): number {
  const side = 2 * psf.half + 1
  const plane = { width: side, height: side, data: Float32Array.from(psf.data) }
  const moments = adaptiveMoments(padded(plane), psf.half + side, psf.half + side, 2)
  if (!moments) throw new AlgorithmError('template-unreadable', 'template 1: PSF has no width that could be measured')
  return Math.sqrt((moments.ixx + moments.iyy) / 2) * (pixelScale(wcs) / pixelScale(science))
}

function padded({ width: n, data }: { width: number; data: Float32Array }) {
  const wide = new Float32Array(9 * n * n)
  for (let y = 0; y < n; y++) wide.set(data.subarray(y * n, (y + 1) * n), (y + n) * 3 * n + n)
  return { width: 3 * n, height: 3 * n, data: wide }
}

/** The PSF's own moments, measured as a source's are. */
export function psfMoments({ half, data }: Kernel, fwhm: number) {
  const n = 2 * half + 1
  return adaptiveMoments(padded({ width: n, data: Float32Array.from(data) }), half + n, half + n, fwhm / 2.3548)
}

/** Detections of both signs, measured, in falling significance; the n-th has the id of counter n. @throws AlgorithmError too-many-sources */
export function detectSources(context: CatalogContext, idOf: (counter: number) => bigint): DiaSource[] {
  const { width, height } = context.subtraction.difference
  const detections = findPeaks({ width, height, data: context.score.score }, THRESHOLD)
  const most = Math.max(100, (MOST_SOURCES * width * height) / 1e6)
  if (detections.length > most)
    throw new AlgorithmError(
      'too-many-sources',
      `${detections.length} detections; at most ${Math.round(most)} are believed`,
    )
  return pairLobes(detections, context.fwhm).map((candidate, n) => measureSource(context, candidate, idOf(n + 1)))
}

export interface KnownObject {
  readonly diaObjectId: bigint
  readonly ra: number
  readonly dec: number
}

/** PSF fluxes on difference and science image at every known object on the chip and at every own detection, in that order. */
export function forcePhotometry(
  context: CatalogContext,
  objects: readonly KnownObject[],
  sources: readonly DiaSource[],
): ForcedPhotometry[] {
  const { difference, science, psf } = context.subtraction
  const at = (x: number, y: number) => {
    const [own, whole] = [psfFlux(difference, psf, x, y), psfFlux(science, psf, x, y)]
    return {
      psfFlux: own?.flux ?? null,
      psfFluxErr: own ? differenceError(context, x, y) : null,
      scienceFlux: whole?.flux ?? null,
      scienceFluxErr: whole?.error ?? null,
    }
  }
  const known = objects.flatMap(({ diaObjectId, ra, dec }) => {
    const place = pixelOf(context.wcs, { ra, dec })
    if (!place || !onChip(difference, place)) return []
    return [{ diaObjectId, diaSourceId: null, ra, dec, ...at(place.x, place.y) }]
  })
  const own = sources.map(({ diaSourceId, ra, dec, x, y }) => ({
    diaObjectId: null,
    diaSourceId,
    ra,
    dec,
    ...at(x, y),
  }))
  return [...known, ...own]
}

const onChip = ({ width, height }: MaskedImage, { x, y }: { x: number; y: number }) =>
  x >= -0.5 && y >= -0.5 && x < width - 0.5 && y < height - 0.5

export interface SourceStamps {
  readonly diaSourceId: bigint
  readonly difference: Uint8Array
  readonly science: Uint8Array
  readonly template: Uint8Array
}

/** Three stamps per source; the template's is the warped coadd as it is, not the one blurred to the science PSF. */
export function cutStamps(
  { difference, science, psf }: Subtraction,
  template: WarpedTemplate,
  { wcs, rotpa }: Visit,
  sources: readonly DiaSource[],
): SourceStamps[] {
  return sources.map(({ diaSourceId, x, y, ra, dec, bboxSize }) => {
    const place = { x, y, sky: { ra, dec }, side: stampSide(bboxSize) }
    return {
      diaSourceId,
      difference: cutout(difference, psf, wcs, rotpa, place),
      science: cutout(science, psf, wcs, rotpa, place),
      template: cutout(template.chip, template.psf, wcs, rotpa, place),
    }
  })
}

/** The difference with its variance multiplied by what the score found blank sky to have. */
export function withRescaledVariance(subtraction: Subtraction, { rescale }: Score): Subtraction {
  const { difference } = subtraction
  const variance = multiply(difference.variance.slice(), rescale * rescale)
  return { ...subtraction, difference: { ...difference, variance } }
}
