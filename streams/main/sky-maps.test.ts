import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pixelOf } from '../../topology/healpix.ts'
import { UNKNOWN, valueAt } from '../../topology/sky-map.ts'
import { vectorOf } from '../../topology/sphere.ts'
import { mapFile } from '../testing/sky-map.ts'
import { ConfigError } from './config.ts'
import { parseSkyMap, readSkyMaps } from './sky-maps.ts'

const NSIDE = 4
const PIXELS = 12 * NSIDE * NSIDE
/** Every third pixel unknown, the others no and yes in turns. */
const values = Array.from({ length: PIXELS }, (_, i) => (i % 3 === 2 ? UNKNOWN : i % 2))

describe('a map of the sky in FITS', () => {
  it.each([
    ['E', 1],
    ['1024E', 192],
    ['B', 1],
    ['64B', 64],
    ['I', 1],
    ['96J', 96],
    ['K', 1],
    ['D', 1],
    ['32D', 32],
  ])('is read from a column %s', (form, inRow) => {
    const tform = form === '1024E' ? `${inRow}E` : form
    const map = parseSkyMap(mapFile({ nside: NSIDE, values, tform }))
    expect(map).toMatchObject({ nside: NSIDE, ordering: 'RING', frame: 'C' })
    expect([...map.values]).toEqual(values)
  })
  it('is read from a logical column, in which what is neither T nor F is unknown', () => {
    expect([...parseSkyMap(mapFile({ nside: NSIDE, values, tform: '16L' })).values]).toEqual(values)
  })
  it('is read from the first of several columns, scaled as its header says', () => {
    const file = mapFile({
      nside: NSIDE,
      values: values.map(it => it + 5),
      tform: '2I',
      beside: 8,
      header: { TZERO1: -5 },
    })
    expect([...parseSkyMap(file).values]).toEqual(values)
  })
  it('does not know NaN, nor what HEALPix calls unseen, nor any other number', () => {
    const odd = values.map((it, i) => [NaN, -1.6375e30, 0.5, -1, 17][i] ?? it)
    expect([...parseSkyMap(mapFile({ nside: NSIDE, values: odd, tform: 'D' })).values].slice(0, 6)).toEqual([
      ...[UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN],
      UNKNOWN,
    ])
  })
  it('keeps its order and its coordinates', () => {
    const place = pixelOf(NSIDE, 'NESTED', vectorOf(266.405, 0))
    const one = Array.from({ length: PIXELS }, (_, i) => (i === place ? 1 : 0))
    const map = parseSkyMap(mapFile({ nside: NSIDE, values: one, tform: 'B', header: { ORDERING: 'NESTED' } }))
    expect(map).toMatchObject({ ordering: 'NESTED', frame: 'C' })
    expect([valueAt(map, 266.405, 0), valueAt(map, 86.405, 0)]).toEqual([1, 0])
    const galactic = parseSkyMap(mapFile({ nside: NSIDE, values, tform: 'B', header: { COORDSYS: 'G' } }))
    // The galactic centre is where galactic longitude and latitude are 0.
    expect(valueAt(galactic, 266.405, -28.936)).toBe(values[pixelOf(NSIDE, 'RING', vectorOf(1e-4, 1e-4))])
  })
  it.each<[Record<string, string | number>, string]>([
    [{ ORDERING: 'SPIRAL' }, "ORDERING is 'SPIRAL'; allowed are RING, NESTED"],
    [{ COORDSYS: 'H' }, "COORDSYS is 'H'; allowed are C, G, E"],
    [{ INDXSCHM: 'EXPLICIT' }, "INDXSCHM is 'EXPLICIT'; allowed are IMPLICIT"],
    [{ NSIDE: 3, ORDERING: 'NESTED' }, 'NSIDE is 3; allowed are 1 to 8192, and powers of two'],
    [{ NSIDE: 0 }, 'NSIDE is 0'],
    [{ NSIDE: 16384 }, 'NSIDE is 16384'],
    [{ NSIDE: 8 }, 'there are 1 × 192 pixels (TFORM1 × NAXIS2); the whole sky has 12 × NSIDE² = 768'],
    [{ TFORM1: '3A' }, "TFORM1 is '3A'; allowed are L, B, I, J, K, E, D"],
    [{ TFORM1: 'D' }, '1 × 192 pixels'],
    [{ TSCAL1: 'x' }, "TSCAL1 is 'x'; a number is needed"],
  ])('with %j is refused', (header, sentence) => {
    expect(() => parseSkyMap(mapFile({ nside: NSIDE, values, tform: 'B', header }))).toThrow(sentence)
  })
  it('that is cut, or has no table, is refused', () => {
    const file = mapFile({ nside: NSIDE, values, tform: 'D' })
    expect(() => parseSkyMap(file.subarray(0, 5760 + 100))).toThrow('FITS ends after 100 of 1536 data bytes in HDU 2')
    expect(() => parseSkyMap(file.subarray(0, 2880))).toThrow('there is no binary table')
    expect(() => parseSkyMap(Buffer.from('yes, everywhere'))).toThrow('FITS ends')
  })
})

describe('the maps that rules name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pp-maps-'))
  const good = join(folder, 'good.fits')
  writeFileSync(good, mapFile({ nside: NSIDE, values, tform: 'B' }))
  it('are read once each', () => {
    const rule = { binaryMap: good, pipelines: [] }
    expect([...readSkyMaps([rule, { pipelines: [] }, rule]).keys()]).toEqual([good])
    expect(readSkyMaps([{ pipelines: [] }]).size).toBe(0)
  })
  it('are refused with the rule, the path and what is allowed', () => {
    const bad = join(folder, 'bad.fits')
    writeFileSync(bad, 'no')
    const load = () =>
      readSkyMaps([{ binaryMap: good, pipelines: [] }, { binaryMap: bad, pipelines: [] }, { binaryMap: '/absent', pipelines: [] }]) // prettier-ignore
    expect(load).toThrow(ConfigError)
    expect(load).toThrow(/allowed is an all-sky HEALPix map in FITS/)
    expect(load).toThrow(`decide.pipelines[1].binaryMap is "${bad}": FITS ends`)
    expect(load).toThrow('decide.pipelines[2].binaryMap is "/absent": ENOENT')
  })
})
