import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pixelOf } from './healpix.ts'
import { inFrame } from './sky-map.ts'
import { angle, ARCSEC, vectorOf } from './sphere.ts'

describe('the pixel of a direction', () => {
  /** nside, longitude, latitude, number by rings, number nested: astropy-healpix 2.0.1. */
  it.each<readonly [number, number, number, number, number | undefined]>([
    [1, 184.255784892, 89.996889363, 2, 2],
    [1, 98.657419901, -89.990768662, 9, 9],
    [1, 298.952615509, -58.043741835, 11, 11],
    [1, 264.772707249, 6.809752153, 7, 7],
    [1, 49.688275178, 37.013653369, 0, 0],
    [1, 159.094588123, 33.869103109, 1, 1],
    [2, 172.333942959, 89.998459692, 1, 7],
    [2, 22.457032016, -89.99618612, 44, 32],
    [2, 43.163910421, 12.133394017, 13, 0],
    [2, 145.557345238, -6.740787204, 23, 26],
    [2, 62.998261833, 78.165963643, 0, 3],
    [2, 65.458169492, -59.098552905, 44, 32],
    [3, 305.731620472, 89.997901314, 3, undefined],
    [3, 89.727238632, -89.994788943, 104, undefined],
    [3, 267.974028744, -44.130793661, 92, undefined],
    [3, 22.930325825, -2.067308121, 49, undefined],
    [3, 268.97046356, -28.879729667, 81, undefined],
    [3, 162.538294729, -8.301023697, 65, undefined],
    [64, 2.033957078, 89.997453516, 0, 4095],
    [64, 327.12031127, -89.995329407, 49151, 45056],
    [64, 285.777005919, -33.6034404, 38219, 48008],
    [64, 36.293532861, 42.547972248, 7837, 2412],
    [64, 337.746919087, 3.299145503, 23408, 19212],
    [64, 139.032789652, -17.351542807, 31971, 40376],
    [100, 229.988870555, 89.990179441, 2, undefined],
    [100, 79.063211185, -89.992863655, 119996, undefined],
    [100, 278.226216511, 69.651717124, 3744, undefined],
    [100, 77.143750008, -10.820861299, 71085, undefined],
    [100, 339.940478582, -81.852310045, 119452, undefined],
    [100, 143.25107478, -32.06662453, 91559, undefined],
    [512, 338.710385594, 89.99925138, 3, 1048575],
    [512, 101.980028299, -89.994109926, 3145725, 2359296],
    [512, 288.819761378, -63.114344084, 2976717, 2927992],
    [512, 212.165763192, 12.566130099, 1231031, 557796],
    [512, 78.928345455, -6.274635039, 1742273, 1458999],
    [512, 178.076725523, -53.499874749, 2836821, 2441344],
    [8192, 67.931794325, 89.994297208, 0, 67108863],
    [8192, 303.551445707, -89.995272755, 805306367, 738197504],
    [8192, 130.14601774, 13.153310002, 311029318, 70209018],
    [8192, 203.097907745, 53.644195756, 78376806, 181656454],
    [8192, 253.413297095, -21.776556916, 552049178, 480358316],
    [8192, 22.080184903, -83.46362854, 802686888, 537601002],
  ])('nside %d at (%d, %d) is %d by rings and %s nested', (nside, lon, lat, ring, nested) => {
    expect(pixelOf(nside, 'RING', vectorOf(lon, lat))).toBe(ring)
    if (nested !== undefined) expect(pixelOf(nside, 'NESTED', vectorOf(lon, lat))).toBe(nested)
  })

  const nsides = fc.constantFrom(1, 2, 4, 8, 64, 1024)
  /** Everywhere, and with a liking for the seams: quarter turns, the poles, the edges of the belt at z = ±2/3. */
  const seamLat = (Math.asin(2 / 3) * 180) / Math.PI
  const lons = fc.oneof(
    fc.double({ min: 0, max: 360, noNaN: true }),
    fc.constantFrom(0, 45, 90, 180, 270, 359.9999999, 360),
  )
  const lats = fc.oneof(fc.double({ min: -90, max: 90, noNaN: true }), fc.constantFrom(-90, -seamLat, 0, seamLat, 90))

  it('is one of the 12·nside² in both orders, and in a coarser nested map the parent', () => {
    fc.assert(
      fc.property(nsides, lons, lats, (nside, lon, lat) => {
        const direction = vectorOf(lon, lat)
        for (const ordering of ['RING', 'NESTED'] as const) {
          const pixel = pixelOf(nside, ordering, direction)
          expect(Number.isInteger(pixel) && pixel >= 0 && pixel < 12 * nside * nside, `${ordering} ${pixel}`).toBe(true)
        }
        // On an edge rounding may send the two resolutions to its two sides.
        if (seams(nside, lon, lat)) return
        expect(Math.floor(pixelOf(2 * nside, 'NESTED', direction) / 4)).toBe(pixelOf(nside, 'NESTED', direction))
      }),
      { numRuns: 2000 },
    )
  })

  it('is the same piece of sky in both orders: one number by rings for each nested one', () => {
    const nside = 8
    const pairs = new Set<string>()
    for (let lon = 0.37; lon < 360; lon += 0.9) {
      for (let z = -0.9993; z < 1; z += 0.0041) {
        const direction = vectorOf(lon, (Math.asin(z) * 180) / Math.PI)
        pairs.add(`${pixelOf(nside, 'RING', direction)} ${pixelOf(nside, 'NESTED', direction)}`)
      }
    }
    const numbers = (column: 0 | 1) => new Set([...pairs].map(pair => pair.split(' ')[column]))
    expect([pairs.size, numbers(0).size, numbers(1).size]).toEqual([768, 768, 768])
  })
})

/** Whether the place is so near to an edge of a pixel that rounding decides. */
function seams(nside: number, lon: number, lat: number): boolean {
  const near = [-1e-9, 1e-9].flatMap(d => [vectorOf(lon + d, lat), vectorOf(lon, Math.max(-90, Math.min(90, lat + d)))])
  const here = pixelOf(2 * nside, 'NESTED', vectorOf(lon, lat))
  return Math.abs(lat) === 90 || near.some(direction => pixelOf(2 * nside, 'NESTED', direction) !== here)
}

describe('an ICRS direction', () => {
  /** RA, declination, then galactic and mean ecliptic coordinates of J2000: astropy 8.0.2. */
  it.each([
    [10, 20, 119.26936774, -42.79039286, 17.1601293, 14.41181717],
    [266.405, -28.936, 0.00015707, 0.00008387, 266.8395256, -5.5361501],
    [225.85827928, -38.62750109, 329.4057365, 17.36552216, 234.49695578, -20.47147265],
    [0, 89.9, 122.90693986, 27.03075832, 89.74859261, 66.56051735],
    [120, -75, 287.47522252, -21.87357846, 234.06994526, -77.25951205],
  ])('(%d, %d) is galactic (%d, %d) and ecliptic (%d, %d)', (ra, dec, l, b, lon, lat) => {
    const direction = vectorOf(ra, dec)
    expect(angle(inFrame('G', direction), vectorOf(l, b)) / ARCSEC).toBeLessThan(0.1)
    expect(angle(inFrame('E', direction), vectorOf(lon, lat)) / ARCSEC).toBeLessThan(0.1)
    expect(inFrame('C', direction)).toEqual(direction)
  })
})
