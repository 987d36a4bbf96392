import { type Header, type HeaderValue, FitsError, numberOf } from './fits.ts'

/**
 * The gnomonic (TAN) projection with a linear pixel scale: FITS papers I and II (Greisen & Calabretta 2002; Calabretta &
 * Greisen 2002). Sky in ICRS degrees. Pixels count from 0 at the centre of the first pixel; CRPIX in a header counts from 1.
 */
export interface Wcs {
  readonly crval: readonly [ra: number, dec: number]
  /** Counted from 0. */
  readonly crpix: readonly [x: number, y: number]
  /** Degrees per pixel, row by row: CD1_1, CD1_2, CD2_1, CD2_2. */
  readonly cd: readonly [number, number, number, number]
}

export interface SkyPosition {
  readonly ra: number
  readonly dec: number
}

const DEGREE = Math.PI / 180

/** @throws FitsError when a keyword is missing, the projection is not TAN or the CD matrix cannot be inverted. */
export function wcsOf(header: Header, where = ''): Wcs {
  const types = `${String(header.get('CTYPE1'))}, ${String(header.get('CTYPE2'))}`
  if (types !== 'RA---TAN, DEC--TAN')
    throw new FitsError(`CTYPE1, CTYPE2 are ${types}${where}; RA---TAN, DEC--TAN are supported`)
  const read = (key: string) => numberOf(header, key, where)
  const wcs: Wcs = {
    crval: [read('CRVAL1'), read('CRVAL2')],
    crpix: [read('CRPIX1') - 1, read('CRPIX2') - 1],
    cd: [read('CD1_1'), read('CD1_2'), read('CD2_1'), read('CD2_2')],
  }
  if (Math.abs(wcs.crval[1]) > 90) throw new FitsError(`CRVAL2 is ${wcs.crval[1]}${where}; a declination is -90 to 90`)
  const area = pixelArea(wcs)
  if (!(area > 1e-12 && area < 1)) throw new FitsError(`the CD matrix is singular or absurd${where}`)
  return wcs
}

/** The cards that `wcsOf` reads. */
export function wcsCards({ crval, crpix, cd }: Wcs): Record<string, HeaderValue> {
  return {
    WCSAXES: 2,
    CTYPE1: 'RA---TAN',
    CTYPE2: 'DEC--TAN',
    CUNIT1: 'deg',
    CUNIT2: 'deg',
    CRVAL1: crval[0],
    CRVAL2: crval[1],
    CRPIX1: crpix[0] + 1,
    CRPIX2: crpix[1] + 1,
    CD1_1: cd[0],
    CD1_2: cd[1],
    CD2_1: cd[2],
    CD2_2: cd[3],
    RADESYS: 'ICRS',
  }
}

/** Square degrees per pixel at the reference point. */
export const pixelArea = ({ cd }: Wcs): number => Math.abs(cd[0] * cd[3] - cd[1] * cd[2])

/** Arcseconds per pixel: the side of a square of a pixel's area. */
export const pixelScale = (wcs: Wcs): number => 3600 * Math.sqrt(pixelArea(wcs))

/** Pixel → sky; right ascension in [0, 360). */
export function skyOf({ crval, crpix, cd }: Wcs, x: number, y: number): SkyPosition {
  const dx = x - crpix[0]
  const dy = y - crpix[1]
  const xi = (cd[0] * dx + cd[1] * dy) * DEGREE
  const eta = (cd[2] * dx + cd[3] * dy) * DEGREE
  const [sin, cos] = [Math.sin(crval[1] * DEGREE), Math.cos(crval[1] * DEGREE)]
  const depth = cos - eta * sin
  const ra = crval[0] + Math.atan2(xi, depth) / DEGREE
  return { ra: ((ra % 360) + 360) % 360, dec: Math.atan2(sin + eta * cos, Math.hypot(xi, depth)) / DEGREE }
}

/** Sky → pixel; undefined for a position a quarter of the sky away or more, which has no image in the tangent plane. */
export function pixelOf({ crval, crpix, cd }: Wcs, { ra, dec }: SkyPosition): { x: number; y: number } | undefined {
  const [sin0, cos0] = [Math.sin(crval[1] * DEGREE), Math.cos(crval[1] * DEGREE)]
  const [sin, cos] = [Math.sin(dec * DEGREE), Math.cos(dec * DEGREE)]
  const dRa = (ra - crval[0]) * DEGREE
  const depth = sin0 * sin + cos0 * cos * Math.cos(dRa)
  if (!(depth > 1e-6)) return undefined
  const xi = (cos * Math.sin(dRa)) / depth / DEGREE
  const eta = (cos0 * sin - sin0 * cos * Math.cos(dRa)) / depth / DEGREE
  const determinant = cd[0] * cd[3] - cd[1] * cd[2]
  return {
    x: crpix[0] + (cd[3] * xi - cd[1] * eta) / determinant,
    y: crpix[1] + (cd[0] * eta - cd[2] * xi) / determinant,
  }
}

/**
 * Degrees on the sky (east, north; east already times cos(dec)) per pixel at a point, row by row as `cd`. By difference, so
 * that it holds away from the reference point too.
 */
export function localScale(wcs: Wcs, x: number, y: number): [number, number, number, number] {
  const here = skyOf(wcs, x, y)
  const cos = Math.cos(here.dec * DEGREE)
  const step = (dx: number, dy: number): [number, number] => {
    const there = skyOf(wcs, x + dx, y + dy)
    const dRa = ((there.ra - here.ra + 540) % 360) - 180
    return [dRa * cos, there.dec - here.dec]
  }
  const [xx, yx] = step(1, 0)
  const [xy, yy] = step(0, 1)
  return [xx, xy, yx, yy]
}

/** The four outer corners of an image, counter-clockwise as seen from outside the sphere (right-handed, as sphgeom has it). */
export function boundaryOf(wcs: Wcs, width: number, height: number): SkyPosition[] {
  const [right, top] = [width - 0.5, height - 0.5]
  const corners = [skyOf(wcs, -0.5, -0.5), skyOf(wcs, right, -0.5), skyOf(wcs, right, top), skyOf(wcs, -0.5, top)]
  // East is +ra: with a positive determinant pixel x × y turns as ra × dec does, which is counter-clockwise from outside.
  return wcs.cd[0] * wcs.cd[3] - wcs.cd[1] * wcs.cd[2] > 0 ? corners : corners.reverse()
}
