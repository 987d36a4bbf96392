import { type Controller, CONTROLLERS, exposureId } from './identifiers.ts'
import { detectorNamed, instrumentOf, instruments, nameInKeys, type Detector, type Instrument } from './instruments.ts'

/**
 * Names of raw images in the object store, read and built. Three families, told apart by the instrument:
 * - `lsst`: LSSTCam/20220321/MC_O_20220321_000004/MC_O_20220321_000004_R11_S20.fits — group and snap are in the sidecar
 * - `imsim`: LSSTCam-imSim/20220321/2080088/2080088_k2022_42_R11_S20.fits — likewise
 * - `group`: HSC/42/2022032100001/0/404/k2022/HSC-2022032100001-0-404-k2022-42.fz — everything is in the key
 */
export type RawKey = LsstKey | ImsimKey | GroupKey

interface Common {
  readonly instrument: string
  readonly detector: number
  readonly exposure: bigint
  /** `fits`, `fits.fz`, `fz` …, without the leading dot. */
  readonly extension: string
}
export interface LsstKey extends Common {
  readonly family: 'lsst'
  readonly dayObs: number
  readonly sequence: number
  readonly controller: Controller
}
export interface ImsimKey extends Common {
  readonly family: 'imsim'
  readonly dayObs: number
  readonly filter: string
}
export interface GroupKey extends Common {
  readonly family: 'group'
  readonly group: string
  readonly snap: number
  readonly filter: string
  readonly file: string
}

/** What a key is. `skip`: rightly in the bucket and no work for us; `refused`: nobody should have written it. */
export type ParsedKey =
  | { readonly kind: 'raw'; readonly raw: RawKey }
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string }

const refused = (code: string, reason: string): ParsedKey => ({ kind: 'refused', code, reason })
const skip = (reason: string): ParsedKey => ({ kind: 'skip', reason })

/** Reads a key, already url-decoded once. Never throws: a key is the world's, and each gets an answer. */
export function parseRawKey(key: string): ParsedKey {
  const unsafe = whyUnsafe(key)
  if (unsafe) return refused('unsafe-key', `object key ${shown(key)} ${unsafe}`)
  if (key.endsWith('.json')) return skip('a sidecar')
  const parts = key.split('/')
  const instrument = instrumentOf(parts[0]!)
  if (!instrument) {
    const known = [...instruments.keys()].join(', ')
    return refused('unknown-instrument', `object key ${shown(key)} begins with no known instrument: ${known}`)
  }
  return FAMILIES[instrument.keys](instrument, parts, key)
}

/** The object key of a raw. */
export function buildRawKey(raw: RawKey): string {
  const instrument = instruments.get(raw.instrument)
  const detector = instrument?.detectors.find(it => it.id === raw.detector)
  if (!instrument || !detector) throw new RangeError(`no detector ${raw.detector} of "${raw.instrument}"`)
  switch (raw.family) {
    case 'lsst': {
      const obsid = `${instrument.code}_${raw.controller}_${raw.dayObs}_${String(raw.sequence).padStart(6, '0')}`
      return `${raw.instrument}/${raw.dayObs}/${obsid}/${obsid}_${nameInKeys(instrument, detector)}.${raw.extension}`
    }
    case 'imsim': {
      const file = `${raw.exposure}_${raw.filter}_${raw.detector}_${detector.name}`
      return `${raw.instrument}/${raw.dayObs}/${raw.exposure}/${file}.${raw.extension}`
    }
    case 'group': {
      const folders = [raw.instrument, raw.detector, raw.group, raw.snap, raw.exposure, raw.filter]
      return `${folders.join('/')}/${raw.file}.${raw.extension}`
    }
  }
}

/** Where the primary header of a raw lies as JSON: the same key, its FITS extension replaced. */
export const sidecarKey = (key: string): string => key.replace(/\.f[^/]*$/, '.json')

/** The folder of a unit, for cameras whose store can be listed by group; undefined where the key holds no group. */
export const unitPrefix = (instrument: Instrument, group: string, detector: number): string | undefined =>
  instrument.keys === 'group' ? `${instrument.name}/${detector}/${group}/` : undefined

type Family = (instrument: Instrument, parts: readonly string[], key: string) => ParsedKey

const FAMILIES: Readonly<Record<Instrument['keys'], Family>> = { lsst: parseLsst, imsim: parseImsim, group: parseGroup }

const LSST_FILE = /^(?<obsid>[A-Z]{2}_[A-Z]_\d{8}_\d{6})_(?<name>R\d{2}_S.\d)(?<guider>_guider)?\.(?<extension>f.*)$/

function parseLsst(instrument: Instrument, parts: readonly string[], key: string): ParsedKey {
  const wanted = 'instrument/YYYYMMDD/obsid/obsid_RAFT_SENSOR.fits'
  const found = LSST_FILE.exec(parts[3] ?? '')?.groups
  if (parts.length !== 4 || !found) return refused('bad-key', `object key ${shown(key)} is not ${wanted}`)
  const { obsid, name, guider, extension } = found as Record<'obsid' | 'name' | 'guider' | 'extension', string>
  if (guider) return skip('a guider image')
  if (parts[2] !== obsid)
    return refused('bad-key', `object key ${shown(key)} names two observations: folder and file differ`)
  const [code, controller, day, digits] = obsid.split('_') as [string, Controller, string, string]
  if (code !== instrument.code) {
    return refused(
      'bad-key',
      `object key ${shown(key)} says ${code}; observations of ${instrument.name} are ${instrument.code}`,
    )
  }
  if (!CONTROLLERS.includes(controller)) {
    return refused(
      'bad-key',
      `object key ${shown(key)} says controller ${controller}; allowed are ${CONTROLLERS.join(' ')}`,
    )
  }
  if (parts[1] !== day) return refused('bad-key', `object key ${shown(key)} names two days: ${parts[1]} and ${day}`)
  return withDetector(instrument, detectorNamed(instrument, name), name, key, detector => ({
    family: 'lsst',
    instrument: instrument.name,
    detector,
    exposure: exposureId(Number(day), Number(digits)),
    dayObs: Number(day),
    sequence: Number(digits),
    controller,
    extension,
  }))
}

const IMSIM_FILE =
  /^(?<exposure>\d{1,13})_(?<filter>[^/]+)_(?<detector>\d{1,3})_(?<name>R\d{2}_S\d{2})\.(?<extension>f.*)$/

function parseImsim(instrument: Instrument, parts: readonly string[], key: string): ParsedKey {
  const wanted = 'instrument/YYYYMMDD/exposure/exposure_filter_detector_RAFT_SENSOR.fits'
  const found = IMSIM_FILE.exec(parts[3] ?? '')?.groups
  if (parts.length !== 4 || !found || parts[2] !== found.exposure || !/^\d{8}$/.test(parts[1]!)) {
    return refused('bad-key', `object key ${shown(key)} is not ${wanted}`)
  }
  const { exposure, filter, detector, name, extension } = found as Record<string, string>
  const named = detectorNamed(instrument, name!)
  if (named && String(named.id) !== detector) {
    return refused('bad-key', `object key ${shown(key)} says detector ${detector}, and ${name} is ${named.id}`)
  }
  return withDetector(instrument, named, name!, key, id => ({
    family: 'imsim',
    instrument: instrument.name,
    detector: id,
    exposure: BigInt(exposure!),
    dayObs: Number(parts[1]),
    filter: filter!,
    extension: extension!,
  }))
}

const GROUP_FILE = /^(?<file>[^/]*?)\.(?<extension>f.*)$/
const COUNT = /^(0|[1-9]\d{0,12})$/

function parseGroup(instrument: Instrument, parts: readonly string[], key: string): ParsedKey {
  const wanted = 'instrument/detector/group/snap/exposure/filter/name.fits'
  const found = GROUP_FILE.exec(parts[6] ?? '')?.groups
  const numbers = [parts[1], parts[3], parts[4]].every(text => COUNT.test(text ?? ''))
  if (parts.length !== 7 || !found || !numbers) return refused('bad-key', `object key ${shown(key)} is not ${wanted}`)
  const [, number, group, snap, exposure, filter] = parts as [string, string, string, string, string, string]
  const detector = instrument.detectors.find(it => it.id === Number(number))
  return withDetector(instrument, detector, number, key, id => ({
    family: 'group',
    instrument: instrument.name,
    detector: id,
    exposure: BigInt(exposure),
    group,
    snap: Number(snap),
    filter,
    file: found.file!,
    extension: found.extension!,
  }))
}

function withDetector(
  instrument: Instrument,
  detector: Detector | undefined,
  name: string,
  key: string,
  make: (id: number) => RawKey,
): ParsedKey {
  if (!detector)
    return refused('unknown-detector', `object key ${shown(key)}: ${instrument.name} has no detector ${name}`)
  if (detector.kind !== 'science') return skip(`a ${detector.kind} sensor`)
  try {
    return { kind: 'raw', raw: make(detector.id) }
  } catch (error) {
    return refused('bad-key', `object key ${shown(key)}: ${(error as Error).message}`)
  }
}

const MAX_KEY_BYTES = 1024

/** Keys become paths and URLs downstream: what could leave its folder there is refused here, at the door. */
function whyUnsafe(key: string): string | undefined {
  if (key === '') return 'is empty'
  if (new TextEncoder().encode(key).length > MAX_KEY_BYTES) return `is longer than ${MAX_KEY_BYTES} bytes`
  if (/[\p{Cc}\p{Cs}]/u.test(key)) return 'holds a control character or half a character'
  if (key.includes('\\')) return 'holds a backslash'
  if (/%[0-9a-f]{2}/i.test(key)) return 'is still url-encoded after decoding it once'
  if (key.split('/').some(part => part === '' || part === '.' || part === '..'))
    return 'has an empty, "." or ".." folder'
  return undefined
}

/** A key quoted for a sentence: cut short, and control characters made visible. */
const shown = (key: string): string => JSON.stringify(key.length > 200 ? `${key.slice(0, 200)}…` : key)
