import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Injected } from './pixels.ts'
import { planNight } from './plan.ts'
import { renderNight } from './render.ts'
import { score, wilson, type Detection } from './score.ts'
import { readTruth, truthOf, writeTruth, type Truth } from './truth.ts'

const PIXEL = 0.2 / 3600
const source = (id: string, x: number, y: number, snr: number, more: Partial<Injected> = {}): Injected => ({
  id,
  kind: 'transient',
  ra: ((x * PIXEL) / Math.cos(Math.PI / 3) + 360) % 360,
  dec: -60 + y * PIXEL,
  x,
  y,
  flux: 100 * snr,
  snr,
  isolated: true,
  ...more,
})
const sources = [
  source('bright', 0, 0, 50),
  source('faint', 100, 0, 6),
  source('crowded', 0, 100, 40, { isolated: false }),
  source('variable', 100, 100, -30, { kind: 'variable' }),
  source('lost', -50, 50, 11),
  source('asleep', 200, 200, 1, { kind: 'variable' }),
]
const unit = (visit: string) => ({ group: `g${visit}`, visit, detector: 0, sources })
const truth: Truth = {
  seed: 1,
  instrument: 'LATISS',
  band: 'r',
  pixelScale: 0.2,
  switches: {},
  units: [unit('1'), unit('2')],
}
const detection = (visit: string, of: number, dx = 0, more: Partial<Detection> = {}): Detection => {
  const { ra, dec, snr } = sources[of]!
  return { visit, detector: 0, ra: ra + (2 * dx * PIXEL) / 1, dec, snr, ...more }
}

describe('the score', () => {
  it('counts isolated transients above the limit, and names what was missed', () => {
    const found = score(truth, [detection('1', 0, 1.9), detection('2', 0, -1.9), detection('1', 4)])
    expect(found).toMatchObject({ injected: 4, detected: 3, completeness: 0.75, false: [] })
    expect(found.missed.map(it => [it.visit, it.id])).toEqual([['2', 'lost']])
    expect(score(truth, [], { snr: 5 }).injected).toBe(6)
  })

  it('calls false what lies near no injected source of its visit and detector, brightest first', () => {
    const explained = [detection('1', 1), detection('1', 2), detection('1', 3)]
    const wrong = [
      detection('1', 0, 2.1, { snr: 7 }),
      detection('1', 0, 0, { detector: 1, snr: -9 }),
      detection('3', 0, 0, { snr: 8 }),
      detection('1', 5, 0, { snr: 6 }),
    ]
    const found = score(truth, [...explained, ...wrong])
    expect(found.false.map(it => it.snr)).toEqual([-9, 8, 7, 6])
    expect(found.detected).toBe(0)
  })

  it('takes no detection of the other sign for the source', () => {
    expect(score(truth, [detection('1', 0, 0, { snr: -50 })]).detected).toBe(0)
  })

  it('sees whether a source kept its object from visit to visit', () => {
    const detections = [
      detection('1', 0, 0, { object: 7n }),
      detection('2', 0, 0, { object: 7n }),
      detection('1', 3, 0, { object: 8n }),
      detection('2', 3, 0, { object: 9n }),
      detection('1', 4, 0, { object: 10n }),
    ]
    expect(score(truth, detections).association).toEqual({ objects: 2, whole: 1 })
  })

  it('of nothing is no number, and everything is possible', () => {
    const control = score({ ...truth, units: [{ ...unit('1'), sources: [] }] }, [detection('1', 0)])
    expect(control).toMatchObject({ injected: 0, detected: 0, completeness: NaN, interval: [0, 1] })
    expect(control.false).toHaveLength(1)
  })

  it('has the interval of Wilson: 27 of 27 still allows 88 %', () => {
    expect(wilson(27, 27)[0]).toBeCloseTo(0.875, 2)
    expect(wilson(27, 27)[1]).toBeCloseTo(1, 9)
    expect(wilson(9, 10)[0]).toBeCloseTo(0.596, 3)
    expect(wilson(9, 10)[1]).toBeCloseTo(0.982, 3)
  })
})

describe('the truth of a night', () => {
  it('survives its file, and a perfect observer scores everything and loses to a shuffled sky', async () => {
    const plan = planNight({ seed: 3, instrument: 'LATISS', visits: 2, size: 512, start: Date.UTC(2026, 10, 22) })
    const rendered = await renderNight(plan)
    const folder = await mkdtemp(join(tmpdir(), 'truth-'))
    try {
      await writeTruth(join(folder, 'truth.json'), truthOf(plan, rendered))
      const truth = await readTruth(join(folder, 'truth.json'))
      expect(truth).toEqual(truthOf(plan, rendered))
      expect(truth.units.map(it => it.visit)).toEqual(plan.visits.map(it => String(it.exposures[0]!.id)))
      const seen = (shift: number) =>
        truth.units.flatMap(({ visit, detector, sources }) =>
          sources.map(({ id, ra, dec, snr }) => ({ visit, detector, ra, dec: dec + shift, snr, object: id })),
        )
      const perfect = score(truth, seen(0))
      expect(perfect.injected).toBeGreaterThan(0)
      expect(perfect.detected).toBe(perfect.injected)
      expect(perfect.association.whole).toBe(perfect.association.objects)
      const shuffled = score(truth, seen((30 * truth.pixelScale) / 3600))
      expect(shuffled.detected).toBe(0)
      expect(shuffled.false.length).toBeGreaterThan(0)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
