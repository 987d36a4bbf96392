import { expect, it } from 'vitest'
import type { ObjectStore } from './ports.ts'
import { calibrationPrefix, findCalibration, overlappingTemplates, taiStamp } from './repository.ts'

const storeOf = (...keys: string[]): Pick<ObjectStore, 'list'> => ({
  async *list(_bucket, prefix) {
    await Promise.resolve()
    yield* keys.filter(key => key.startsWith(prefix)).map(key => ({ key }))
  },
})
const prefix = calibrationPrefix('flat', 'LATISS', 0, 'SDSSr_65mm~empty')
const at = (iso: string) => Date.parse(iso) / 1000
const find = (store: Pick<ObjectStore, 'list'>, iso: string) => findCalibration(store, 'central', prefix, at(iso))

it('stamps a TAI time as calibrations do', () => {
  expect(taiStamp(at('2026-11-22T05:18:33Z'))).toBe('20261122T051833')
})

it('takes the calibration valid at the time; of several the newest; its end is outside', async () => {
  const year = `${prefix}20260101T000000_20270101T000000.fits`
  const month = `${prefix}20261101T000000_20261201T000000.fits`
  const store = storeOf(year, month, `${prefix}README.txt`, `${prefix}20261122T000000.fits`)
  expect(await find(store, '2026-11-22T05:00:00Z')).toBe(month)
  expect(await find(store, '2026-12-01T00:00:00Z')).toBe(year)
  expect(await find(store, '2015-01-01T00:00:00Z')).toBeUndefined()
  expect(await find(store, '2027-01-01T00:00:00Z')).toBeUndefined()
})

const square = (ra: number, dec: number, half: number) => [
  [ra - half, dec - half],
  [ra + half, dec - half],
  [ra + half, dec + half],
  [ra - half, dec + half],
]
const polygon = (ra: number, dec: number, half: number) => square(ra, dec, half).map(([x, y]) => ({ ra: x!, dec: y! }))
const index = (...templates: { key: string; corners: number[][] }[]) => Buffer.from(JSON.stringify({ templates }))

it('finds the templates that overlap, across RA 0 too', () => {
  const bytes = index(
    { key: 'west', corners: square(0.2, 10, 0.3) },
    { key: 'far', corners: square(180, 10, 0.3) },
    { key: 'south', corners: square(359.9, 5, 0.3) },
  )
  expect(overlappingTemplates(bytes, 'index.json', polygon(359.9, 10, 0.05))).toEqual(['west'])
  expect(overlappingTemplates(bytes, 'index.json', polygon(90, 10, 0.05))).toEqual([])
})

it('says which index is none', () => {
  expect(() => overlappingTemplates(Buffer.from('{}'), 'r/index.json', polygon(0, 0, 1))).toThrow('r/index.json')
})
