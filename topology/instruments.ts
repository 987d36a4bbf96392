/** The cameras: what their detectors are called, where they sit, and how a filter maps to a band. Facts of nature, no settings. */

export type Band = 'u' | 'g' | 'r' | 'i' | 'z' | 'y'

export interface Detector {
  readonly id: number
  /** `R22_S11` where the camera has rafts; else the number. */
  readonly name: string
  readonly kind: 'science' | 'guider' | 'wavefront'
  /** Centre in focal-plane mm, x right and y up; null where it is not known here. */
  readonly centre: { readonly x: number; readonly y: number } | null
  /** Active area in pixels, width along +X of the focal plane. */
  readonly size: Size
}

export interface Size {
  readonly width: number
  readonly height: number
}

export interface Instrument {
  readonly name: string
  /** How its raws are named in the object store (prompt processing's key families). */
  readonly keys: 'lsst' | 'imsim' | 'group'
  /** First letters of an observation id: MC, CC, AT; empty where keys hold none. */
  readonly code: string
  readonly arcsecPerMm: number
  readonly pixelMm: number
  readonly detectors: readonly Detector[]
}

const ITL: Size = { width: 4072, height: 4000 }
const E2V: Size = { width: 4096, height: 4004 }
const HALF: Size = { width: 4072, height: 2000 }

/** LSST: plate scale of the as-designed optics (obs_lsst, cameraHeader.yaml), pixels of 10 µm. */
const lsst = { keys: 'lsst', arcsecPerMm: 20.005867576692737, pixelMm: 0.01 } as const

const RAFT_PITCH_MM = 127
const CCD_PITCH_MM = 42.25
const SCIENCE_RAFTS = '01 02 03 10 11 12 13 14 20 21 22 23 24 30 31 32 33 34 41 42 43'.split(' ')
const ITL_RAFTS = new Set('01 02 03 10 20 41 42 43'.split(' '))

/** Nine CCDs, rows from the bottom: S00 S01 S02, S10 … S22. `centre` is the raft's, mm. */
function raft(name: string, firstId: number, centre: { x: number; y: number }, size: Size): Detector[] {
  return Array.from({ length: 9 }, (_, i) => {
    const row = Math.floor(i / 3)
    const column = i % 3
    const x = centre.x + CCD_PITCH_MM * (column - 1)
    const y = centre.y + CCD_PITCH_MM * (row - 1)
    return { id: firstId + i, name: `R${name}_S${row}${column}`, kind: 'science', centre: { x, y }, size }
  })
}

/** 21 rafts on a grid, R<row from the bottom><column from the left>; ids count rafts in the order of their names. */
const scienceDetectors = (): Detector[] =>
  SCIENCE_RAFTS.flatMap((name, k) => {
    const centre = { x: RAFT_PITCH_MM * (Number(name[1]) - 2), y: RAFT_PITCH_MM * (Number(name[0]) - 2) }
    return raft(name, 9 * k, centre, ITL_RAFTS.has(name) ? ITL : E2V)
  })

/** Two guiders and two wavefront sensors on each corner raft, mm (obs_lsst, rafts.yaml). Not sent to Prompt Processing. */
const CORNERS: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  '00': [[-212.24, -258.74], [-258.74, -212.24], [-214.25, -202.625], [-214.25, -225.875]], // prettier-ignore
  '04': [[258.74, -212.24], [212.24, -258.74], [202.625, -214.25], [225.875, -214.25]], // prettier-ignore
  '40': [[-258.74, 212.24], [-212.24, 258.74], [-202.625, 214.25], [-225.875, 214.25]], // prettier-ignore
  '44': [[212.24, 258.74], [258.74, 212.24], [214.25, 202.625], [214.25, 225.875]], // prettier-ignore
}
const CORNER_SENSORS = ['SG0', 'SG1', 'SW0', 'SW1'] as const
const cornerDetectors = (): Detector[] =>
  ['00', '04', '40', '44'].flatMap((raftName, r) =>
    CORNER_SENSORS.map((sensor, s): Detector => {
      const [x, y] = CORNERS[raftName]![s]!
      const guider = sensor.startsWith('SG')
      return {
        id: 189 + 4 * r + s,
        name: `R${raftName}_${sensor}`,
        kind: guider ? 'guider' : 'wavefront',
        centre: { x, y },
        size: guider ? ITL : HALF,
      }
    }),
  )

const oneRaft = (): Detector[] => raft('22', 0, { x: 0, y: 0 }, ITL)

/** Names as middleware has them; LATISS's only detector is RXX_S00 there and R00_S00 in object keys. */
const LATISS: Instrument = {
  ...lsst,
  name: 'LATISS',
  code: 'AT',
  arcsecPerMm: 9.5695,
  detectors: [{ id: 0, name: 'RXX_S00', kind: 'science', centre: { x: 0, y: 0 }, size: ITL }],
}

/** HSC: 104 science CCDs of 2048×4176 pixels of 15 µm; where they sit is not recorded here. */
const HSC: Instrument = {
  name: 'HSC',
  keys: 'group',
  code: '',
  arcsecPerMm: 11.2,
  pixelMm: 0.015,
  detectors: Array.from({ length: 104 }, (_, id) => ({
    id,
    name: String(id),
    kind: 'science',
    centre: null,
    size: { width: 2048, height: 4176 },
  })),
}

const all: readonly Instrument[] = [
  LATISS,
  { ...lsst, name: 'LSSTComCam', code: 'CC', detectors: oneRaft() },
  { ...lsst, name: 'LSSTComCamSim', code: 'CC', detectors: oneRaft() },
  { ...lsst, name: 'LSST-TS8', code: 'TS', detectors: oneRaft() },
  { ...lsst, name: 'LSSTCam', code: 'MC', detectors: [...scienceDetectors(), ...cornerDetectors()] },
  { ...lsst, name: 'LSSTCam-imSim', keys: 'imsim', code: '', detectors: scienceDetectors() },
  HSC,
]

export const instruments: ReadonlyMap<string, Instrument> = new Map(all.map(it => [it.name, it]))

/** First path components of object keys that mean another instrument's name. */
const ALIASES: Readonly<Record<string, string>> = { ComCam: 'LSSTComCam', TS8: 'LSST-TS8' }

/** The instrument of the name, or of an alias used in object keys. */
export const instrumentOf = (name: string): Instrument | undefined =>
  instruments.get(name) ?? (Object.hasOwn(ALIASES, name) ? instruments.get(ALIASES[name]!) : undefined)

/** Every first path component that the instrument's keys may have, its own name first. */
export const namesInKeys = (name: string): readonly string[] => [
  name,
  ...Object.keys(ALIASES).filter(alias => ALIASES[alias] === name),
]

/** Detectors that Prompt Processing may be asked to look at, by id. */
export const scienceDetectorsOf = (instrument: Instrument): readonly Detector[] =>
  instrument.detectors.filter(it => it.kind === 'science')

/** The detector of a name as object keys and headers have it: `R22_S11`; for LATISS R00_S00 and RXX_S00 alike. */
export function detectorNamed(instrument: Instrument, name: string): Detector | undefined {
  const own = instrument.name === 'LATISS' && name === 'R00_S00' ? 'RXX_S00' : name
  return instrument.detectors.find(it => it.name === own)
}

/** How the detector is called in object keys. */
export const nameInKeys = (instrument: Instrument, detector: Detector): string =>
  instrument.name === 'LATISS' ? 'R00_S00' : detector.name

/**
 * The band of a physical filter: `g_6` and `g_01` (LSST cameras), `SDSSi_65mm~empty` (LATISS, filter and grating),
 * `HSC-R2` (HSC); undefined for pinholes, white light and an empty name.
 */
export function bandOf(instrument: Instrument, filter: string): Band | undefined {
  const pattern =
    instrument.name === 'LATISS'
      ? /^SDSS([ugrizy])_65mm(?:~|$)/
      : instrument.name === 'HSC'
        ? /^HSC-([GRIZY])2?$/
        : /^([ugrizy])_\d+$/
  return pattern.exec(filter)?.[1]?.toLowerCase() as Band | undefined
}
