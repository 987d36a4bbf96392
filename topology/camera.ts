import type { Detector, Instrument, Size } from './instruments.ts'

/**
 * Where a detector looks: a tangent plane (TAN) around the boresight, without distortion.
 * The simulator writes raw headers from it, and a worker predicts from it what to preload.
 */

/** Boresight in ICRS degrees, and the position angle of the focal plane's +Y, degrees north through east. */
export interface Pointing {
  readonly ra: number
  readonly dec: number
  readonly rotation: number
}

export interface SkyPoint {
  readonly ra: number
  readonly dec: number
}

/** FITS keywords of a TAN projection; `crpix` counts pixels from 1, `cd` is in degrees per pixel, by rows. */
export interface TanWcs {
  readonly crval: readonly [number, number]
  readonly crpix: readonly [number, number]
  readonly cd: readonly [readonly [number, number], readonly [number, number]]
}

/** A detector of an instrument with the size it really has; a simulated chip is smaller than the real one. */
export interface Geometry {
  readonly centre: { readonly x: number; readonly y: number }
  readonly size: Size
  readonly arcsecPerMm: number
  readonly pixelMm: number
}

/** Undefined where the detector's place in the focal plane is not known (HSC): such a visit is treated as unpositioned. */
export const geometryOf = (instrument: Instrument, detector: Detector, size = detector.size): Geometry | undefined =>
  detector.centre
    ? { centre: detector.centre, size, arcsecPerMm: instrument.arcsecPerMm, pixelMm: instrument.pixelMm }
    : undefined

export const pixelScaleArcsec = (it: Pick<Geometry, 'arcsecPerMm' | 'pixelMm'>): number => it.arcsecPerMm * it.pixelMm

const RADIANS = Math.PI / 180

/**
 * The WCS of a detector. Seen on the sky with north up and east left, +Y of the focal plane points to the position angle
 * `rotation`, and +X a quarter turn clockwise of it: at rotation 0, +Y is north and +X is west.
 * Worked example: a step of one pixel along +Y at rotation 90° moves by the pixel scale to the east, so CD is (0, s; s, 0).
 */
export function detectorWcs(geometry: Geometry, pointing: Pointing): TanWcs {
  const scale = pixelScaleArcsec(geometry) / 3600
  const sin = Math.sin(pointing.rotation * RADIANS) * scale
  const cos = Math.cos(pointing.rotation * RADIANS) * scale
  const { centre, size, pixelMm } = geometry
  return {
    crval: [pointing.ra, pointing.dec],
    // The boresight, seen in pixels of this detector; outside the chip for all but the central one.
    crpix: [(size.width + 1) / 2 - centre.x / pixelMm, (size.height + 1) / 2 - centre.y / pixelMm],
    cd: [
      [-cos, sin],
      [sin, cos],
    ],
  }
}

/** Sky position of a pixel (x, y counted from 1 at the centre of the first pixel), ICRS degrees; RA in [0, 360). */
export function skyOfPixel(wcs: TanWcs, x: number, y: number): SkyPoint {
  const dx = x - wcs.crpix[0]
  const dy = y - wcs.crpix[1]
  const xi = (wcs.cd[0][0] * dx + wcs.cd[0][1] * dy) * RADIANS
  const eta = (wcs.cd[1][0] * dx + wcs.cd[1][1] * dy) * RADIANS
  const dec0 = wcs.crval[1] * RADIANS
  const across = Math.cos(dec0) - eta * Math.sin(dec0)
  const ra = wcs.crval[0] + Math.atan2(xi, across) / RADIANS
  const dec = Math.atan2(Math.sin(dec0) + eta * Math.cos(dec0), Math.hypot(xi, across)) / RADIANS
  return { ra: normaliseDegrees(ra), dec }
}

/** Pixel of a sky position, the inverse of `skyOfPixel`; undefined on the far half of the sky, which has no image. */
export function pixelOfSky(wcs: TanWcs, { ra, dec }: SkyPoint): { readonly x: number; readonly y: number } | undefined {
  const dRa = (ra - wcs.crval[0]) * RADIANS
  const dec0 = wcs.crval[1] * RADIANS
  const sinDec = Math.sin(dec * RADIANS)
  const cosDec = Math.cos(dec * RADIANS)
  const cosAngle = Math.sin(dec0) * sinDec + Math.cos(dec0) * cosDec * Math.cos(dRa)
  if (cosAngle <= 0) return undefined
  const xi = (cosDec * Math.sin(dRa)) / cosAngle / RADIANS
  const eta = (Math.cos(dec0) * sinDec - Math.sin(dec0) * cosDec * Math.cos(dRa)) / cosAngle / RADIANS
  const [[a, b], [c, d]] = wcs.cd
  const determinant = a * d - b * c
  return {
    x: wcs.crpix[0] + (d * xi - b * eta) / determinant,
    y: wcs.crpix[1] + (a * eta - c * xi) / determinant,
  }
}

/** Where the middle of the detector looks. */
export const detectorCentre = (geometry: Geometry, pointing: Pointing): SkyPoint =>
  skyOfPixel(detectorWcs(geometry, pointing), (geometry.size.width + 1) / 2, (geometry.size.height + 1) / 2)

/** The four corners of the detector's edge, each side moved outwards by `paddingArcsec`; counter-clockwise in pixels. */
export function detectorPolygon(geometry: Geometry, pointing: Pointing, paddingArcsec = 0): readonly SkyPoint[] {
  const wcs = detectorWcs(geometry, pointing)
  const padding = paddingArcsec / pixelScaleArcsec(geometry)
  const low = 0.5 - padding
  const right = geometry.size.width + 0.5 + padding
  const top = geometry.size.height + 0.5 + padding
  return [
    skyOfPixel(wcs, low, low),
    skyOfPixel(wcs, right, low),
    skyOfPixel(wcs, right, top),
    skyOfPixel(wcs, low, top),
  ]
}

/** Degrees in [0, 360): −23 is 337; what is there already keeps every digit. A tiny negative angle would round up to 360. */
export function normaliseDegrees(degrees: number): number {
  const rest = degrees % 360
  const turned = rest < 0 ? rest + 360 : rest
  return turned === 360 || turned === 0 ? 0 : turned
}
