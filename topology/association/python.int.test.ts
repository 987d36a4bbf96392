import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rubinPython } from '../../schemas/testing/python.ts'
import type { DiaSource } from '../../schemas/avro/generated.ts'
import { source } from '../testing/sources.ts'
import { match } from './match.ts'
import { objectFrom } from './objects.ts'
import { type Measured, withStatistics } from './statistics.ts'
import { crowd } from './testing/crowds.ts'

/** Held against numpy, scipy and astropy, which share no line with us. JSON writes a NaN as null; to both sides it means the same. */
const python = await rubinPython()
const missing = 'missing' in python ? python.missing : undefined
const ask = async (script: string, input: unknown): Promise<unknown> =>
  'run' in python ? JSON.parse(await python.run(script, JSON.stringify(input))) : undefined

/** Candidates by scipy's tree; offsets by astropy, in arcseconds; the optimum by scipy's solver. */
const optimum = `
import json, sys
import numpy as np
from astropy.coordinates import SkyCoord
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

def points(t):
    ra, dec = np.radians(t[:, 0]), np.radians(t[:, 2])
    return np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)]).T

def candidates(s, o):
    if len(s) == 0 or len(o) == 0: return np.zeros((0, 2), dtype=int)
    near = cKDTree(points(o)).query_ball_point(points(s), np.radians(1 / 3600))
    return np.array([(i, j) for i, x in enumerate(near) for j in x], dtype=int).reshape(-1, 2)

def offsets(cases):
    s, o = (np.concatenate([c[k][c['near'][:, n]] for c in cases]) for n, k in enumerate(('sources', 'objects')))
    at = [SkyCoord(t[:, 0], t[:, 2], unit='deg') for t in (s, o)]
    both = np.array([a.to_value('arcsec') for a in at[0].spherical_offsets_to(at[1])])
    return np.split(both, np.cumsum([len(c['near']) for c in cases])[:-1], axis=1)

def solve(case, offset):
    s, o, (i, j), (east, north) = case['sources'], case['objects'], case['near'].T, offset
    n, m = len(s), len(o)
    if len(i) == 0: return {'least': 0.0, 'ours': float(len(case['pairs'])), 'pairs': [], 'candidates': 0}
    ok = lambda e: np.isfinite(e) & (e > 0)
    if all(ok(t[:, k]).any() for t in (s, o) for k in (1, 3)):
        square = lambda e: np.where(ok(e), e * 3600, 0.2) ** 2
        vra, vdec = (np.maximum(square(s[i, k]) + square(o[j, k]), 0.05**2) for k in (1, 3))
        cost = (east**2 / vra + north**2 / vdec) / 2 + np.log(vra * vdec) / 2
        alone = cost.max() + 1
    else:
        cost, alone = np.hypot(east, north), 1.01
    rows, columns = np.append(i, np.arange(n)), np.append(j, m + np.arange(n))
    weights = np.append(cost, np.full(n, alone))
    graph = csr_matrix((weights - weights.min() + 1, (rows, columns)), shape=(n, m + n))
    row, column = min_weight_full_bipartite_matching(graph)
    price = dict(zip(zip(i.tolist(), j.tolist()), cost.tolist()))
    total = lambda pairs: sum(price[tuple(p)] for p in pairs) + alone * (n - len(pairs))
    best = [[int(a), int(b)] for a, b in zip(row, column) if b < m]
    return {'least': total(best), 'ours': total(case['pairs']), 'pairs': best, 'candidates': len(i)}

cases = json.load(sys.stdin)
for c in cases:
    c.update({k: np.array(c[k], dtype=float).reshape(-1, 4) for k in ('sources', 'objects')})
    c['near'] = candidates(c['sources'], c['objects'])
print(json.dumps([solve(*both) for both in zip(cases, offsets(cases))]))
`

const numpy = `
import json, sys
import numpy as np

def finite(x): return None if x is None or not np.isfinite(x) else float(x)
def column(rows, name): return np.array([r[name] for r in rows], dtype=float)

def mean(f, e):
    good = np.isfinite(f) & np.isfinite(e)
    if not good.any(): return np.nan, np.nan, 0
    return np.average(f[good], weights=e[good] ** -2.0), np.sum(e[good] ** -2.0) ** -0.5, int(good.sum())

def band(rows):
    t, f, e = (column(rows, k) for k in ('t', 'psfFlux', 'psfFluxErr'))
    order = np.argsort(t)
    t, f, e = t[order], f[order], e[order]
    here = np.isfinite(f)
    some = here.any()
    average, error, n = mean(f, e)
    science, science_error, _ = mean(column(rows, 'scienceFlux'), column(rows, 'scienceFluxErr'))
    return {
        'psfFluxMean': average, 'psfFluxMeanErr': error, 'psfFluxNdata': n,
        'psfFluxSigma': np.std(f[here], ddof=1) if here.sum() > 1 else np.nan,
        'psfFluxMin': np.nanmin(f) if some else np.nan, 'psfFluxMax': np.nanmax(f) if some else np.nan,
        'psfFluxMaxSlope': np.max(np.diff(f[here]) / np.diff(t[here])) if here.sum() > 1 else np.nan,
        'psfFluxErrMean': np.nanmean(e) if np.isfinite(e).any() else np.nan,
        'scienceFluxMean': science, 'scienceFluxMeanErr': science_error,
    }

def summary(rows):
    ra, dec = np.radians(column(rows, 'ra')), np.radians(column(rows, 'dec'))
    x, y, z = np.mean([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)
    out = {'ra': np.degrees(np.arctan2(y, x)) % 360, 'dec': np.degrees(np.arctan2(z, np.hypot(x, y))), 'nDiaSources': len(rows)}
    for b in sorted({r['band'] for r in rows if r['band']}):
        out.update({f'{b}_{k}': v for k, v in band([r for r in rows if r['band'] == b]).items()})
    return {k: finite(v) for k, v in out.items()}

print(json.dumps([summary(rows) for rows in json.load(sys.stdin)]))
`

const measurement = (most: number) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.double({ min: -most, max: most, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(null, NaN) },
  )
const error = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: 1, max: 1e3, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(null, NaN) },
)
/** Up to 25 sources within an arcsecond or so; half a minute apart at least, since a slope at one moment is none. */
const window: fc.Arbitrary<DiaSource[]> = fc
  .tuple(
    fc.constantFrom([359.99999, 0], [0.00001, -60], [120, 89], [10, -20]),
    fc.array(
      fc.record({
        day: fc.integer({ min: 0, max: 359 }),
        band: fc.constantFrom('u', 'g', 'r', 'y', null),
        psfFlux: measurement(1e5),
        psfFluxErr: error,
        scienceFlux: measurement(1e6),
        scienceFluxErr: error,
        dx: fc.double({ min: -2e-4, max: 2e-4, noNaN: true }),
        dy: fc.double({ min: -2e-4, max: 2e-4, noNaN: true }),
      }),
      { minLength: 1, maxLength: 25 },
    ),
  )
  .map(([[ra, dec], rows]) =>
    rows.map(({ day, dx, dy, ...row }, i) =>
      source(i + 1, (ra + dx + 360) % 360, dec + dy, { ...row, midpointMjdTai: 61000 + day + i / 3000 }),
    ),
  )

/** To what a 32-bit float tells apart, and then some. */
const alike = (ours: unknown, theirs: number | null) =>
  theirs === null
    ? ours === null
    : typeof ours === 'number' && Math.abs(ours - theirs) <= 1e-5 * Math.max(Math.abs(ours), Math.abs(theirs))

describe.skipIf(missing !== undefined)(
  `association beside scipy and numpy${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    it('matches 1,000 seeded crowds at the least cost there is, pair by pair where no two costs are equal', async () => {
      const cases = fc.sample(crowd(40), { numRuns: 1000, seed: 6 })
      const table = (
        places: ReadonlyMap<bigint, { ra: number; raErr: number | null; dec: number; decErr: number | null }>,
      ) => [...places.values()].map(({ ra, raErr, dec, decErr }) => [ra, raErr, dec, decErr])
      const input = cases.map(({ sources, objects }) => ({
        sources: table(sources),
        objects: table(objects),
        pairs: [...match(sources, objects)].map(([s, o]) => [Number(s) - 1, Number(o) - 1]),
      }))
      const answers = (await ask(optimum, input)) as {
        least: number
        ours: number
        pairs: [number, number][]
        candidates: number
      }[]
      expect(answers).toHaveLength(1000)
      answers.forEach(({ least, ours }, i) => expect(Math.abs(ours - least), `case ${i}`).toBeLessThan(1e-6))
      // The cases are worth it: most have contests, and most have one answer only.
      expect(answers.filter(({ candidates }) => candidates > 20).length).toBeGreaterThan(500)
      const same = answers.filter(({ pairs }, i) => JSON.stringify(pairs) === JSON.stringify(input[i]!.pairs))
      expect(same.length).toBeGreaterThan(600)
    })

    it('computes the statistics of 500 seeded windows as numpy does', async () => {
      const windows = fc.sample(window, { numRuns: 500, seed: 6 })
      const rows = windows.map(sources =>
        sources.map(s => ({
          ...{ t: s.midpointMjdTai, ra: s.ra, dec: s.dec, band: s.band, psfFlux: s.psfFlux, psfFluxErr: s.psfFluxErr },
          ...{ scienceFlux: s.scienceFlux, scienceFluxErr: s.scienceFluxErr },
        })),
      )
      const answers = (await ask(numpy, rows)) as Record<string, number | null>[]
      const blank = objectFrom(source(1, 30, -20))
      windows.forEach((sources, i) => {
        const ours = withStatistics(blank, sources satisfies readonly Measured[]) as unknown as Record<string, unknown>
        for (const [name, theirs] of Object.entries(answers[i]!))
          expect(alike(ours[name], theirs), `window ${i}, ${name}: ${String(ours[name])} and ${theirs}`).toBe(true)
      })
      const values = answers.flatMap(Object.values)
      expect(values.filter(value => value === null).length).toBeGreaterThan(500)
    })
  },
)
