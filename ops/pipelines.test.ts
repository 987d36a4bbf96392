import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../streams/main/config.ts'
import { mapFile } from '../streams/testing/sky-map.ts'
import type { PipelineRule } from '../topology/pipelines.ts'
import { checkPipelines } from './pipelines.ts'
import { configWith, printer } from './testing/config.ts'

const folder = mkdtempSync(join(tmpdir(), 'pp-check-'))
const file = (name: string, content: string | Buffer) => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
const rules: PipelineRule[] = [
  { dec: { min: -90, max: -5 }, pipelines: ['ApPipe', 'Isr'] },
  { survey: 'X', coordType: 'Boresight', ra: { min: 350, max: 5 }, pipelines: ['Isr'] },
  { pipelines: null },
]
type Flags = Omit<Parameters<typeof checkPipelines>[1], 'json'> & { readonly json?: boolean }

async function check(flags: Flags, among: readonly PipelineRule[] = rules): Promise<string> {
  const { print, said } = printer()
  await checkPipelines(configWith({ PP_DECIDE_PIPELINES: JSON.stringify(among) }), { json: false, ...flags }, print)
  return said()
}
const visit = { instrument: 'LSSTCam', survey: 'X', ra: '10', dec: '-5', rotation: '0' }

describe('pp pipelines check', () => {
  it('without a visit prints the rules, and what maps they have', async () => {
    const binaryMap = file('sky.fits', mapFile({ nside: 2, values: Array<number>(48).fill(1), tform: 'B' }))
    const said = await check({}, [{ binaryMap, pipelines: ['Isr'] }, ...rules])
    expect(said).toContain(`1     map ${binaryMap} of the detector`)
    expect(said).toMatch(/3 {5}survey "X", RA 350 to 5 of the boresight +Isr/)
    expect(said).toMatch(/4 {5}everything +nothing, ignored/)
    expect(said).toContain(`${binaryMap}: nside 2, RING, frame C`)
    expect(JSON.parse(await check({ json: true }))).toEqual(rules)
  })
  it('says of a visit which detectors take which rule, and why not the others', async () => {
    const said = (await check(visit)).split('\n\n')
    expect(said[0]).toBe('LSSTCam (asked), survey "X", RA 10, declination -5, rotation 0, filter ""')
    expect(said[1]).toMatch(/^Detectors 2-18, .*: rule 1 \(declination -90 to -5 of the detector\) → ApPipe, else Isr$/)
    const [outcome, ...reasons] = said[2]!.split('\n')
    expect(outcome).toMatch(/^Detectors 75-80, .*170-186: rule 3 \(everything\) → nothing, ignored$/)
    expect(reasons).toEqual([
      '  not rule 1: the detector is at declination -4.9979, not within -90 to -5 (detector 75; the others likewise)',
      '  not rule 2: the boresight is at RA 10.0000, not within 350 to 5',
    ])
  })
  it('says it of one detector, and that it is off', async () => {
    const said = await check({ ...visit, detector: '188' })
    expect(said).toContain('Detector 188: rule 3')
    expect(said).toContain('Detector 188 gets no unit: it is off (heavily vignetted)')
  })
  it('prints JSON, one entry a detector', async () => {
    const { detectors } = JSON.parse(await check({ ...visit, json: true })) as { detectors: object[] }
    expect(detectors).toHaveLength(172)
    expect(detectors[0]).toEqual({
      ...{ detector: 2, off: null, rule: 1, pipelines: ['ApPipe', 'Isr'], reason: null, passedOver: [] },
    })
  })
  it('says that no rule matches', async () => {
    const said = await check({ instrument: 'LATISS' }, [{ survey: 'X', pipelines: ['Isr'] }])
    expect(said).toContain('Detector 0: no rule matches, ignored\n  not rule 1: survey is "", not "X"')
  })
  it('takes a next_visit from a file, by itself or as the message', async () => {
    const announced = {
      ...{ salIndex: 1, scriptSalIndex: 200023, groupId: '2025-05-22T05:18:33.000', coordinateSystem: 2 },
      ...{ position: [-23, -38.62750109], startTime: 1747891209.9, rotationSystem: 2, cameraAngle: 357.96064203 },
      ...{ filters: 'g_6', dome: 2, duration: 35.0, nimages: 1, instrument: 'LSSTCam', survey: 'BLOCK-365' },
      ...{ totalCheckpoints: 1 },
    }
    for (const content of [announced, { message: announced }]) {
      const said = await check({ jsonFile: file('visit.json', JSON.stringify(content)), detector: '94' })
      expect(said).toContain('LSSTCam 2025-05-22T05:18:33.000, survey "BLOCK-365", RA 337, declination -38.62750109')
      expect(said).toContain('Detector 94: rule 1')
    }
    const { survey: _, ...rest } = announced
    const wrong = (content: object) => check({ jsonFile: file('wrong.json', JSON.stringify(content)) })
    await expect(wrong(rest)).rejects.toThrow('has no field survey; a next_visit is needed')
    await expect(wrong({ ...announced, dome: 2.5 })).rejects.toThrow('dome is 2.5; allowed is an integer')
    await expect(wrong({ ...announced, survey: 3 })).rejects.toThrow('survey is 3; allowed is text')
    await expect(wrong({ ...announced, position: 'x' })).rejects.toThrow(
      'position is "x"; allowed is a list of numbers',
    )
    await expect(wrong({ ...announced, dome: 0 })).rejects.toThrow('would be parked (bad-enum): dome is 0')
  })
  it.each<[Flags, string]>([
    [{ ra: '1', dec: '2' }, '--instrument is needed'],
    [{ instrument: 'NIRCam' }, 'would be parked (unknown-instrument): instrument is "NIRCam"; processed here are'],
    [{ instrument: 'LATISS', ra: '1' }, '--ra and --dec are given together'],
    [{ instrument: 'LATISS', ra: 'x', dec: '1' }, '--ra is "x"; a number of degrees is needed'],
    [{ instrument: 'LATISS', ra: '1', dec: '91' }, 'bad-position'],
    [{ instrument: 'LATISS', detector: '1' }, 'allowed are 0 to 0'],
    [{ group: 'g', survey: 'X' }, 'Say which visit in one way only'],
    [{ group: 'g', jsonFile: 'x' }, 'Say which visit in one way only'],
    [{ jsonFile: '/absent.json' }, '--json-file /absent.json cannot be read: ENOENT'],
    [{ jsonFile: file('no.json', 'no') }, 'cannot be read: Unexpected token'],
    [{ jsonFile: file('null.json', 'null') }, 'has no field salIndex'],
    [{ detector: '3' }, '--detector needs a visit'],
    [{ group: 'g' }, 'The ledger cannot be read at postgres.url'],
  ])('refuses %j', async (flags, sentence) => {
    await expect(check(flags)).rejects.toThrow(ConfigError)
    await expect(check(flags)).rejects.toThrow(sentence)
  })
  it('refuses a map that cannot be read, with its rule', async () => {
    const among = [{ binaryMap: '/absent.fits', pipelines: [] }]
    await expect(check({}, among)).rejects.toThrow('decide.pipelines[0].binaryMap is "/absent.fits": ENOENT')
  })
})
