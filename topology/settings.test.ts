import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { activeDetectors, defaultSettings, faultsOfSettings, settingsSchema, type Settings } from './settings.ts'

const valid = new Ajv({ useDefaults: true, strict: true, allowUnionTypes: true }).compile(settingsSchema)

describe('the settings', () => {
  it('of production process 172 of 189 detectors', () => {
    const active = activeDetectors(defaultSettings, 'LSSTCam')!
    expect(active).toHaveLength(172)
    for (const id of [0, 20, 120, 122, 188]) expect(active).not.toContain(id)
    expect(active).toContain(121)
    const { off } = defaultSettings.instruments['LSSTCam']!
    const offFor = (reason: string) =>
      Object.keys(off)
        .filter(id => off[id] === reason)
        .map(Number)
    const reasons = [...new Set(Object.values(off))].map(reason => [reason, offFor(reason)])
    expect(Object.fromEntries(reasons)).toEqual({
      'off since early commissioning': [120],
      dead: [122],
      'heavily vignetted': [0, 20, 27, 65, 123, 161, 168, 188],
      'poor flats': [1, 19, 30, 68, 158, 169, 187],
    })
  })
  it('process all of the small cameras, and 103 of HSC without its dead one', () => {
    expect(activeDetectors(defaultSettings, 'LATISS')).toEqual([0])
    expect(activeDetectors(defaultSettings, 'LSSTComCam')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    const hsc = activeDetectors(defaultSettings, 'HSC')!
    expect(hsc).toHaveLength(103)
    expect(hsc).not.toContain(9)
    expect([hsc[0], hsc.at(-1)]).toEqual([0, 103])
    expect(activeDetectors(defaultSettings, 'LSST-TS8')).toBeUndefined()
    expect(activeDetectors(defaultSettings, 'toString')).toBeUndefined()
  })
  it('pass their own schema, which fills in what is absent', () => {
    const empty: Partial<Settings> = {}
    expect(valid(structuredClone(defaultSettings))).toBe(true)
    expect(valid(empty)).toBe(true)
    expect(empty).toEqual(defaultSettings)
    expect(faultsOfSettings(defaultSettings)).toEqual([])
  })
  it('say of every knob what it turns', () => {
    for (const [name, knob] of Object.entries(settingsSchema.properties)) {
      expect(knob.description, name).toMatch(/^[A-Z].*\.$/)
    }
    expect(Object.keys(settingsSchema.properties)).toEqual(Object.keys(defaultSettings))
  })
  it.each([
    [{ imageTimeoutSeconds: -1 }],
    [{ unknown: 1 }],
    [{ instruments: { Kepler: { off: {} } } }],
    [{ instruments: { LATISS: { off: { 1.5: 'x' } } } }],
    [{ pipelines: [] }],
    [{ pipelines: ['ApPipe'] }],
    [{ pipelines: [{ survey: 'A' }] }],
    [{ pipelines: [{ surveys: 'A', pipelines: [] }] }],
    [{ pipelines: [{ pipelines: 'ApPipe' }] }],
    [{ pipelines: [{ pipelines: ['ApPip'] }] }],
    [{ pipelines: [{ survey: null, pipelines: [] }] }],
    [{ pipelines: [{ coordType: null, pipelines: [] }] }],
    [{ pipelines: [{ binaryMap: '', pipelines: [] }] }],
    [{ pipelines: [{ ra: { min: 1 }, pipelines: [] }] }],
    [{ pipelines: [{ ra: { min: 1, max: 2, mid: 1.5 }, pipelines: [] }] }],
    [{ pipelines: [{ dec: { max: 1 }, pipelines: [] }] }],
    [{ pipelines: [{ dec: { min: -91, max: 1 }, pipelines: [] }] }],
  ])('%j are refused by the schema', wrong => {
    expect(valid(structuredClone(wrong))).toBe(false)
  })
  it('name a detector that is not there', () => {
    const settings = { ...defaultSettings, instruments: { LATISS: { off: { 7: 'x' } } } }
    expect(faultsOfSettings(settings)).toEqual(['instruments.LATISS.off names detector 7; it has 0 to 0'])
  })
})
