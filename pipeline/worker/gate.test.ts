import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Announcement } from '../../schemas/avro/generated.ts'
import { writeFits } from '../images/fits.ts'
import { degreesApart, passGate, type Snap, wordsOf } from './gate.ts'

const announced = (more: Partial<Announcement> = {}): Announcement => ({
  ...{ instrument: 'LATISS', group: 'g', salIndex: 2, scriptSalIndex: 1, ra: 10, dec: -20, rotation: 42, dome: 'OPEN' },
  ...{ filters: 'r', duration: 20, nimages: 2, survey: 's', totalCheckpoints: 1, startTimeTai: 0, publishedAt: 0 },
  ...more,
})
const snap = (exposure: number, header: Readonly<Record<string, number | string>>): Snap => ({
  bytes: writeFits([{ header }]),
  used: {
    at: 0,
    raw: {
      ...{ instrument: 'LATISS', group: 'g', detector: 0, snap: 0, exposure: BigInt(exposure), bucket: 'raw' },
      ...{ key: `${exposure}.fits`, size: null, eTag: null },
    },
  },
})
const exposures = (snaps: readonly Snap[]) => snaps.map(({ used }) => Number(used.raw.exposure))

describe('the rotation gate', () => {
  it('keeps an exposure of the announced rotation, and drops one of another, with a sentence', () => {
    const gated = passGate(announced(), [snap(1, { ROTPA: 42 }), snap(2, { ROTPA: -45 })], 30)
    expect(exposures(gated.kept)).toEqual([1])
    expect(gated.rejected).toEqual([
      'exposure 2: its sky angle (ROTPA) is -45.00°; 42.00° was announced, and at most 1° apart is allowed',
    ])
  })

  it('drops every exposure that has no angle, or a word for one', () => {
    const { kept, rejected } = passGate(announced(), [snap(1, {}), snap(2, { ROTPA: 'NaN' })], 30)
    expect(kept).toEqual([])
    expect(rejected[0]).toBe(
      'exposure 1: its header has no sky angle (ROTPA); 42.00° was announced, and at most 1° apart is allowed',
    )
    expect(rejected).toHaveLength(2)
  })

  it('drops a card that says NaN, which no FITS number is', () => {
    const { used, bytes } = snap(1, { ROTPA: 4.5 })
    const nan = Buffer.from(Buffer.from(bytes).toString('latin1').replace('4.5', 'NaN'), 'latin1')
    expect(passGate(announced(), [{ used, bytes: nan }], 30).rejected).toHaveLength(1)
  })

  it('keeps all where no rotation was announced, and none of nothing', () => {
    expect(exposures(passGate(announced({ rotation: null }), [snap(1, {}), snap(2, { ROTPA: 7 })], 30).kept)).toEqual([
      1, 2,
    ])
    expect(passGate(announced(), [], 30)).toEqual({ kept: [], rejected: [], remarks: [] })
  })

  it('leaves what is no FITS to the pipeline, which says what is wrong with it', () => {
    const broken = { ...snap(1, {}), bytes: new Uint8Array(100) }
    expect(exposures(passGate(announced(), [broken], 30).kept)).toEqual([1])
  })

  it('knows that 359.6° and 0.3° are 0.7° apart, however many turns lie between', () => {
    const angle = fc.double({ min: -720, max: 720, noNaN: true })
    const turns = fc.integer({ min: -3, max: 3 })
    expect(degreesApart(359.6, 0.3)).toBeCloseTo(0.7, 9)
    fc.assert(
      fc.property(angle, fc.double({ min: -180, max: 180, noNaN: true }), turns, (from, by, n) => {
        expect(degreesApart(from + by + 360 * n, from)).toBeCloseTo(Math.abs(by), 6)
        const { kept } = passGate(announced({ rotation: from }), [snap(1, { ROTPA: from + by + 360 * n })], 30)
        if (Math.abs(by) < 0.999) expect(kept).toHaveLength(1)
        if (Math.abs(by) > 1.001) expect(kept).toHaveLength(0)
      }),
    )
  })
})

it('remarks on a pointing outside the preloaded margin, and keeps the exposure', () => {
  const at = (dec: number) => passGate(announced(), [snap(1, { ROTPA: 42, RA: 10, DEC: dec })], 30)
  expect(at(-20 + 29 / 3600).remarks).toEqual([])
  const { kept, remarks } = at(-20 + 45 / 3600)
  expect(kept).toHaveLength(1)
  expect(remarks[0]).toMatch(/^exposure 1: it points 45″ from where it was announced; the preload reached 30″ beyond/)
  expect(passGate(announced({ ra: null, dec: null }), [snap(1, { ROTPA: 42, RA: 1, DEC: 1 })], 30).remarks).toEqual([])
})

it('what the scheduler said is REASON and OBJECT of the header, and null where that is blank or there is none', () => {
  const said = (header: Readonly<Record<string, number | string>>) => wordsOf(snap(1, header))
  expect(said({ REASON: 'pair_33', OBJECT: 'lowdust ' })).toEqual({
    observationReason: 'pair_33',
    targetName: 'lowdust',
  })
  expect(said({ REASON: '', OBJECT: '  ' })).toEqual({ observationReason: null, targetName: null })
  expect(said({ REASON: 7 })).toEqual({ observationReason: null, targetName: null })
  expect(wordsOf({ ...snap(1, {}), bytes: new Uint8Array(3) })).toEqual({ observationReason: null, targetName: null })
})
