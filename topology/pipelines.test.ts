import { describe, expect, it } from 'vitest'
import type { Announcement } from '../schemas/avro/generated.ts'
import { pixelOf } from './healpix.ts'
import { faultsOfRules } from './pipeline-rules.ts'
import { choosePipelines, type PipelineRule } from './pipelines.ts'
import { inFrame, UNKNOWN, YES, type SkyMap, type SkyMaps } from './sky-map.ts'
import { vectorOf } from './sphere.ts'
import { announcementAt, NIGHT } from './testing/announcements.ts'

const subject = (more: Partial<Announcement>, detector = 0) => ({ announcement: announcementAt(NIGHT, more), detector })
const choose = (rules: readonly PipelineRule[], more: Partial<Announcement>, detector = 0, maps: SkyMaps = new Map()) =>
  choosePipelines(rules, subject(more, detector), maps)
const everythingElse: PipelineRule = { pipelines: [] }
/** Whether the rule matches, and if not why. */
const verdict = (rule: Omit<PipelineRule, 'pipelines'>, more: Partial<Announcement>, detector = 0, maps?: SkyMaps) =>
  choose([{ ...rule, pipelines: ['Isr'] }, everythingElse], more, detector, maps).passedOver[0] ?? 'matches'

describe('the choice of pipelines', () => {
  const rules: PipelineRule[] = [
    { survey: 'A', pipelines: ['Isr'] },
    { survey: 'A', pipelines: ['ApPipe'] },
    { survey: '', pipelines: [] },
    { instrument: 'LATISS', pipelines: ['ApPipe', 'SingleFrame', 'Isr'] },
  ]
  it('takes the first rule that matches, not the second', () => {
    expect(choose(rules, { survey: 'A' })).toEqual({ pipelines: ['Isr'], reason: null, rule: 1, passedOver: [] })
  })
  it('matches an empty survey with the empty survey only, and says that it wants nothing', () => {
    expect(choose(rules, { survey: '' })).toMatchObject({
      pipelines: [],
      rule: 3,
      reason: 'survey "" takes pipeline rule 3, which runs nothing',
    })
  })
  it('matches any survey where the rule names none, and says why not the others', () => {
    expect(choose(rules, { survey: 'a' })).toEqual({
      pipelines: ['ApPipe', 'SingleFrame', 'Isr'],
      reason: null,
      rule: 4,
      passedOver: ['rule 1: survey is "a", not "A"', 'rule 2: survey is "a", not "A"', 'rule 3: survey is "a", not ""'],
    })
  })
  it('ignores what no rule matches, with every reason', () => {
    const choice = choose(rules, { survey: 'B', instrument: 'HSC' })
    expect(choice).toMatchObject({ pipelines: [], rule: undefined })
    expect(choice.reason).toContain('rule 4: instrument is "HSC", not "LATISS"')
  })
  it.each([[[]], [null], ['None' as const]])('wants nothing of a rule with the pipelines %j', pipelines => {
    expect(choose([{ pipelines }], { survey: 'A' })).toMatchObject({
      pipelines: [],
      reason: 'survey "A" takes pipeline rule 1, which runs nothing',
    })
  })
})

describe('a box on the sky', () => {
  const boresight = { coordType: 'BoreSight' }
  it.each([
    [{ min: 20, max: 30 }, 20, true],
    [{ min: 20, max: 30 }, 30, true],
    [{ min: 20, max: 30 }, 19.999, false],
    [{ min: 20, max: 30 }, 30.001, false],
    [{ min: 350, max: 10 }, 359, true],
    [{ min: 350, max: 10 }, 10, true],
    [{ min: 350, max: 10 }, 0, true],
    [{ min: 350, max: 10 }, 11, false],
    [{ min: -10, max: 10 }, 355, true],
    [{ min: -10, max: 10 }, 180, false],
    [{ min: 380, max: 390 }, 25, true],
    [{ min: 0, max: 360 }, 200, true],
  ])('of RA %j holds %d: %s', (ra, at, inside) => {
    const said = verdict({ ra, ...boresight }, { ra: at, dec: 0 })
    const why = `rule 1: the boresight is at RA ${at.toFixed(4)}, not within ${ra.min} to ${ra.max}`
    expect(said).toBe(inside ? 'matches' : why)
  })
  it.each([
    [-90, true],
    [-30, true],
    [-29.99, false],
  ])('of declination -90 to -30 holds %d: %s', (dec, inside) => {
    const said = verdict({ dec: { min: -90, max: -30 }, ...boresight }, { ra: 0, dec })
    expect(said === 'matches').toBe(inside)
  })
  it('needs all its conditions, survey and both coordinates', () => {
    const rule = { survey: 'A', ra: { min: 0, max: 20 }, dec: { min: 0, max: 20 }, ...boresight }
    expect(verdict(rule, { survey: 'A', ra: 10, dec: 10 })).toBe('matches')
    expect(verdict(rule, { survey: 'B', ra: 10, dec: 10 })).toContain('survey is "B"')
    expect(verdict(rule, { survey: 'A', ra: 30, dec: 10 })).toContain('at RA 30')
    expect(verdict(rule, { survey: 'A', ra: 10, dec: 30 })).toContain('at declination 30')
  })
})

describe('the point a rule looks at', () => {
  /** LSSTCam's field is 1.75° wide to each side: detector 0 of R01_S00 and 188 of R43_S22 are at its two ends. */
  const south = { dec: { min: -90, max: -10 } }
  const visit = { instrument: 'LSSTCam', ra: 100, dec: -10, rotation: 0 }
  it('is the middle of the detector, which moves with the rotation', () => {
    expect(verdict(south, visit, 0)).toBe('matches')
    expect(verdict(south, visit, 188)).toContain('rule 1: the detector is at declination -8.35')
    expect(verdict(south, { ...visit, rotation: 180 }, 0)).toContain('declination -8.35')
    expect(verdict(south, { ...visit, rotation: 180 }, 188)).toBe('matches')
    expect(verdict({ ...south, coordType: 'DETECTOR' }, visit, 188)).toContain('the detector')
  })
  it('is the boresight where the rule says so, whatever the rotation', () => {
    for (const rotation of [0, 180, null]) {
      for (const detector of [0, 188]) {
        expect(verdict({ ...south, coordType: 'boresight' }, { ...visit, rotation }, detector)).toBe('matches')
      }
    }
  })
  it('is not known without position, rotation or geometry: such a rule does not match, and says why', () => {
    const everywhere = { dec: { min: -90, max: 90 } }
    const nowhere = { ...visit, ra: null, dec: null }
    expect(verdict(everywhere, nowhere)).toBe('rule 1: the visit has no position')
    expect(verdict({ ...everywhere, coordType: 'boresight' }, nowhere)).toBe('rule 1: the visit has no position')
    expect(verdict(everywhere, { ...visit, rotation: null })).toContain('the visit has no rotation')
    expect(verdict(everywhere, { ...visit, instrument: 'HSC' }, 5)).toBe(
      'rule 1: where detector 5 of HSC sits in the focal plane is not known',
    )
    expect(verdict({ survey: 'BLOCK-365' }, nowhere)).toBe('matches')
  })
})

describe('a map of the sky', () => {
  const nside = 16
  /** Yes in the pixel of one ICRS position only, unknown in that of another. */
  function mapOf(frame: SkyMap['frame'], ordering: SkyMap['ordering']): SkyMaps {
    const values = new Uint8Array(12 * nside * nside)
    values[pixelOf(nside, ordering, inFrame(frame, vectorOf(100, -10)))] = YES
    values[pixelOf(nside, ordering, inFrame(frame, vectorOf(40, 50)))] = UNKNOWN
    return new Map([['sky.fits', { nside, ordering, frame, values }]])
  }
  const rule = { binaryMap: 'sky.fits', coordType: 'boresight' }
  it.each(['C', 'G', 'E'] as const)('in frame %s, by rings and nested, matches where it says yes', frame => {
    for (const ordering of ['RING', 'NESTED'] as const) {
      const at = (ra: number, dec: number) => verdict(rule, { ra, dec }, 0, mapOf(frame, ordering))
      expect(at(100, -10)).toBe('matches')
      expect(at(280, 10)).toBe('rule 1: the boresight is at RA 280.0000, declination 10.0000, where sky.fits says no')
      expect(at(40, 50)).toBe(
        'rule 1: the boresight is at RA 40.0000, declination 50.0000, which sky.fits does not know',
      )
    }
  })
  it('is asked for each detector: a field half inside splits', () => {
    const values = new Uint8Array(12 * nside * nside)
    const northern = (pixel: number) => pixel < values.length / 2
    values.forEach((_, pixel) => (values[pixel] = northern(pixel) ? YES : 0))
    const maps: SkyMaps = new Map([['sky.fits', { nside, ordering: 'RING', frame: 'C', values }]])
    const visit = { instrument: 'LSSTCam', ra: 100, dec: 0, rotation: 0 }
    expect(verdict({ binaryMap: 'sky.fits' }, visit, 0, maps)).toContain('says no')
    expect(verdict({ binaryMap: 'sky.fits' }, visit, 188, maps)).toBe('matches')
  })
  it('that was not read is a fault of whoever loaded the rules, not a sky without', () => {
    expect(() => verdict(rule, { ra: 1, dec: 1 })).toThrow('sky.fits')
  })
})

describe('rules', () => {
  it.each<[PipelineRule[], string]>([
    [[], 'pipelines is []; at least one rule'],
    [[{ pipelines: ['ApPip'] }], 'pipelines[0].pipelines[0] is "ApPip"; allowed are ApPipe, SingleFrame, Isr'],
    [[{ pipelines: ['Isr', 'Isr'] }], 'pipelines[0].pipelines[1] is "Isr" a second time'],
    [[{ pipelines: [] }, { survey: 'A', pipelines: [] }], 'pipelines[1] can never match'],
    [[{ coordType: 'detector', pipelines: [] }, { pipelines: [] }], 'pipelines[1] can never match'],
    [[{ instrument: 'LSSTcam', pipelines: [] }], 'pipelines[0].instrument is "LSSTcam"; allowed are LATISS'],
    [[{ dec: { min: 10, max: 10 }, pipelines: [] }], 'pipelines[0].dec is 10 to 10; min must be less than max'],
    [
      [{ coordType: 'centre', pipelines: [] }],
      'pipelines[0].coordType is "centre"; allowed are detector and boresight',
    ],
  ])('%j are refused', (rules, sentence) => {
    expect(faultsOfRules(rules).join()).toContain(sentence)
  })
  it('may look at the sky before the one for everything else', () => {
    const sky: PipelineRule[] = [
      { ra: { min: 350, max: 10 }, dec: { min: -1, max: 1 }, pipelines: ['Isr'] },
      { binaryMap: 'sky.fits', coordType: 'Boresight', pipelines: ['ApPipe'] },
      { pipelines: null },
    ]
    expect(faultsOfRules(sky)).toEqual([])
  })
})
