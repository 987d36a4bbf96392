import type { Instant } from '../../topology/model/time.ts'

const SIMULATED = ['LATISS', 'LSSTComCam', 'LSSTCam'] as const
export type SimulatedInstrument = (typeof SIMULATED)[number]

export interface NightOptions {
  readonly seed: number
  readonly instrument: SimulatedInstrument
  readonly visits: number
  /** When the night begins: the first announcement, ms UTC. It moves times and names, and changes nothing on the sky. */
  readonly start: Instant
  /** Side of the square chips, pixels; a multiple of 4. */
  readonly size?: number
  /** False: a control night. */
  readonly transients?: boolean
  /** Moving bodies for each detector, of whose ephemerides the observatory knows; on a control night too. */
  readonly bodies?: number
  /** Pixels (counted from 1) of the chip where a body stands all night: where a recorded result has detections. */
  readonly still?: readonly { readonly x: number; readonly y: number }[]
  /** Seconds from an announcement to the opening of the shutter. */
  readonly lead?: number
  /** Seconds of one snap. They do not scale the light: a compressed night has the noise of a real one. */
  readonly exposure?: number
  /** Seconds from the closing of the shutter to the next visit's opening; up to two of them are readout. */
  readonly gap?: number
  /** Exposures of one visit. */
  readonly snaps?: 1 | 2
  /** Visits, by index, that are not like the others. */
  readonly unusual?: Readonly<Record<number, Unusual>>
  /** False: raws are headers alone, and nothing dithers, so that a recorded result finds its objects again. */
  readonly pixels?: boolean
  /** Number of the first exposure in its day; a second night on one day must begin above the first. */
  readonly firstSequence?: number
}

/** What makes a visit unusual. */
export interface Unusual {
  /** 0: announced, and never taken. */
  readonly snaps?: 0 | 1 | 2
  /** Another programme than the night's. */
  readonly survey?: string
}

const DEFAULTS = {
  size: 1024,
  transients: true,
  bodies: 0,
  still: [],
  lead: 20,
  exposure: 15,
  gap: 3,
  snaps: 1,
  firstSequence: 1,
  unusual: {},
  pixels: true,
} as const

/** The options with defaults filled in. @throws RangeError naming the option, what it is and what is allowed. */
export function wholeOptions(given: NightOptions): Required<NightOptions> {
  const options = { ...DEFAULTS, ...given }
  check(options)
  return options
}

function check(options: Required<NightOptions>): void {
  const { instrument, visits, size, lead, exposure, gap, snaps, seed, start, firstSequence } = options
  if (!SIMULATED.includes(instrument))
    throw new RangeError(
      `instrument is "${String(instrument)}"; a night can be simulated for LATISS, LSSTComCam and LSSTCam`,
    )
  if (instrument === 'LSSTCam' && options.pixels)
    throw new RangeError('instrument is "LSSTCam"; its 189 detectors are simulated without pixels')
  const allow = (what: string, value: number, fine: boolean, allowed: string) => {
    if (!fine) throw new RangeError(`${what} is ${value}; allowed are ${allowed}`)
  }
  const whole = (value: number, low: number, high: number) => Number.isInteger(value) && value >= low && value <= high
  allow('seed', seed, whole(seed, 0, 2 ** 31 - 1), 'integers from 0 to 2147483647')
  allow('visits', visits, whole(visits, 1, 5000), 'integers from 1 to 5000')
  allow('size', size, whole(size, 128, 4096) && size % 4 === 0, 'multiples of 4 from 128 to 4096')
  allow('snaps', snaps, whole(snaps, 1, 2), '1 and 2')
  allow('firstSequence', firstSequence, whole(firstSequence, 1, 99_999 - visits * 2), 'those that leave room below 99999') // prettier-ignore
  allow('bodies', options.bodies, whole(options.bodies, 0, 10), 'integers from 0 to 10')
  allow('start', start, Number.isFinite(start), 'instants in ms UTC')
  for (const [what, seconds] of Object.entries({ lead, exposure, gap }))
    allow(what, seconds, seconds > 0 && seconds <= 600, 'seconds above 0 and up to 600')
}
