import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { instruments, namesInKeys, scienceDetectorsOf } from './instruments.ts'
import { buildRawKey, parseRawKey, sidecarKey, unitPrefix, type RawKey } from './raw-key.ts'

const known: readonly (readonly [string, RawKey])[] = [
  [
    'LATISS/20220321/AT_O_20220321_000002/AT_O_20220321_000002_R00_S00.fits',
    lsst('LATISS', 0, 20220321, 2, 2022032100002n),
  ],
  [
    'LSSTComCam/20220321/CC_O_20220321_000003/CC_O_20220321_000003_R22_S11.fits',
    lsst('LSSTComCam', 4, 20220321, 3, 2022032100003n),
  ],
  [
    'LSSTCam/20220321/MC_O_20220321_000004/MC_O_20220321_000004_R11_S20.fits',
    lsst('LSSTCam', 42, 20220321, 4, 2022032100004n),
  ],
  [
    'LSSTCam-imSim/20220321/2080088/2080088_k2022_42_R11_S20.fits',
    {
      family: 'imsim',
      instrument: 'LSSTCam-imSim',
      detector: 42,
      exposure: 2080088n,
      dayObs: 20220321,
      filter: 'k2022',
      extension: 'fits',
    },
  ],
  [
    'HSC/42/2022032100001/0/404/k2022/HSC-2022032100001-0-404-k2022-42.fz',
    {
      family: 'group',
      instrument: 'HSC',
      detector: 42,
      exposure: 404n,
      group: '2022032100001',
      snap: 0,
      filter: 'k2022',
      file: 'HSC-2022032100001-0-404-k2022-42',
      extension: 'fz',
    },
  ],
]

function lsst(instrument: string, detector: number, dayObs: number, sequence: number, exposure: bigint): RawKey {
  return { family: 'lsst', instrument, detector, exposure, dayObs, sequence, controller: 'O', extension: 'fits' }
}

describe('a raw key', () => {
  it.each(known)('%s is read and built', (key, raw) => {
    expect(parseRawKey(key)).toEqual({ kind: 'raw', raw })
    expect(buildRawKey(raw)).toBe(key)
  })

  it('comes back for every science detector of every camera', () => {
    for (const instrument of instruments.values()) {
      for (const { id } of scienceDetectorsOf(instrument)) {
        const [, example] = known.find(([, raw]) => raw.family === instrument.keys)!
        const raw = { ...example, instrument: instrument.name, detector: id }
        expect(parseRawKey(buildRawKey(raw))).toEqual({ kind: 'raw', raw })
      }
    }
  })

  it('comes back with every exposure number, controller and extension, and under every name of its camera', () => {
    const lsstCameras = [...instruments.values()].filter(({ keys }) => keys === 'lsst')
    const some = fc.record({
      camera: fc.constantFrom(...lsstCameras),
      which: fc.nat(),
      sequence: fc.integer({ min: 0, max: 99_999 }),
      controller: fc.constantFrom(...(['O', 'C', 'H', 'P', 'Q', 'S'] as const)),
      extension: fc.constantFrom('fits', 'fz', 'fits.gz', 'fits.fz'),
    })
    fc.assert(
      fc.property(some, ({ camera, which, sequence, controller, extension }) => {
        const detectors = scienceDetectorsOf(camera)
        const detector = detectors[which % detectors.length]!.id
        const exposure = 2022032100000n + BigInt(sequence)
        const raw = { ...lsst(camera.name, detector, 20220321, sequence, exposure), controller, extension }
        for (const name of namesInKeys(camera.name)) {
          const key = buildRawKey(raw).replace(camera.name, name)
          expect(parseRawKey(key)).toEqual({ kind: 'raw', raw })
          expect(parseRawKey(sidecarKey(key))).toEqual({ kind: 'skip', reason: 'a sidecar' })
        }
      }),
    )
  })

  it('may name an instrument by its alias', () => {
    expect(namesInKeys('LSSTComCam')).toEqual(['LSSTComCam', 'ComCam'])
    expect(namesInKeys('LSST-TS8')).toEqual(['LSST-TS8', 'TS8'])
    const parsed = parseRawKey('ComCam/20220321/CC_C_20220321_000003/CC_C_20220321_000003_R22_S11.fits.fz')
    expect(parsed).toMatchObject({
      kind: 'raw',
      raw: { instrument: 'LSSTComCam', controller: 'C', extension: 'fits.fz' },
    })
  })

  it('leads to its sidecar, and to a listing only where it holds the group', () => {
    expect(sidecarKey(known[0]![0])).toBe('LATISS/20220321/AT_O_20220321_000002/AT_O_20220321_000002_R00_S00.json')
    expect(sidecarKey('a.f/b.fits.fz')).toBe('a.f/b.json')
    expect(unitPrefix(instruments.get('LATISS')!, '2022032100001', 0)).toBeUndefined()
    // Behind it, as the first folder, stands the snap: HSC/42/2022032100001/0/
    expect(unitPrefix(instruments.get('HSC')!, '2022032100001', 42)).toBe('HSC/42/2022032100001/')
  })
})

it.each([
  ['LATISS/20220321/AT_O_20220321_000002/AT_O_20220321_000002_R00_S00.json', 'a sidecar'],
  ['LSSTCam/20220321/MC_O_20220321_000004/MC_O_20220321_000004_R00_SG0_guider.fits', 'a guider image'],
  ['LSSTCam/20220321/MC_O_20220321_000004/MC_O_20220321_000004_R00_SG0.fits', 'a guider sensor'],
  ['LSSTCam/20220321/MC_O_20220321_000004/MC_O_20220321_000004_R44_SW1.fits', 'a wavefront sensor'],
])('%s is skipped', (key, reason) => {
  expect(parseRawKey(key)).toEqual({ kind: 'skip', reason })
})

const folder = 'LATISS/20220321/AT_O_20220321_000002'
it.each([
  ['', 'unsafe-key', 'is empty'],
  ['Kepler/1/2.fits', 'unknown-instrument', 'LSSTCam'],
  [`${folder}/AT_O_20220321_000003_R00_S00.fits`, 'bad-key', 'two observations'],
  ['LATISS/20220322/AT_O_20220321_000002/AT_O_20220321_000002_R00_S00.fits', 'bad-key', 'two days'],
  ['LATISS/20220321/MC_O_20220321_000002/MC_O_20220321_000002_R00_S00.fits', 'bad-key', 'are AT'],
  ['LATISS/20220321/AT_X_20220321_000002/AT_X_20220321_000002_R00_S00.fits', 'bad-key', 'controller X'],
  ['LATISS/20220321/AT_O_20220321_100000/AT_O_20220321_100000_R00_S00.fits', 'bad-key', 'sequence number is 100000'],
  ['LATISS/20220231/AT_O_20220231_000001/AT_O_20220231_000001_R00_S00.fits', 'bad-key', 'not a date'],
  [`${folder}/AT_O_20220321_000002_R22_S11.fits`, 'unknown-detector', 'no detector R22_S11'],
  [`${folder}/AT_O_20220321_000002_R00_S00.txt`, 'bad-key', 'is not instrument/'],
  [`${folder}/extra/AT_O_20220321_000002_R00_S00.fits`, 'bad-key', 'is not instrument/'],
  ['LSSTCam-imSim/20220321/2080088/2080088_k2022_41_R11_S20.fits', 'bad-key', 'R11_S20 is 42'],
  ['HSC/104/2022032100001/0/404/k2022/a.fz', 'unknown-detector', 'no detector 104'],
  ['HSC/x/2022032100001/0/404/k2022/a.fz', 'bad-key', 'is not instrument/'],
  [`${folder}/../AT_O_20220321_000002_R00_S00.fits`, 'unsafe-key', '".."'],
  [`/${folder}/AT_O_20220321_000002_R00_S00.fits`, 'unsafe-key', 'empty'],
  ['constructor/a.fits', 'unknown-instrument', 'LATISS'],
])('%s is refused as %s', (key, code, sentence) => {
  const parsed = parseRawKey(key)
  expect(parsed).toMatchObject({ kind: 'refused', code })
  expect(parsed.kind === 'refused' && parsed.reason).toContain(sentence)
})

describe('whatever the world writes', () => {
  const poison = fc.constantFrom('/../', '//', '/./', '%2e%2e', '%2E', '%00', '\0', '\\', '\u0085', '\n', '\ud800')
  const base = fc.constantFrom(...known.map(([key]) => key))
  it('a poisoned key is refused, wherever the poison sits', () => {
    fc.assert(
      fc.property(base, poison, fc.nat(), (key, bad, where) => {
        const at = 1 + (where % (key.length - 1))
        expect(parseRawKey(key.slice(0, at) + bad + key.slice(at))).toMatchObject({
          kind: 'refused',
          code: 'unsafe-key',
        })
      }),
    )
  })
  it('a key longer than 1024 bytes is refused, counted in UTF-8', () => {
    expect(parseRawKey(`HSC/1/${'é'.repeat(600)}/0/1/g/a.fz`)).toMatchObject({ code: 'unsafe-key' })
    expect(parseRawKey(`HSC/1/${'e'.repeat(600)}/0/1/g/a.fz`)).toMatchObject({ kind: 'raw' })
  })
  it('gets an answer, and what is read as a raw is built back to the same key', () => {
    const part = fc.oneof(fc.string(), fc.constantFrom('LATISS', 'LSSTCam', 'HSC', '0', '20220321', 'a.fits'))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part).map(parts => parts.join('/')),
        ),
        key => {
          const parsed = parseRawKey(key)
          if (parsed.kind === 'raw') expect(buildRawKey(parsed.raw)).toBe(key)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
