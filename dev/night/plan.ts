import {
  detectorWcs,
  geometryOf,
  pixelScaleArcsec,
  type Geometry,
  type Pointing,
  type TanWcs,
} from '../../topology/camera.ts'
import { dayObsOf, exposureId } from '../../topology/identifiers.ts'
import { bandOf, instruments, scienceDetectorsOf, type Band, type Instrument } from '../../topology/instruments.ts'
import { taiSecondsOfInstant, type Instant } from '../../topology/model/time.ts'
import { bodiesOf, type MovingBody } from './bodies.ts'
import { fieldOf, type Depth, type Field } from './field.ts'
import { wholeOptions, type NightOptions, type SimulatedInstrument } from './options.ts'
import { randomOf, type Random } from './random.ts'

export type { NightOptions, SimulatedInstrument, Unusual } from './options.ts'

/** The shutter's times are ms UTC; the raw is put when it has been read out. */
export interface ExposurePlan {
  readonly snap: number
  readonly sequence: number
  readonly id: bigint
  readonly opensAt: Instant
  readonly closesAt: Instant
  readonly putAt: Instant
}

export interface Conditions {
  /** Arcseconds. */
  readonly fwhm: number
  readonly e1: number
  readonly e2: number
  /** e⁻ per pixel of one exposure, at the chip's centre, and its relative change from edge to edge along x and y. */
  readonly sky: number
  readonly skyGradient: readonly [number, number]
  /** e⁻ per nJy of one exposure: the instrument's, less a little extinction. */
  readonly throughput: number
}

export interface VisitPlan {
  readonly index: number
  readonly group: string
  readonly dayObs: number
  readonly announceAt: Instant
  readonly survey: string
  /** Snaps as announced. */
  readonly nimages: number
  /** Empty where the visit is never taken. */
  readonly exposures: readonly ExposurePlan[]
  /** Seconds of the script, as announced. */
  readonly duration: number
  readonly announced: Pointing
  /** Where the telescope came to point, an arcsecond or so off. */
  readonly actual: Pointing
  /** What the header's WCS is off by, pixels: up to 0.05 along each axis. */
  readonly wcsError: readonly [number, number]
  readonly conditions: Conditions
}

export interface DetectorPlan {
  readonly id: number
  readonly geometry: Geometry
  /** The chip at the middle of all dithers. */
  readonly nominalWcs: TanWcs
  readonly field: Field
}

export interface NightPlan {
  readonly options: Required<NightOptions>
  readonly instrument: Instrument
  readonly filter: string
  readonly band: Band
  readonly depth: Depth
  readonly pixelScale: number
  readonly detectors: readonly DetectorPlan[]
  readonly visits: readonly VisitPlan[]
  readonly bodies: readonly MovingBody[]
}

/** Pixels around a chip that dithers, pointing errors and field rotation may bring into view, with room for a kernel. */
export const MARGIN = 64
/** Largest dither along each axis, and pointing error, arcseconds. */
const DITHER = 4
const POINTING_ERROR = 1
/** Largest rotation from visit to visit, degrees. */
const TURN = 0.3
const READOUT_S = 2
const OVERHEAD_S = 5
const MIDDLING = { fwhm: 0.9, sky: 700, readNoise: 7 }

/** e⁻ per nJy in a typical exposure: a 1.2 m telescope and an 8.4 m one (6.5 m effective). */
const THROUGHPUT = { LATISS: 0.05, LSSTComCam: 0.6, LSSTCam: 0.6 }
const FILTER = { LATISS: 'SDSSr_65mm~empty', LSSTComCam: 'r_03', LSSTCam: 'r_57' }
/** AuxTel's pixels of 0.096″ are read out two by two, so that seeing covers the 3 to 7 pixels it does on LSST's cameras. */
const BINNING = { LATISS: 2, LSSTComCam: 1, LSSTCam: 1 }
/** The observing block whose visits get the whole pipeline. */
const SURVEY = 'BLOCK-365'
/** Seconds until the next announcement where a visit is not taken. */
const UNTAKEN_S = 2

/**
 * A night from a seed: what is on the sky, where the telescope points, when things happen. Pure: equal options, equal plan.
 * Worked example, three visits with lead 20 s, exposure 15 s, gap 3 s: announced at 0, 18, 36 s; exposing 20–35, 38–53, 56–71 s;
 * raws at 37, 55, 73 s. So the next visit is announced while, or before, the one before it is exposing.
 * @throws RangeError naming the option, what it is and what is allowed.
 */
export function planNight(given: NightOptions): NightPlan {
  const options = wholeOptions(given)
  const instrument = instruments.get(options.instrument)!
  const filter = FILTER[options.instrument]
  const pixelScale = pixelScaleArcsec(binned(instrument))
  const depth = {
    throughput: THROUGHPUT[options.instrument],
    variance: MIDDLING.sky + MIDDLING.readNoise ** 2,
    fwhm: MIDDLING.fwhm / pixelScale,
  }
  const centre = centreOf(options.seed)
  const detectors = scienceDetectorsOf(instrument).map(({ id }) => detectorPlan(options, id, centre, depth))
  const visits = timetable(options).map((times, index) => visitPlan(options, index, times, centre, depth))
  return {
    ...{ options, instrument, filter, band: bandOf(instrument, filter)!, depth, pixelScale, detectors, visits },
    bodies: bodiesOf(options, detectors, visits, depth),
  }
}

/** The same night, beginning at another time: the pixels rendered for one serve the other. */
export const startingAt = (plan: NightPlan, start: Instant): NightPlan => planNight({ ...plan.options, start })

const binned = (instrument: Instrument) => ({
  arcsecPerMm: instrument.arcsecPerMm,
  pixelMm: instrument.pixelMm * BINNING[instrument.name as SimulatedInstrument],
})

/** The chip of the simulated camera: at the real detector's place, `size` pixels square, so it lies within the real one's sky. */
function geometryFor({ instrument: name, size }: Required<NightOptions>, detector: number): Geometry {
  const instrument = instruments.get(name)!
  const found = instrument.detectors.find(it => it.id === detector)!
  return { ...geometryOf(instrument, found, { width: size, height: size })!, pixelMm: binned(instrument).pixelMm }
}

function centreOf(seed: number): Pointing {
  const random = randomOf(seed, 'centre')
  return { ra: 360 * random.uniform(), dec: -60 + 60 * random.uniform(), rotation: 360 * random.uniform() }
}

function detectorPlan(options: Required<NightOptions>, id: number, centre: Pointing, depth: Depth): DetectorPlan {
  const geometry = geometryFor(options, id)
  const nominalWcs = detectorWcs(geometry, centre)
  const { seed, visits, size, transients, pixels } = options
  if (!pixels) return { id, geometry, nominalWcs, field: { stars: [], changing: [] } }
  const field = fieldOf({ seed, detector: id, visits, size, margin: MARGIN, wcs: nominalWcs, depth, transients })
  return { id, geometry, nominalWcs, field }
}

function visitPlan(
  options: Required<NightOptions>,
  index: number,
  times: Times,
  centre: Pointing,
  depth: Depth,
): VisitPlan {
  const random = randomOf(options.seed, 'visit', index)
  const within = (limit: number) => (options.pixels ? limit * (2 * random.uniform() - 1) : 0)
  const announced = {
    ...moved(centre, within(DITHER), within(DITHER)),
    rotation: (centre.rotation + within(TURN) + 360) % 360,
  }
  return {
    index,
    ...times,
    survey: options.unusual[index]?.survey ?? SURVEY,
    announced,
    actual: moved(announced, within(POINTING_ERROR), within(POINTING_ERROR)),
    wcsError: [within(0.05), within(0.05)],
    conditions: conditionsOf(random, depth),
  }
}

/** `east` and `north` in arcseconds. */
const moved = ({ ra, dec, rotation }: Pointing, east: number, north: number): Pointing => ({
  ra: (ra + east / 3600 / Math.cos((dec * Math.PI) / 180) + 360) % 360,
  dec: dec + north / 3600,
  rotation,
})

type Times = Pick<VisitPlan, 'group' | 'dayObs' | 'announceAt' | 'exposures' | 'duration' | 'nimages'>

/** One visit after the other: each takes as long as its snaps, and the next exposes when this one's gap is over. */
function timetable(options: Required<NightOptions>): Times[] {
  const { start, exposure, gap, snaps, firstSequence, visits, unusual } = options
  const readout = Math.min(READOUT_S, gap)
  let [seconds, sequence] = [0, firstSequence]
  return Array.from({ length: visits }, (_, index) => {
    const taken = unusual[index]?.snaps ?? snaps
    const times = timesOf(options, start + Math.round(1000 * seconds), sequence, taken)
    seconds += taken === 0 ? UNTAKEN_S : taken * exposure + (taken - 1) * readout + gap
    sequence += taken
    return times
  })
}

function timesOf(options: Required<NightOptions>, announceAt: Instant, firstSequence: number, taken: number): Times {
  const { start, lead, exposure, gap, snaps } = options
  const readout = Math.min(READOUT_S, gap)
  const dayObs = dayObsOf(start)
  const exposures = Array.from({ length: taken }, (_, snap): ExposurePlan => {
    const opensAt = announceAt + Math.round(1000 * (lead + snap * (exposure + readout)))
    const closesAt = opensAt + Math.round(1000 * exposure)
    const sequence = firstSequence + snap
    return {
      snap,
      sequence,
      id: exposureId(dayObs, sequence),
      opensAt,
      closesAt,
      putAt: closesAt + Math.round(1000 * readout),
    }
  })
  const nimages = taken === 0 ? snaps : taken
  const duration = nimages * (exposure + readout) + OVERHEAD_S
  return { group: isoTai(announceAt), dayObs, announceAt, exposures, duration, nimages }
}

/** ISO date and time, TAI, with milliseconds and without a zone: what headers and group ids are written in. */
export const isoTai = (instant: Instant): string =>
  new Date(Math.round(1000 * taiSecondsOfInstant(instant))).toISOString().slice(0, -1)

function conditionsOf(random: Random, depth: Depth): Conditions {
  const ellipticity = 0.08 * random.uniform()
  const angle = 2 * Math.PI * random.uniform()
  return {
    fwhm: Math.min(1.3, Math.max(0.65, MIDDLING.fwhm * Math.exp(0.2 * random.normal()))),
    e1: ellipticity * Math.cos(angle),
    e2: ellipticity * Math.sin(angle),
    sky: 300 * 4 ** random.uniform(),
    skyGradient: [0.04 * (random.uniform() - 0.5), 0.04 * (random.uniform() - 0.5)],
    throughput: depth.throughput * (0.97 + 0.02 * random.uniform()),
  }
}
