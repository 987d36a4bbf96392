import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planNight, type NightPlan } from '../plan.ts'
import type { SimulatedInstrument } from '../options.ts'
import { cleanUnits, expectedOf } from './expected.ts'
import { planAdversity, type Adversity, type AdversityOptions } from './plan.ts'
import { doubleFates, meanings, singleFates, switches, switchesNamed, type Switch } from './switches.ts'

const start = Date.UTC(2026, 10, 22, 3)
const night = ({ visits, unusual }: Adversity, { seed, instrument }: AdversityOptions): NightPlan =>
  planNight({ seed, instrument, visits, unusual, start, size: 128, pixels: false })

const cameras: readonly SimulatedInstrument[] = ['LATISS', 'LSSTComCam']
const chosen = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  instrument: fc.constantFrom(...cameras),
  visits: fc.integer({ min: 14, max: 30 }),
  switches: fc.subarray([...switches]),
})

describe('planned adversity', () => {
  it('is the same for the same seed, and another for another', () => {
    const options = { seed: 1, instrument: 'LSSTComCam', visits: 6, switches } as const
    expect(planAdversity(options)).toEqual(planAdversity(options))
    expect(planAdversity({ ...options, seed: 2 }).units).not.toEqual(planAdversity(options).units)
  })

  it('deals each visit and detector one fate at most, to visits of the right number of snaps, and does all that was asked for', () => {
    fc.assert(
      fc.property(chosen, options => {
        const adversity = planAdversity(options)
        const plan = night(adversity, options)
        const places = adversity.units.map(({ visit, detector }) => `${visit}/${detector}`)
        expect(new Set(places).size).toBe(places.length)
        for (const { fate, visit } of adversity.units) {
          expect(plan.visits[visit]!.exposures).toHaveLength(doubleFates.some(it => it === fate) ? 2 : 1)
          expect(adversity.whole.filter(it => it.visit === visit && it.fate !== 'duplicate-announcement')).toEqual([])
        }
        const expected = expectedOf(adversity, plan)
        expect(Object.keys(expected).sort()).toEqual([...options.switches].sort())
        for (const names of Object.values(expected)) expect(names.length).toBeGreaterThan(0)
        for (const { visit } of adversity.parked) expect(visit).toBeLessThan(plan.visits.length)
      }),
    )
  })

  it('leaves the first visit and another one wholly clean, and adds visits that are not looked at', () => {
    fc.assert(
      fc.property(chosen, options => {
        const adversity = planAdversity(options)
        const plan = night(adversity, options)
        const touched = new Set([...adversity.units, ...adversity.whole].map(({ visit }) => visit))
        if (options.switches.some(it => it !== 'duplicate-announcement')) expect(touched.has(0)).toBe(false)
        expect(plan.visits.filter(({ index }) => !touched.has(index)).length).toBeGreaterThanOrEqual(2)
        const added = adversity.whole.filter(({ fate }) => fate !== 'duplicate-announcement').length
        expect(adversity.visits).toBe(options.visits + added)
        const clean = cleanUnits(adversity, plan).length
        expect(clean).toBe(options.visits * plan.detectors.length - adversity.units.length)
      }),
    )
  })

  it('counts, for the demo as it is run without options', () => {
    const options = { seed: 1, instrument: 'LSSTComCam', visits: 6, switches } as const
    const adversity = planAdversity(options)
    const counts = Object.entries(expectedOf(adversity, night(adversity, options))).map(([name, of]) => [
      name,
      of.length,
    ])
    expect(Object.fromEntries(counts)).toEqual({
      ...Object.fromEntries([...singleFates, ...doubleFates].map(name => [name, 2])),
      ...{ 'masked-detector': 1, 'worker-killed': 1 },
      ...{ 'duplicate-announcement': 1, 'cancelled-visit': 18, 'unwanted-survey': 9 },
      ...{ 'stale-announcement': 1, 'poison-next-visit': 5, 'poison-next-visit-canceled': 2, 'poison-control': 2 },
      'poison-raw-notification': 5,
    })
    expect(adversity.visits).toBe(9)
    expect(cleanUnits(adversity, night(adversity, options)).length).toBeGreaterThan(30)
  })

  it('is nothing where none is asked for, however short the night', () => {
    const adversity = planAdversity({ seed: 1, instrument: 'LATISS', visits: 1, switches: [] })
    expect(adversity).toMatchObject({ visits: 1, unusual: {}, units: [], whole: [], parked: [] })
  })

  it('says how many visits it takes where there are too few', () => {
    const short = () => planAdversity({ seed: 1, instrument: 'LATISS', visits: 3, switches })
    expect(short).toThrow('3 visits of one detector have no room for the adversity asked for; it takes 14 visits')
  })
})

describe('switches by name', () => {
  it('are all, none, or those between commas', () => {
    expect(switchesNamed('all')).toEqual(switches)
    expect(switchesNamed('none')).toEqual([])
    expect(switchesNamed('no-raw, reorder')).toEqual(['no-raw', 'reorder'] satisfies Switch[])
    expect(() => switchesNamed('no-raw,fog')).toThrow('"fog" is no switch; allowed are all, none, or some of lost-')
  })

  it('each have a sentence', () => {
    expect(Object.keys(meanings).sort()).toEqual([...switches].sort())
  })
})
