import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { activeDetectors, defaultSettings, faultsOfSettings, settingsSchema, type Settings } from './settings.ts'

const valid = new Ajv({ useDefaults: true, strict: true }).compile(settingsSchema)

describe('the settings', () => {
  it('of production process 172 of 189 detectors', () => {
    const active = activeDetectors(defaultSettings, 'LSSTCam')!
    expect(active).toHaveLength(172)
    for (const id of [0, 20, 120, 122, 188]) expect(active).not.toContain(id)
    expect(active).toContain(121)
    expect(activeDetectors(defaultSettings, 'LATISS')).toEqual([0])
    expect(activeDetectors(defaultSettings, 'LSSTComCam')).toHaveLength(9)
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
  ])('%j are refused by the schema', wrong => {
    expect(valid(structuredClone(wrong))).toBe(false)
  })
  it('name a detector that is not there', () => {
    const settings = { ...defaultSettings, instruments: { LATISS: { off: { 7: 'x' } } } }
    expect(faultsOfSettings(settings)).toEqual(['instruments.LATISS.off names detector 7; it has 0 to 0'])
  })
})
