import { type AlgorithmErrorCode, AlgorithmError, reading } from './errors.ts'
import { type Header, type HeaderValue, type Plane, numberOf, stringOf } from './fits.ts'
import type { MaskedImage } from './image.ts'
import { addSnaps, removeSignature } from './isr.ts'
import { type Raw, readCalibration, readRaw } from './raw.ts'
import { type Wcs } from './wcs.ts'

/** What the loading of a visit needs of the pipeline's inputs. */
export interface VisitInputs {
  readonly instrument: string
  readonly detector: number
  readonly physicalFilter: string
  readonly raws: readonly Uint8Array[]
  readonly bias: Uint8Array | undefined
  readonly flat: Uint8Array | undefined
}

/** A detector's snaps as one image in electrons, with what the headers say of it. */
export interface Visit {
  readonly image: MaskedImage
  readonly wcs: Wcs
  readonly midpointMjdTai: number
  /** Seconds, all snaps. */
  readonly exposureTime: number
  /** Degrees. */
  readonly rotpa: number
  /** Cards that products carry on. */
  readonly cards: Readonly<Record<string, HeaderValue>>
}

/**
 * Reads the raws and their calibrations, checks that they belong together, removes the signature and adds the snaps.
 * @throws AlgorithmError raw-*, calibration-*
 */
export function loadVisit(inputs: VisitInputs): Visit {
  const snaps = inputs.raws.map((bytes, i) => reading('raw-unreadable', `raw ${i + 1}`, () => readRaw(bytes)))
  const [first] = snaps
  if (!first) throw new AlgorithmError('raw-missing', 'there is no raw; at least one snap is needed')
  snaps.forEach((snap, i) => checkRaw(snap, first, i, inputs))
  const bias = loadCalibration('bias', inputs.bias, first, inputs)
  const flat = loadCalibration('flat', inputs.flat, first, inputs)
  const last = snaps.at(-1)!
  return {
    image: addSnaps(snaps.map(snap => removeSignature(snap, bias, flat))),
    wcs: first.wcs,
    midpointMjdTai: (first.beginMjdTai + last.endMjdTai) / 2,
    exposureTime: snaps.reduce((sum, snap) => sum + snap.exposureTime, 0),
    rotpa: reading('raw-unreadable', 'raw 1', () => numberOf(first.header, 'ROTPA')),
    cards: carried(first.header),
  }
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

function checkRaw(raw: Raw, first: Raw, index: number, inputs: VisitInputs): void {
  const file = `raw ${index + 1}`
  const { header } = raw
  const text = (key: string) => reading('raw-unreadable', file, () => stringOf(header, key))
  const refuse = (
    code: AlgorithmErrorCode,
    key: string,
    found: HeaderValue | undefined,
    wanted: HeaderValue | undefined,
  ) => {
    throw new AlgorithmError(code, `${file}: ${key} is '${String(found)}'; '${String(wanted)}' is expected`)
  }
  if (!same(text('INSTRUME'), inputs.instrument))
    refuse('raw-wrong-detector', 'INSTRUME', header.get('INSTRUME'), inputs.instrument)
  if (header.has('DETECTOR') && header.get('DETECTOR') !== inputs.detector)
    refuse('raw-wrong-detector', 'DETECTOR', header.get('DETECTOR'), inputs.detector)
  // A visit announced without a filter takes whatever is in: it has no flat and no template that could be the wrong ones.
  if (inputs.physicalFilter.trim() !== '' && text('FILTER') !== inputs.physicalFilter)
    refuse('raw-wrong-filter', 'FILTER', header.get('FILTER'), inputs.physicalFilter)
  for (const key of ['GROUPID', 'RAFTBAY', 'CCDSLOT', 'DETSIZE'])
    if (header.get(key) !== first.header.get(key))
      refuse('raw-wrong-detector', key, header.get(key), first.header.get(key))
}

function loadCalibration(
  kind: 'bias' | 'flat',
  bytes: Uint8Array | undefined,
  raw: Raw,
  inputs: VisitInputs,
): Plane | undefined {
  if (!bytes) return undefined
  const { header, image } = reading('calibration-unreadable', kind, () => readCalibration(bytes))
  const expect = (key: string, found: HeaderValue | undefined, wanted: HeaderValue, fits: boolean) => {
    if (!fits)
      throw new AlgorithmError('calibration-mismatch', `${kind}: ${key} is '${String(found)}'; '${wanted}' is expected`)
  }
  const instrument = header.get('INSTRUME')
  expect('INSTRUME', instrument, inputs.instrument, same(String(instrument), inputs.instrument))
  expect('DETECTOR', header.get('DETECTOR'), inputs.detector, header.get('DETECTOR') === inputs.detector)
  if (kind === 'flat')
    expect('FILTER', header.get('FILTER'), inputs.physicalFilter, header.get('FILTER') === inputs.physicalFilter)
  const [size, wanted] = [`${image.width}×${image.height}`, `${raw.width}×${raw.height}`]
  expect('the size', size, wanted, size === wanted)
  return image
}

const CARRIED = [
  'INSTRUME',
  'GROUPID',
  'RAFTBAY',
  'CCDSLOT',
  'OBSID',
  'DAYOBS',
  'SEQNUM',
  'FILTER',
  'TIMESYS',
  'DATE-BEG',
  'DATE-END',
  'MJD-BEG',
  'MJD-END',
  'ROTPA',
]

function carried(header: Header): Record<string, HeaderValue> {
  return Object.fromEntries(CARRIED.flatMap(key => (header.has(key) ? [[key, header.get(key)!]] : [])))
}
