import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rubinPython } from '../schemas/testing/python.ts'
import { predict } from './association/ephemeris.ts'
import { eclipticOf, galacticOf } from './sky-frames.ts'
import { angle, ARCSEC, vectorOf } from './sphere.ts'
import { ephemerisOf } from './testing/ephemerides.ts'

const python = await rubinPython()
const missing = 'missing' in python ? python.missing : undefined

/** Frames of directions, and what vectors in AU and km/s look like from where they begin. */
const SCRIPT = `
import json, sys
import astropy.units as u
from astropy.coordinates import CartesianDifferential, CartesianRepresentation, SkyCoord
asked = json.load(sys.stdin)
ra, dec = zip(*asked['places'])
sky = SkyCoord(ra=ra * u.deg, dec=dec * u.deg)
ecl, gal = sky.barycentrictrueecliptic, sky.galactic
place = CartesianRepresentation(*zip(*[v[:3] for v in asked['states']]), unit=u.au)
motion = CartesianDifferential(*zip(*[v[3:] for v in asked['states']]), unit=u.km / u.s)
seen = SkyCoord(place.with_differentials(motion), frame='icrs')
json.dump({
  'ecliptic': list(zip(ecl.lon.deg, ecl.lat.deg)),
  'galactic': list(zip(gal.l.deg, gal.b.deg)),
  'seen': list(zip(seen.ra.deg, seen.dec.deg, seen.pm_ra_cosdec.to_value(u.deg / u.d), seen.pm_dec.to_value(u.deg / u.d))),
}, sys.stdout)
`

describe.skipIf(missing !== undefined)(`beside astropy${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  it('ecliptic and galactic coordinates, places and rates of 2,000 directions are the same', async () => {
    const random = (low: number, high: number) =>
      fc.sample(fc.double({ min: low, max: high, noNaN: true }), { numRuns: 2000, seed: 6 })
    const [ras, sines, rates] = [random(0, 360), random(-1, 1), random(-8, 8)]
    const edges = [0, 90, 180, 270, 359.999999999, 0, 0].map((ra, i) => [ra, i < 5 ? 0 : i === 5 ? 90 : -90] as const)
    const places = [...ras.map((ra, i) => [ra, (Math.asin(sines[i]!) * 180) / Math.PI] as const), ...edges]
    const bodies = places.slice(0, 2000).map(
      ([ra, dec], i) =>
      ephemerisOf({ number: 0, epochMjdTai: 0, ra, dec, rateRa: rates[i]!, rateDec: -rates[1999 - i]!, range: 0.1 + i / 100 }), // prettier-ignore
    )
    const states = bodies.map(({ topo: { x, y, z, vx, vy, vz } }) => [x, y, z, vx, vy, vz])
    const answer = 'run' in python ? await python.run(SCRIPT, JSON.stringify({ places, states })) : '{}'
    const theirs = JSON.parse(answer) as Record<'ecliptic' | 'galactic' | 'seen', number[][]>

    places.forEach(([ra, dec], i) => {
      for (const [frame, ours] of [
        ['ecliptic', eclipticOf(ra, dec)],
        ['galactic', galacticOf(ra, dec)],
      ] as const) {
        // prettier-ignore
        const [lon, lat] = theirs[frame][i] as [number, number]
        expect(angle(vectorOf(ours.lon, ours.lat), vectorOf(lon, lat)) / ARCSEC).toBeLessThan(1e-6)
      }
    })
    bodies.forEach((body, i) => {
      const { ra, dec, rateRa, rateDec } = predict(body, 0)!
      const [theirRa, theirDec, pmRa, pmDec] = theirs.seen[i] as [number, number, number, number]
      expect(angle(vectorOf(ra, dec), vectorOf(theirRa, theirDec)) / ARCSEC).toBeLessThan(1e-6)
      expect([rateRa, rateDec].map((rate, k) => Math.abs(rate - [pmRa, pmDec][k]!) < 1e-9)).toEqual([true, true])
    })
  })
})
