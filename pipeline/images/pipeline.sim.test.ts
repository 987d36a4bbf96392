import { describe, expect, it } from 'vitest'
import { assess, completenessOf, pullsOf } from './testing/assess.ts'

const seeds = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

describe('many simulated scenes of 512 × 512', () => {
  it('finds isolated transients, and measures flux and place within their errors', () => {
    const runs = seeds(100, 10).map(seed => assess({ seed, transients: 20, jitter: 0.03 }))
    const { found, all } = completenessOf(runs)
    expect(found / all, `${found} of ${all} found`).toBeGreaterThanOrEqual(0.95)
    const pulls = pullsOf(runs)
    for (const [what, { mean, std }] of Object.entries({ place: pulls.place, flux: pulls.flux })) {
      expect(Math.abs(mean), `mean pull of ${what}, ${pulls.n} sources`).toBeLessThan(0.2)
      expect(std, `scatter of the pull of ${what}`).toBeGreaterThan(0.85)
      expect(std, `scatter of the pull of ${what}`).toBeLessThan(1.2)
    }
  })

  it.each([0, 0.05, 0.15])(
    'finds next to nothing where nothing changed, with a registration jitter of %f px',
    jitter => {
      const runs = seeds(200, 6).map(seed => assess({ seed, jitter }))
      const reliable = runs.flatMap(({ spurious }) => spurious).filter(({ reliability }) => reliability! >= 0.5)
      const megapixels = (runs.length * 512 * 512) / 1e6
      expect(
        reliable.length / megapixels,
        JSON.stringify(reliable.map(({ x, y, snr }) => [x, y, snr])),
      ).toBeLessThanOrEqual(2)
      for (const { outputs } of runs) {
        // The noise model itself is right to 5 %, before blank sky is asked.
        expect(outputs.metrics['scoreRescale']).toBeGreaterThan(0.95)
        expect(outputs.metrics['scoreRescale']).toBeLessThan(1.07)
        expect(outputs.metrics['scoreRms']).toBeCloseTo(1, 1)
      }
    },
  )
})
