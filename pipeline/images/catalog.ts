import type { DiaSource } from '../../schemas/avro/generated.ts'
import type { Detection } from './detect.ts'
import { type Dipole, fitDipole } from './dipole.ts'
import { boxSize, pixelFlags } from './flags.ts'
import { imagePlane } from './image.ts'
import { type PsfFlux, apertureFlux, psfCentroid, psfFlux } from './measure.ts'
import { type Moments, adaptiveMoments } from './moments.ts'
import { RELIABILITY_VERSION, reliabilityOf } from './reliability.ts'
import type { Score } from './score.ts'
import type { Subtraction } from './subtract.ts'
import { type Wcs, localScale, pixelScale, skyOf } from './wcs.ts'

/** What every source of one image shares. */
export interface CatalogContext {
  readonly subtraction: Subtraction
  readonly score: Score
  readonly wcs: Wcs
  /** Of the PSF, in pixels. */
  readonly fwhm: number
  readonly psfMoments: Moments | undefined
  readonly visit: bigint
  readonly detector: number
  readonly band: string
  readonly midpointMjdTai: number
  readonly exposureTime: number
}

/** A peak, and the peak of the other sign that belongs to it if it looks like a dipole. */
export interface Candidate {
  readonly detection: Detection
  readonly counterpart: Detection | undefined
}

/** Aperture radius that the schema prescribes. */
const APERTURE = 12
/** A dipole has at least this share of its light in its weaker lobe (ip_diffim allows 0.65 in the stronger). */
const WEAKER_LOBE = 0.35

/** A weaker peak of the other sign within 1.5 FWHM is the other lobe of the stronger one, and no source of its own. */
export function pairLobes(detections: readonly Detection[], fwhm: number): Candidate[] {
  const taken = new Set<Detection>()
  return detections.flatMap(detection => {
    if (taken.has(detection)) return []
    const lobes = detections.filter(
      other =>
        !taken.has(other) &&
        other.score > 0 !== detection.score > 0 &&
        Math.hypot(other.x - detection.x, other.y - detection.y) < 1.5 * fwhm,
    )
    for (const lobe of lobes) taken.add(lobe)
    return [{ detection, counterpart: lobes[0] }]
  })
}

/** The float a record may hold: null where there is none. */
const finite = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null

/** Measures one candidate; all fluxes in nJy. Association fills the ids and the processing time. */
export function measureSource(context: CatalogContext, candidate: Candidate, diaSourceId: bigint): DiaSource {
  const { visit, detector, band, midpointMjdTai, exposureTime, score } = context
  const { detection } = candidate
  const place = measurePlace(context, detection)
  const flux = measureFluxes(context, place.x, place.y)
  const shape = measureShape(context, place, detection)
  const dipole = measureDipole(context, candidate)
  const flags = pixelFlags(context.subtraction.difference, detection, place)
  const scoreAt = score.noise[detection.y * context.subtraction.difference.width + detection.x]!
  return {
    diaSourceId,
    visit,
    detector,
    diaObjectId: null,
    ssObjectId: null,
    parentDiaSourceId: null,
    midpointMjdTai,
    exposureTime,
    ...place,
    ...flux.record,
    isNegative: detection.score < 0,
    snr: Math.abs(detection.score),
    psfLnL: null,
    ...shape.record,
    ...dipole.record,
    extendedness: null,
    reliability: reliabilityOf({
      snr: Math.abs(detection.score),
      chi2: flux.own ? flux.own.chi2 / Math.max(1, flux.own.pixels - 3) : 10,
      oneSided: oneSided(context, place.x, place.y),
      sizeRatio: shape.ratio,
      dipole: dipole.record.isDipole,
      stray: Math.sqrt(strayShare(context, flux.own, scoreAt)),
      badCenter: flags.center,
      badFootprint: flags.footprint,
    }),
    reliabilityVersion: RELIABILITY_VERSION,
    band,
    timeProcessedMjdTai: 0,
    timeWithdrawnMjdTai: null,
    bboxSize: boxSize(detection, place),
    ...flags.record,
    glint_trail: false,
  }
}

/** Centroid by the PSF fit, else the peak; sky errors include the registration jitter, raErr the factor cos(dec). */
function measurePlace({ subtraction, score, wcs, fwhm }: CatalogContext, { x: px, y: py }: Detection) {
  const { difference, psf } = subtraction
  const fit = psfCentroid(difference, psf, px, py, 1.5 * fwhm)
  const { x, y } = fit ?? { x: px, y: py }
  const own = psfFlux(difference, psf, x, y)
  const i = py * difference.width + px
  const inflate = own ? score.noise[i]! / (own.error * weightOf(psf.data)) ** 2 : 1
  const [xx, yy, xy] = fit ? [fit.xx * inflate, fit.yy * inflate, fit.xy * inflate] : [NaN, NaN, NaN]
  const [a, b, c, d] = localScale(wcs, x, y)
  const jitter = (score.residual.shift * pixelScale(wcs)) / 3600
  return {
    x,
    y,
    xErr: finite(Math.sqrt(xx)),
    yErr: finite(Math.sqrt(yy)),
    centroid_flag: fit === undefined,
    ...skyOf(wcs, x, y),
    raErr: finite(Math.sqrt(a * a * xx + 2 * a * b * xy + b * b * yy + jitter * jitter)),
    decErr: finite(Math.sqrt(c * c * xx + 2 * c * d * xy + d * d * yy + jitter * jitter)),
    ra_dec_Cov: finite(a * c * xx + (a * d + b * c) * xy + b * d * yy),
  }
}

const weightOf = (psf: Float64Array) => psf.reduce((sum, p) => sum + p * p, 0)

/** Error of a PSF flux on the difference, from the score's noise at the nearest pixel; NaN off the image. */
export function differenceError({ subtraction, score }: CatalogContext, x: number, y: number): number {
  const { difference, psf } = subtraction
  const [u, v] = [Math.round(x), Math.round(y)]
  if (u < 0 || v < 0 || u >= difference.width || v >= difference.height) return NaN
  return Math.sqrt(score.noise[v * difference.width + u]!) / weightOf(psf.data)
}

function measureFluxes(context: CatalogContext, x: number, y: number) {
  const { difference, science, template, psf } = context.subtraction
  const own = psfFlux(difference, psf, x, y)
  const aperture = apertureFlux(difference, x, y, APERTURE)
  const [onScience, onTemplate] = [psfFlux(science, psf, x, y), psfFlux(template, psf, x, y)]
  const record = {
    apFlux: finite(aperture.flux),
    apFluxErr: finite(aperture.error),
    apFlux_flag: aperture.truncated,
    apFlux_flag_apertureTruncated: aperture.truncated,
    psfFlux: finite(own?.flux),
    psfFluxErr: own ? finite(differenceError(context, x, y)) : null,
    psfChi2: finite(own?.chi2),
    psfNdata: own?.pixels ?? 0,
    psfFlux_flag: own === undefined,
    psfFlux_flag_edge: own?.edge ?? false,
    psfFlux_flag_noGoodPixels: own === undefined,
    scienceFlux: finite(onScience?.flux),
    scienceFluxErr: finite(onScience?.error),
    forced_PsfFlux_flag: onScience === undefined,
    forced_PsfFlux_flag_edge: onScience?.edge ?? false,
    forced_PsfFlux_flag_noGoodPixels: onScience === undefined,
    templateFlux: finite(onTemplate?.flux),
    templateFluxErr: finite(onTemplate?.error),
  }
  return { own, record }
}

/**
 * Second moments along the pixel axes in arcsec², and the trail that they imply: a line of length L adds L²/12 to the moment along it.
 */
function measureShape(
  { subtraction, psfMoments, wcs, fwhm }: CatalogContext,
  place: { x: number; y: number },
  d: Detection,
) {
  const unit = pixelScale(wcs) ** 2
  const own = adaptiveMoments(imagePlane(subtraction.difference), place.x, place.y, fwhm / 2.3548, d.score < 0 ? -1 : 1)
  const major = (m: Moments) => (m.ixx + m.iyy) / 2 + Math.hypot((m.ixx - m.iyy) / 2, m.ixy)
  const length = own && psfMoments && Math.sqrt(12 * Math.max(0, major(own) - major(psfMoments)))
  const angle = own && Math.atan2(2 * own.ixy, own.ixx - own.iyy) / 2
  const { footprint } = d
  const contained =
    place.x >= footprint.x0 - 0.5 &&
    place.x <= footprint.x1 + 0.5 &&
    place.y >= footprint.y0 - 0.5 &&
    place.y <= footprint.y1 + 0.5
  const record = {
    ixx: finite(own && own.ixx * unit),
    iyy: finite(own && own.iyy * unit),
    ixy: finite(own && own.ixy * unit),
    ixxPSF: finite(psfMoments && psfMoments.ixx * unit),
    iyyPSF: finite(psfMoments && psfMoments.iyy * unit),
    ixyPSF: finite(psfMoments && psfMoments.ixy * unit),
    shape_flag: own === undefined,
    shape_flag_no_pixels: false,
    shape_flag_not_contained: !contained,
    shape_flag_parent_source: false,
    trailFlux: null,
    trailFluxErr: null,
    trailRa: null,
    trailRaErr: null,
    trailDec: null,
    trailDecErr: null,
    trailLength: finite(length && length * pixelScale(wcs)),
    trailLengthErr: null,
    trailAngle: finite(angle === undefined ? undefined : bearing(wcs, place, Math.cos(angle), Math.sin(angle)) % 180),
    trailAngleErr: null,
    trailChi2: null,
    trailNdata: 0,
    trailAlgorithm: own ? 1 : null,
    trail_flag_edge: false,
    trail_flag: own === undefined,
  }
  const ratio = own && psfMoments && Math.sqrt((own.ixx + own.iyy) / (psfMoments.ixx + psfMoments.iyy))
  return { record, ratio }
}

/** Position angle, degrees from north through east in [0, 360), of a step on the image. */
function bearing(wcs: Wcs, { x, y }: { x: number; y: number }, dx: number, dy: number): number {
  const [a, b, c, d] = localScale(wcs, x, y)
  return ((Math.atan2(a * dx + b * dy, c * dx + d * dy) * 180) / Math.PI + 360) % 360
}

function measureDipole({ subtraction, wcs }: CatalogContext, { detection, counterpart }: Candidate) {
  const { difference, psf } = subtraction
  let fit: Dipole | undefined
  if (counterpart) {
    const lobes = [detection, counterpart].map(({ x, y }) => {
      return { x, y, flux: difference.image[y * difference.width + x]! / Math.max(...psf.data) }
    })
    const [positive, negative] = detection.score > 0 ? lobes : lobes.reverse()
    fit = fitDipole(difference, psf, positive!, negative!)
  }
  const [up, down] = [fit?.positive.flux ?? NaN, -(fit?.negative.flux ?? NaN)]
  const weaker = Math.min(up, down) / (up + down)
  const [dx, dy] = fit ? [fit.positive.x - fit.negative.x, fit.positive.y - fit.negative.y] : [NaN, NaN]
  const significant = fit !== undefined && Math.hypot(up, down) > 5 * Math.SQRT2 * fit.error
  const record = {
    dipoleMeanFlux: finite((up + down) / 2),
    dipoleMeanFluxErr: finite((fit?.error ?? NaN) / Math.SQRT2),
    dipoleFluxDiff: finite(up - down),
    dipoleFluxDiffErr: finite((fit?.error ?? NaN) * Math.SQRT2),
    dipoleLength: finite(Math.hypot(dx, dy) * pixelScale(wcs)),
    dipoleAngle: finite(fit && bearing(wcs, detection, dx, dy)),
    dipoleChi2: finite(fit?.chi2),
    dipoleNdata: fit?.pixels ?? 0,
    isDipole: significant && weaker > WEAKER_LOBE,
    dipoleFitAttempted: counterpart !== undefined,
  }
  return { record }
}

/** |Σ D| ÷ Σ |D| within a FWHM around the centroid. */
function oneSided({ subtraction: { difference }, fwhm }: CatalogContext, x: number, y: number): number {
  const { width, height, image } = difference
  let [sum, absolute] = [0, 0]
  for (let v = Math.max(0, Math.ceil(y - fwhm)); v <= Math.min(height - 1, y + fwhm); v++)
    for (let u = Math.max(0, Math.ceil(x - fwhm)); u <= Math.min(width - 1, x + fwhm); u++) {
      if ((u - x) ** 2 + (v - y) ** 2 > fwhm * fwhm) continue
      sum += image[v * width + u]!
      absolute += Math.abs(image[v * width + u]!)
    }
  return absolute > 0 ? Math.abs(sum) / absolute : 0
}

function strayShare({ subtraction: { psf } }: CatalogContext, own: PsfFlux | undefined, noise: number): number {
  if (!own) return 1
  return Math.max(0, 1 - (own.error * weightOf(psf.data)) ** 2 / noise)
}
