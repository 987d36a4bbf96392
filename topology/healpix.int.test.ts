import { describe, expect, it } from 'vitest'
import { rubinPython } from '../schemas/testing/python.ts'
import { pixelOf } from './healpix.ts'
import { inFrame } from './sky-map.ts'
import { angle, ARCSEC, vectorOf } from './sphere.ts'

/** Against an implementation that shares nothing with ours. */
const python = await rubinPython()
const missing = 'missing' in python ? python.missing : undefined
const ask = async (script: string) => ('run' in python ? (JSON.parse(await python.run(script, '')) as number[][]) : [])

const points = `
import json, numpy as np
rng = np.random.default_rng(20260225)
def sky(n):
    lon, lat = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    lat[:n // 20] = rng.uniform(89.99, 90, n // 20)
    lat[n // 20:n // 10] = -rng.uniform(89.99, 90, n // 20)
    return lon, lat
from astropy import units as u
`
const pixels = `${points}
from astropy_healpix import HEALPix
rows = []
for nside in [1, 2, 3, 4, 7, 8, 16, 64, 100, 512, 1024, 8192]:
    lon, lat = sky(2000)
    number = lambda order: HEALPix(nside, order).lonlat_to_healpix(lon * u.deg, lat * u.deg).tolist()
    nested = number('nested') if nside & (nside - 1) == 0 else [-1] * len(lon)
    rows += zip([nside] * len(lon), lon.tolist(), lat.tolist(), number('ring'), nested)
print(json.dumps(rows))
`
const frames = `${points}
from astropy.coordinates import SkyCoord
ra, dec = sky(2000)
p = SkyCoord(ra * u.deg, dec * u.deg)
g, e = p.galactic, p.barycentricmeanecliptic
print(json.dumps(np.array([ra, dec, g.l.deg, g.b.deg, e.lon.deg, e.lat.deg]).T.tolist()))
`

describe.skipIf(missing)(`HEALPix beside astropy${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('numbers 24000 directions alike, by rings and nested', async () => {
    const rows = await ask(pixels)
    expect(rows).toHaveLength(24_000)
    const differing = rows.filter(([nside, lon, lat, ring, nested]) => {
      const direction = vectorOf(lon!, lat!)
      const asNested = nested === -1 ? -1 : pixelOf(nside!, 'NESTED', direction)
      return pixelOf(nside!, 'RING', direction) !== ring || asNested !== nested
    })
    expect(differing).toEqual([])
  })
  it('turns into galactic and ecliptic coordinates to a tenth of an arcsecond', async () => {
    const rows = await ask(frames)
    expect(rows).toHaveLength(2000)
    for (const [ra, dec, l, b, lon, lat] of rows) {
      const direction = vectorOf(ra!, dec!)
      expect(angle(inFrame('G', direction), vectorOf(l!, b!)) / ARCSEC).toBeLessThan(0.1)
      expect(angle(inFrame('E', direction), vectorOf(lon!, lat!)) / ARCSEC).toBeLessThan(0.1)
    }
  })
})
