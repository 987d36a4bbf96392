import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pixelOfSky } from '../../topology/camera.ts'
import { parseExposureId } from '../../topology/identifiers.ts'
import { instantOfTaiSeconds } from '../../topology/model/time.ts'
import { nextVisitOf } from './next-visit.ts'
import { isoTai, planNight, startingAt, type NightOptions } from './plan.ts'

const start = Date.UTC(2026, 10, 22, 3, 0, 0)
const options: NightOptions = { seed: 11, instrument: 'LATISS', visits: 4, size: 256, start }

describe('a planned night', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planNight(options)).toEqual(planNight(options))
    const other = planNight({ ...options, seed: 12 })
    expect(other.detectors[0]!.field.stars[0]).not.toEqual(planNight(options).detectors[0]!.field.stars[0])
  })

  it('has the same sky and conditions whenever it starts', () => {
    const plan = planNight(options)
    const moved = startingAt(plan, start + 86_400_000)
    expect(moved.detectors).toEqual(plan.detectors)
    expect(moved.visits.map(it => it.conditions)).toEqual(plan.visits.map(it => it.conditions))
    expect(moved.visits[0]!.dayObs).toBe(plan.visits[0]!.dayObs + 1)
    expect(moved.visits[0]!.group).not.toBe(plan.visits[0]!.group)
  })

  it('keeps its own timetable: the example of planNight', () => {
    const visits = planNight({ ...options, visits: 3, lead: 20, exposure: 15, gap: 3 }).visits
    const seconds = (instant: number) => (instant - start) / 1000
    expect(visits.map(it => seconds(it.announceAt))).toEqual([0, 18, 36])
    const [exposures] = [visits.map(it => it.exposures[0]!)]
    expect(exposures.map(it => [seconds(it.opensAt), seconds(it.closesAt), seconds(it.putAt)])).toEqual([
      [20, 35, 37],
      [38, 53, 55],
      [56, 71, 73],
    ])
    expect(visits[0]!.group).toBe('2026-11-22T03:00:37.000')
    expect(visits.map(it => it.dayObs)).toEqual([20261121, 20261121, 20261121])
    expect(parseExposureId(exposures[2]!.id)).toEqual({ dayObs: 20261121, sequence: 3, controller: 'O' })
  })

  it('announces ahead of the shutter, one exposure at a time, and every raw falls inside its window', () => {
    const seconds = fc.integer({ min: 1, max: 60 })
    fc.assert(
      fc.property(seconds, seconds, seconds, fc.constantFrom(1 as const, 2 as const), (lead, exposure, gap, snaps) => {
        const plan = planNight({ ...options, size: 128, visits: 5, lead, exposure, gap, snaps })
        let closed = -Infinity
        const ids = new Set<bigint>()
        for (const visit of plan.visits) {
          expect(visit.exposures).toHaveLength(snaps)
          expect(visit.exposures[0]!.opensAt - visit.announceAt).toBe(lead * 1000)
          for (const it of visit.exposures) {
            expect(it.opensAt).toBeGreaterThan(closed)
            closed = it.closesAt
            ids.add(it.id)
          }
          // With an image timeout as long as the lead.
          const deadline = visit.announceAt + 1000 * (2 * visit.duration + lead)
          expect(visit.exposures.at(-1)!.putAt).toBeLessThan(deadline)
        }
        expect(ids.size).toBe(5 * snaps)
        expect(new Set(plan.visits.map(it => it.group)).size).toBe(5)
      }),
      { numRuns: 20 },
    )
  })

  it('has as many stars as counts of 10^{0.3 m} have, twelve transients per 1024², variables of both signs', () => {
    const { depth, detectors } = planNight({ ...options, size: 1024, visits: 8 })
    const { stars, changing } = detectors[0]!.field
    const area = (1024 + 128) ** 2
    expect(stars.length).toBe(Math.round((800 * area) / 1024 ** 2))
    const faintest = Math.min(...stars.map(it => it.flux))
    const brighter = (factor: number) => stars.filter(it => it.flux > factor * faintest).length / stars.length
    for (const factor of [2, 10, 50]) expect(brighter(factor)).toBeCloseTo(factor ** -0.75, 1.3)
    expect(depth.throughput * faintest).toBeGreaterThan(500)
    const transients = changing.filter(it => it.kind === 'transient')
    expect(transients).toHaveLength(12)
    expect(transients.some(it => it.fluxes[0] === 0 && it.fluxes.at(-1)! > 0)).toBe(true)
    expect(transients.filter(it => it.fluxes.every(flux => flux > 0)).length).toBeGreaterThan(6)
    const swings = changing.filter(it => it.kind === 'variable').flatMap(it => it.fluxes)
    expect(swings.filter(it => it > 0).length).toBeGreaterThan(10)
    expect(swings.filter(it => it < 0).length).toBeGreaterThan(10)
  })

  it('has the stars of its twin on a control night, and nothing that changes', () => {
    const control = planNight({ ...options, transients: false })
    expect(control.detectors[0]!.field.stars).toEqual(planNight(options).detectors[0]!.field.stars)
    expect(control.detectors[0]!.field.changing).toEqual([])
  })

  it('covers the nine detectors of LSSTComCam, each with a field of its own within its margin', () => {
    const plan = planNight({ ...options, instrument: 'LSSTComCam' })
    expect(plan.detectors.map(it => it.id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    for (const { field, nominalWcs } of plan.detectors)
      for (const star of field.stars) {
        const { x, y } = pixelOfSky(nominalWcs, star)!
        expect(Math.min(x, y)).toBeGreaterThan(-64)
        expect(Math.max(x, y)).toBeLessThan(256 + 65)
      }
  })

  it.each([
    [{ visits: 0 }, 'visits is 0; allowed are integers from 1 to 5000'],
    [{ size: 257 }, 'size is 257; allowed are multiples of 4'],
    [{ lead: 0 }, 'lead is 0; allowed are seconds'],
    [{ instrument: 'HSC' as 'LATISS' }, 'instrument is "HSC"; a night can be simulated for LATISS, LSSTComCam'],
    [{ firstSequence: 99_990, visits: 20 }, 'firstSequence is 99990'],
  ])('refuses %j', (wrong, sentence) => {
    expect(() => planNight({ ...options, ...wrong })).toThrow(sentence)
  })
})

describe('next_visit', () => {
  it('says in SAL what is planned, its stamps in their scales', () => {
    const plan = planNight(options)
    const visit = plan.visits[0]!
    const event = nextVisitOf(plan, visit, start)
    expect(event.private_sndStamp - event.private_efdStamp).toBeCloseTo(37, 6)
    expect(instantOfTaiSeconds(event.private_sndStamp)).toBe(start)
    expect(event).toMatchObject({
      groupId: isoTai(start),
      instrument: 'LATISS',
      filters: 'SDSSr_65mm~empty',
      coordinateSystem: 2n,
      rotationSystem: 2n,
      nimages: 1n,
      duration: 22,
      salIndex: 2n,
    })
    expect(instantOfTaiSeconds(event.startTime)).toBe(visit.exposures[0]!.opensAt)
  })
})
