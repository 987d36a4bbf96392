import { readFileSync } from 'node:fs'
import { FitsError, integerOf, readFits, stringOf, type Hdu, type Header } from '../../pipeline/images/fits.ts'
import type { Ordering } from '../../topology/healpix.ts'
import { mapsNamedBy, type PipelineRule } from '../../topology/pipelines.ts'
import { NO, UNKNOWN, YES, type Frame, type SkyMap, type SkyMaps } from '../../topology/sky-map.ts'
import { ConfigError } from './config.ts'

/**
 * Reads the maps that pipeline rules name: once, when a process starts.
 * @throws ConfigError naming each rule whose map cannot be read, its path, what is wrong and what is allowed.
 */
export function readSkyMaps(rules: readonly PipelineRule[]): SkyMaps {
  const maps = new Map<string, SkyMap>()
  const faults: string[] = []
  for (const path of mapsNamedBy(rules)) {
    try {
      maps.set(path, parseSkyMap(readFileSync(path)))
    } catch (error) {
      const rule = rules.findIndex(({ binaryMap }) => binaryMap === path)
      faults.push(`  decide.pipelines[${rule}].binaryMap is "${path}": ${(error as Error).message}`)
    }
  }
  if (faults.length === 0) return maps
  throw new ConfigError(
    ['A pipeline rule names a map that cannot be read; allowed is an all-sky HEALPix map in FITS:', ...faults].join(
      '\n',
    ),
  )
}

/**
 * An all-sky HEALPix map as it is kept in FITS: the first column of the first binary table, pixels in implicit order, whatever the
 * number of them in a row. The file's numbers become one byte a pixel.
 * @throws FitsError naming the keyword, its value and what is allowed.
 */
export function parseSkyMap(bytes: Uint8Array): SkyMap {
  const table = readFits(bytes).find(({ header }) => header.get('XTENSION') === 'BINTABLE')
  if (!table) throw new FitsError('there is no binary table (XTENSION BINTABLE), in which a HEALPix map is kept')
  const { header } = table
  if (header.has('INDXSCHM')) oneOf(header, 'INDXSCHM', { IMPLICIT: true })
  const ordering: Ordering = oneOf(header, 'ORDERING', { RING: 'RING', NESTED: 'NESTED', NEST: 'NESTED' })
  const frame: Frame = oneOf(header, 'COORDSYS', { C: 'C', G: 'G', E: 'E' })
  const nside = nsideOf(header, ordering)
  return { nside, ordering, frame, values: valuesOf(table, 12 * nside * nside) }
}

function oneOf<T>(header: Header, key: string, allowed: Readonly<Record<string, T>>): T {
  const value = stringOf(header, key, `; allowed are ${Object.keys(allowed).join(', ')}`)
  if (Object.hasOwn(allowed, value)) return allowed[value]!
  throw new FitsError(`${key} is '${value}'; allowed are ${Object.keys(allowed).join(', ')}`)
}

/** Finer than half an arcminute no rule needs to be; and 12·nside² bytes are kept. */
const MAX_NSIDE = 8192

function nsideOf(header: Header, ordering: Ordering): number {
  const nside = integerOf(header, 'NSIDE')
  const isPower = (nside & (nside - 1)) === 0
  if (nside >= 1 && nside <= MAX_NSIDE && (isPower || ordering === 'RING')) return nside
  throw new FitsError(`NSIDE is ${nside}; allowed are 1 to ${MAX_NSIDE}, and powers of two where ORDERING is NESTED`)
}

/** How each kind of column is read (FITS standard 4.0, table 18): bytes of a value, and the value at an offset. */
const COLUMNS: Readonly<Record<string, readonly [width: number, read: (view: DataView, at: number) => number]>> = {
  L: [1, (view, at) => ({ 84: YES, 70: NO })[view.getUint8(at)] ?? UNKNOWN],
  B: [1, (view, at) => view.getUint8(at)],
  I: [2, (view, at) => view.getInt16(at)],
  J: [4, (view, at) => view.getInt32(at)],
  K: [8, (view, at) => Number(view.getBigInt64(at))],
  E: [4, (view, at) => view.getFloat32(at)],
  D: [8, (view, at) => view.getFloat64(at)],
}

function valuesOf({ header, data }: Hdu, pixels: number): Uint8Array {
  const [, repeat, kind] = /^(\d*)([A-Z])/.exec(stringOf(header, 'TFORM1')) ?? []
  const column = kind === undefined ? undefined : COLUMNS[kind]
  if (!column)
    throw new FitsError(
      `TFORM1 is '${String(header.get('TFORM1'))}'; allowed are ${Object.keys(COLUMNS).join(', ')}, any number of them`,
    )
  const [width, read] = column
  const inRow = repeat === '' ? 1 : Number(repeat)
  const [row, rows] = [integerOf(header, 'NAXIS1'), integerOf(header, 'NAXIS2')]
  if (inRow * rows !== pixels || inRow * width > row)
    throw new FitsError(
      `there are ${inRow} × ${rows} pixels (TFORM1 × NAXIS2); the whole sky has 12 × NSIDE² = ${pixels}`,
    )
  const [scale, zero] = [scaleOf(header, 'TSCAL1', 1), scaleOf(header, 'TZERO1', 0)]
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const values = new Uint8Array(pixels)
  for (let pixel = 0; pixel < pixels; pixel++) {
    const at = Math.floor(pixel / inRow) * row + (pixel % inRow) * width
    const value = read(view, at) * scale + zero
    values[pixel] = value === YES || value === NO ? value : UNKNOWN
  }
  return values
}

function scaleOf(header: Header, key: string, usual: number): number {
  const value = header.get(key) ?? usual
  if (typeof value === 'number') return value
  throw new FitsError(`${key} is '${String(value)}'; a number is needed`)
}
