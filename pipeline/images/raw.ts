import {
  type Hdu,
  type Header,
  type Plane,
  FitsError,
  imageOf,
  integerOf,
  numberOf,
  readFits,
  stringOf,
} from './fits.ts'
import { type Wcs, wcsOf } from './wcs.ts'

/** A rectangle of pixels counted from 0; x1 and y1 are the last ones inside. */
export interface Section {
  readonly x0: number
  readonly x1: number
  readonly y0: number
  readonly y1: number
}

export interface Amplifier {
  readonly name: string
  /** The whole segment in ADU, overscan included. */
  readonly image: Plane
  readonly data: Section
  readonly overscan: Section
  /** Where `data` goes in the assembled image. */
  readonly detector: Section
  /** Electrons per ADU. */
  readonly gain: number
  /** Electrons. */
  readonly readNoise: number
  /** ADU, overscan included: at this value and above the signal is lost. */
  readonly saturation: number
}

/** One snap as it came from the camera. */
export interface Raw {
  readonly header: Header
  readonly width: number
  readonly height: number
  readonly wcs: Wcs
  readonly beginMjdTai: number
  readonly endMjdTai: number
  /** Seconds. */
  readonly exposureTime: number
  readonly amplifiers: readonly Amplifier[]
}

export const columns = (s: Section): number => s.x1 - s.x0 + 1
export const rows = (s: Section): number => s.y1 - s.y0 + 1

/**
 * Parses a raw: a primary header and one segment per amplifier, which together must cover the detector exactly once.
 * @throws FitsError naming the HDU and the keyword
 */
export function readRaw(bytes: Uint8Array): Raw {
  const [primary, ...segments] = readFits(bytes)
  const header = primary!.header
  if (stringOf(header, 'TIMESYS') !== 'TAI')
    throw new FitsError(`TIMESYS is ${stringOf(header, 'TIMESYS')}; TAI is needed`)
  const size = sectionOf(header, 'DETSIZE', '')
  const [width, height] = [columns(size), rows(size)]
  if (size.x0 !== 0 || size.y0 !== 0) throw new FitsError('DETSIZE does not begin at 1')
  const amplifiers = segments.map((hdu, i) => readAmplifier(hdu, ` in HDU ${i + 2}`, width, height))
  checkCover(amplifiers, width, height)
  const raw: Raw = {
    header,
    width,
    height,
    wcs: wcsOf(header),
    beginMjdTai: numberOf(header, 'MJD-BEG'),
    endMjdTai: numberOf(header, 'MJD-END'),
    exposureTime: numberOf(header, 'EXPTIME'),
    amplifiers,
  }
  if (!(raw.endMjdTai >= raw.beginMjdTai)) throw new FitsError('MJD-END is before MJD-BEG')
  if (!(raw.exposureTime > 0)) throw new FitsError(`EXPTIME is ${raw.exposureTime}; it must be above 0 seconds`)
  return raw
}

function readAmplifier(hdu: Hdu, where: string, width: number, height: number): Amplifier {
  const { header } = hdu
  const image = imageOf(hdu, where)
  const amplifier: Amplifier = {
    name: stringOf(header, 'EXTNAME', where),
    image,
    data: sectionOf(header, 'DATASEC', where),
    overscan: sectionOf(header, 'BIASSEC', where),
    detector: sectionOf(header, 'DETSEC', where),
    gain: numberOf(header, 'GAIN', where),
    readNoise: numberOf(header, 'RDNOISE', where),
    saturation: numberOf(header, 'SATURATE', where),
  }
  const { data, overscan, detector } = amplifier
  requireInside(data, image.width, image.height, 'DATASEC', where)
  requireInside(overscan, image.width, image.height, 'BIASSEC', where)
  requireInside(detector, width, height, 'DETSEC', where)
  if (columns(data) !== columns(detector) || rows(data) !== rows(detector))
    throw new FitsError(`DATASEC and DETSEC differ in size${where}`)
  if (overscan.y0 > data.y0 || overscan.y1 < data.y1)
    throw new FitsError(`BIASSEC does not reach over all rows of DATASEC${where}`)
  if (!(amplifier.gain > 0)) throw new FitsError(`GAIN is ${amplifier.gain}${where}; it must be above 0`)
  if (!(amplifier.readNoise >= 0))
    throw new FitsError(`RDNOISE is ${amplifier.readNoise}${where}; it cannot be negative`)
  return amplifier
}

/** `[x0:x1,y0:y1]`, counted from 1, both ends inside. */
function sectionOf(header: Header, key: string, where: string): Section {
  const value = stringOf(header, key, where)
  const match = /^\[(\d{1,6}):(\d{1,6}),(\d{1,6}):(\d{1,6})\]$/.exec(value)
  const [x0, x1, y0, y1] = (match?.slice(1) ?? []).map(Number) as [number, number, number, number]
  if (!match || x0 < 1 || y0 < 1 || x1 < x0 || y1 < y0)
    throw new FitsError(`${key} is '${value}'${where}; a section is written [x0:x1,y0:y1], counted from 1`)
  return { x0: x0 - 1, x1: x1 - 1, y0: y0 - 1, y1: y1 - 1 }
}

function requireInside(section: Section, width: number, height: number, key: string, where: string): void {
  if (section.x1 >= width || section.y1 >= height)
    throw new FitsError(`${key} reaches outside an image of ${width}×${height}${where}`)
}

/** Pixels are counted before any image of DETSIZE is allocated: an assembled image is never larger than the raw that fills it. */
function checkCover(amplifiers: readonly Amplifier[], width: number, height: number): void {
  const total = amplifiers.reduce((sum, { detector }) => sum + columns(detector) * rows(detector), 0)
  const overlap = amplifiers.some((a, i) => amplifiers.slice(0, i).some(b => meet(a.detector, b.detector)))
  if (total !== width * height || overlap)
    throw new FitsError(
      `${amplifiers.length} amplifiers hold ${total} pixels; DETSIZE ${width}×${height} needs each of ${width * height} once`,
    )
}

const meet = (a: Section, b: Section) => a.x0 <= b.x1 && b.x0 <= a.x1 && a.y0 <= b.y1 && b.y0 <= a.y1

/** A bias or a flat: the primary image, and the header that says whose it is. @throws FitsError */
export function readCalibration(bytes: Uint8Array): { header: Header; image: Plane } {
  const hdu = readFits(bytes)[0]!
  integerOf(hdu.header, 'DETECTOR')
  return { header: hdu.header, image: imageOf(hdu, ' in HDU 1') }
}
