import { describe, expect, it } from 'vitest'
import { pixelOfSky } from '../../topology/camera.ts'
import { mjdTaiOfInstant } from '../../topology/model/time.ts'
import { predict } from '../../topology/association/ephemeris.ts'
import { ephemeridesOf, middleOf, placeAt } from './bodies.ts'
import { planNight, startingAt } from './plan.ts'
import { renderNight } from './render.ts'
import { separation } from './score.ts'
import { scoreBodies, type SeenBody } from './score-bodies.ts'
import { truthOf } from './truth.ts'

const start = Date.UTC(2026, 10, 22, 3)
const night = { seed: 3, instrument: 'LSSTComCam', visits: 6, size: 128, start, lead: 5, exposure: 2, gap: 7 } as const
const plan = planNight({ ...night, bodies: 2 })

describe('the bodies of a night', () => {
  it('have names of their own, and are on their chip in the middle of the night', () => {
    expect(new Set(plan.bodies.map(({ name }) => name)).size).toBe(18)
    const middle = (start + plan.visits.at(-1)!.exposures[0]!.closesAt) / 2
    plan.bodies.forEach((body, i) => {
      const at = pixelOfSky(plan.detectors[Math.floor(i / 2)]!.nominalWcs, placeAt(plan, body, middle))!
      expect(Math.min(at.x, at.y, 129 - at.x, 129 - at.y)).toBeGreaterThan(0.4)
    })
  })

  it('move by more than an arcsecond, and are where their ephemerides say', () => {
    for (const visit of plan.visits) {
      const at = middleOf(visit)
      ephemeridesOf(plan, visit).forEach((ephemeris, i) => {
        const { ra, dec } = predict(ephemeris, mjdTaiOfInstant(at))!
        expect(3600 * separation({ ra, dec }, placeAt(plan, plan.bodies[i]!, at))).toBeLessThan(1e-3)
      })
    }
    const [first, last] = [plan.visits[0]!, plan.visits.at(-1)!].map(middleOf) as [number, number]
    const paths = plan.bodies.map(body => 3600 * separation(placeAt(plan, body, first), placeAt(plan, body, last)))
    expect(Math.max(...paths)).toBeGreaterThan(1)
    expect(Math.min(...paths)).toBeGreaterThan(0.3)
  })

  it('are the same whenever it begins', () => {
    const later = startingAt(plan, start + 3_600_000)
    expect(later.bodies).toEqual(plan.bodies)
    const places = (it: typeof plan) => it.visits.flatMap(visit => it.bodies.map(b => placeAt(it, b, middleOf(visit))))
    expect(places(later)).toEqual(places(plan))
  })

  it('stand where a recorded result has detections, on some detectors, where there are no pixels', async () => {
    const still = planNight({ ...night, instrument: 'LSSTCam', pixels: false, still: [{ x: 20.5, y: 90 }] })
    const { units } = truthOf(still, await renderNight(still))
    const bodies = units.flatMap(({ sources, detector, visit }) => sources.map(it => ({ ...it, detector, visit })))
    expect(bodies).toHaveLength(21 * 6)
    for (const it of bodies)
      expect([it.kind, it.x.toFixed(6), it.y.toFixed(6)]).toEqual(['body', '20.500000', '90.000000'])
    const seen: SeenBody[] = bodies.map(({ id, ...it }) => ({ ...it, name: id }))
    expect(scoreBodies(truthOf(still, await renderNight(still)), seen)).toEqual({ expected: 126, found: 126, wrong: 0 })
    const [first, ...others] = seen
    const displaced = [
      { ...first!, dec: first!.dec + 1 / 3600 },
      { ...others[0]!, name: 'K08A00B' },
      ...others.slice(2),
    ]
    expect(scoreBodies(truthOf(still, await renderNight(still)), displaced)).toEqual({ expected: 126, found: 123, wrong: 2 }) // prettier-ignore
  })
})
