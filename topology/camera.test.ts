import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  detectorCentre,
  detectorPolygon,
  detectorWcs,
  geometryOf,
  normaliseDegrees,
  pixelOfSky,
  pixelScaleArcsec,
  skyOfPixel,
  type Geometry,
} from './camera.ts'
import { bandOf, detectorNamed, instruments, scienceDetectorsOf } from './instruments.ts'

const lsstCam = instruments.get('LSSTCam')!
const latiss = instruments.get('LATISS')!
const geometry = (name: string): Geometry => geometryOf(lsstCam, detectorNamed(lsstCam, name)!)!

describe('LSSTCam', () => {
  it('has 189 science detectors and 16 in the corners, numbered without gaps', () => {
    expect(lsstCam.detectors.map(it => it.id)).toEqual(Array.from({ length: 205 }, (_, i) => i))
    expect(scienceDetectorsOf(lsstCam)).toHaveLength(189)
  })
  it.each([
    ['R01_S00', 0, -169.25, -296.25],
    ['R11_S20', 42, -169.25, -84.75],
    ['R22_S00', 90, -42.25, -42.25],
    ['R22_S11', 94, 0, 0],
    ['R43_S22', 188, 169.25, 296.25],
    ['R04_SW1', 196, 225.875, -214.25],
    ['R40_SG0', 197, -258.74, 212.24],
  ])('%s is %d at (%d, %d) mm', (name, id, x, y) => {
    expect(detectorNamed(lsstCam, name)).toMatchObject({ id, centre: { x, y } })
  })
  it('has pixels of a fifth of an arcsecond', () => {
    expect(pixelScaleArcsec(geometry('R22_S11'))).toBeCloseTo(0.2, 3)
    expect(pixelScaleArcsec(geometryOf(latiss, latiss.detectors[0]!)!)).toBeCloseTo(0.0957, 4)
  })
})

it.each([
  ['LSSTCam', 'g_6', 'g'],
  ['LSSTComCam', 'y_04', 'y'],
  ['LATISS', 'SDSSi_65mm~empty', 'i'],
  ['HSC', 'HSC-R2', 'r'],
  ['LSSTCam', 'ph_5', undefined],
  ['LATISS', 'empty~empty', undefined],
  ['LSSTCam', '', undefined],
])('%s filter %j is band %s', (instrument, filter, band) => {
  expect(bandOf(instruments.get(instrument)!, filter)).toBe(band)
})

describe('the WCS of a detector', () => {
  const pointing = { ra: 10, dec: 0, rotation: 0 }
  it('has +Y north and +X west at rotation 0', () => {
    const wcs = detectorWcs(geometry('R22_S11'), pointing)
    const centre = detectorCentre(geometry('R22_S11'), pointing)
    expect(centre.ra).toBeCloseTo(10, 10)
    expect(centre.dec).toBeCloseTo(0, 10)
    expect(skyOfPixel(wcs, wcs.crpix[0], wcs.crpix[1] + 1000).dec).toBeCloseTo(200.0587 / 3600, 6)
    expect(skyOfPixel(wcs, wcs.crpix[0] + 1000, wcs.crpix[1]).ra).toBeCloseTo(10 - 200.0587 / 3600, 6)
  })
  it('turns +Y to the east at rotation 90', () => {
    const wcs = detectorWcs(geometry('R22_S11'), { ...pointing, rotation: 90 })
    expect(skyOfPixel(wcs, wcs.crpix[0], wcs.crpix[1] + 1000).ra).toBeCloseTo(10 + 200.0587 / 3600, 6)
    expect(skyOfPixel(wcs, wcs.crpix[0] + 1000, wcs.crpix[1]).dec).toBeCloseTo(200.0587 / 3600, 6)
  })
  it('puts a detector above the middle to the north, by its distance in the focal plane', () => {
    const { dec } = detectorCentre(geometry('R32_S11'), pointing)
    expect(Math.tan((dec * Math.PI) / 180)).toBeCloseTo(((127 * 20.005867576692737) / 3600 / 180) * Math.PI, 12)
  })
  it('agrees with astropy.wcs 8.0.2 on a corner of the field near the pole', () => {
    const wcs = detectorWcs(geometry('R43_S22'), { ra: 225.85827928, dec: -88.62750109, rotation: 357.96064203 })
    const sky = skyOfPixel(wcs, 1, 1)
    expect(sky.ra).toBeCloseTo(208.821064955008, 9)
    expect(sky.dec).toBeCloseTo(-86.99125112935405, 11)
  })
  it('is inverted exactly, poles and the seam of RA included', () => {
    const double = (min: number, max: number) => fc.double({ min, max, noNaN: true })
    const pointings = fc.record({ ra: double(0, 359.999), dec: double(-90, 90), rotation: double(0, 360) })
    const names = fc.constantFrom(...scienceDetectorsOf(lsstCam).map(it => it.name))
    fc.assert(
      fc.property(pointings, names, double(1, 4000), double(1, 4000), (pointing, name, x, y) => {
        const wcs = detectorWcs(geometry(name), pointing)
        const sky = skyOfPixel(wcs, x, y)
        expect(sky.ra).toBeGreaterThanOrEqual(0)
        expect(sky.ra).toBeLessThan(360)
        const back = pixelOfSky(wcs, sky)!
        expect(Math.hypot(back.x - x, back.y - y)).toBeLessThan(1e-3)
      }),
    )
  })
  it('has no pixel for the far half of the sky', () => {
    expect(pixelOfSky(detectorWcs(geometry('R22_S11'), pointing), { ra: 190, dec: 0 })).toBeUndefined()
  })
})

describe('the polygon of a detector', () => {
  it('is its edge, padded on every side', () => {
    const small = geometryOf(latiss, latiss.detectors[0]!, { width: 1000, height: 500 })!
    const corners = detectorPolygon(small, { ra: 0, dec: 0, rotation: 0 }, 30)
    expect(corners).toHaveLength(4)
    const scale = 0.095695
    const half = { x: (500 * scale + 30) / 3600, y: (250 * scale + 30) / 3600 }
    expect(corners[0]!.ra).toBeCloseTo(half.x, 5)
    expect(corners[0]!.dec).toBeCloseTo(-half.y, 5)
    expect(corners[1]!.ra).toBeCloseTo(360 - half.x, 5)
    expect(corners[2]!.dec).toBeCloseTo(half.y, 5)
  })
  it('is unknown where the detector has no known place', () => {
    const hsc = instruments.get('HSC')!
    expect(geometryOf(hsc, hsc.detectors[0]!)).toBeUndefined()
  })
})

it.each([
  [-23, 337],
  [360, 0],
  [725, 5],
  [-1e-20, 0],
])('%d° is %d°', (given, normal) => {
  expect(normaliseDegrees(given)).toBe(normal)
})
