import { describe, expect, it } from 'vitest'
import { imageOf, readFits, numberOf, stringOf, type Plane } from '../../pipeline/images/fits.ts'
import { pixelOfSky, skyOfPixel, type TanWcs } from '../../topology/camera.ts'
import { parseRawKey } from '../../topology/raw-key.ts'
import { makeCalibrations } from './calibrations.ts'
import { withoutOverscan } from './detector.ts'
import { fluxOfSnr, type Field } from './field.ts'
import { chipOfDetector, expectedLight, psfOf, renderExposure, trueWcs } from './pixels.ts'
import { planNight, type DetectorPlan } from './plan.ts'
import { primaryHeader, rawFits, rawKeyOf, sidecarBytes } from './raw.ts'

const plan = planNight({ seed: 5, instrument: 'LATISS', visits: 2, size: 256, start: Date.UTC(2026, 10, 22, 3) })
const detector = plan.detectors[0]!
const visit = plan.visits[0]!
const chip = chipOfDetector(plan, detector)
const withField = (field: Field): DetectorPlan => ({ ...detector, field })
const empty = withField({ stars: [], changing: [] })
const nothing = { bias: chip.biasStructure, flat: chip.response }

/** e⁻, as any reduction would do it. */
function reduced(raw: Plane, { bias, flat }: { bias: Plane; flat: Plane }): Plane {
  const data = new Float32Array(raw.data.length)
  for (const { x0, x1, gain } of chip.amplifiers)
    for (let y = 0; y < chip.size; y++)
      for (let i = y * chip.size + x0; i < y * chip.size + x1; i++)
        data[i] = ((raw.data[i]! - bias.data[i]!) * gain) / flat.data[i]!
  return { ...raw, data }
}

/** Sum over a disc, and its centroid, the background taken off first. */
function aperture({ width, height, data }: Plane, at: { x: number; y: number }, radius: number, sky: number) {
  let [sum, sx, sy] = [0, 0, 0]
  for (let y = 1; y <= height; y++)
    for (let x = 1; x <= width; x++) {
      if (Math.hypot(x - at.x, y - at.y) > radius) continue
      const light = data[(y - 1) * width + x - 1]! - sky
      ;[sum, sx, sy] = [sum + light, sx + light * x, sy + light * y]
    }
  return { sum, x: sx / sum, y: sy / sum }
}

describe('noise', () => {
  const { sky, skyGradient } = visit.conditions
  const expected = (x: number, y: number) =>
    sky * (1 + skyGradient[0] * (x / 256 - 0.5) + skyGradient[1] * (y / 256 - 0.5))

  it('of an empty sky has the variance of photons, readout and rounding to 3 %, in every amplifier', () => {
    const { raws } = renderExposure(plan, visit, empty, 0, chip)
    const image = reduced(withoutOverscan(chip, raws), nothing)
    for (const { x0, x1, gain, readNoise } of chip.amplifiers) {
      let [found, due, n] = [0, 0, 0]
      for (let y = 0; y < 256; y++)
        for (let x = x0; x < x1; x++) {
          const i = y * 256 + x
          const response = chip.response.data[i]!
          found += (image.data[i]! - expected(x, y)) ** 2
          due += expected(x, y) / response + (readNoise ** 2 * (1 + 1 / 64) + gain ** 2 / 12) / response ** 2
          n++
        }
      expect(found / n / (due / n)).toBeGreaterThan(0.97)
      expect(found / n / (due / n)).toBeLessThan(1.03)
    }
  })

  it('differs from snap to snap and from visit to visit, and is the same for the same', () => {
    const [first, again, second, other] = [
      renderExposure(plan, visit, empty, 0, chip),
      renderExposure(plan, visit, empty, 0, chip),
      renderExposure(plan, visit, empty, 1, chip),
      renderExposure(plan, { ...visit, index: 1 }, empty, 0, chip),
    ].map(it => Buffer.from(it.raws[0]!.data.buffer))
    expect(first!.equals(again!)).toBe(true)
    expect(first!.equals(second!)).toBe(false)
    expect(first!.equals(other!)).toBe(false)
  })

  it('of calibrations is that of ten frames', () => {
    const { bias, flat } = makeCalibrations(plan, detector, chip)
    const { x0, x1, gain, readNoise } = chip.amplifiers[1]!
    let [biasFound, flatFound, flatDue, n] = [0, 0, 0, 0]
    const biasDue = ((readNoise / gain) ** 2 * (1 + 1 / 64) + 1 / 12) / 10
    for (let y = 0; y < 256; y++)
      for (let x = x0; x < x1; x++) {
        const i = y * 256 + x
        const response = chip.response.data[i]!
        biasFound += (bias.data[i]! - chip.biasStructure.data[i]!) ** 2
        flatFound += (flat.data[i]! - response) ** 2
        flatDue += (response / 30_000 + (2 * biasDue * 10 * gain ** 2) / 30_000 ** 2) / 10
        n++
      }
    expect(biasFound / n / biasDue).toBeCloseTo(1, 1)
    expect(flatFound / flatDue).toBeCloseTo(1, 1)
    expect(flat.data.reduce((sum, value) => sum + value, 0) / flat.data.length).toBeCloseTo(1, 4)
  })
})

describe('sources', () => {
  const place = { x: 130.4, y: 120.7 }
  const starOf = (flux: number) => withField({ stars: [{ ...skyOfPixel(trueWcs(detector, visit), place.x, place.y), flux }], changing: [] }) // prettier-ignore
  const { throughput, sky } = visit.conditions
  const psf = psfOf(plan, visit)

  it('have their flux and place in the noise-free image', () => {
    const flux = fluxOfSnr(300, plan.depth)
    const bright = expectedLight(plan, visit, starOf(flux), chip)
    const dark = expectedLight(plan, visit, empty, chip)
    const light = bright.data.map((value, i) => (value - dark.data[i]!) / chip.response.data[i]!)
    const found = aperture({ ...bright, data: light }, place, 40, 0)
    expect(found.sum / throughput / flux).toBeCloseTo(1, 2.5)
    expect(Math.hypot(found.x - place.x, found.y - place.y)).toBeLessThan(0.02)
  })

  it('keep it through readout and reduction with measured calibrations', () => {
    const flux = fluxOfSnr(400, plan.depth)
    const raw = withoutOverscan(chip, renderExposure(plan, visit, starOf(flux), 0, chip).raws)
    const image = reduced(raw, makeCalibrations(plan, detector, chip))
    const found = aperture(image, place, 3 * psf.fwhm, sky)
    expect(Math.abs(found.sum / throughput / flux - 1)).toBeLessThan(0.03)
  })

  it('have the SNR that theory gives a PSF fit over this sky', () => {
    const flux = fluxOfSnr(20, plan.depth)
    const changing = [{ id: 't', kind: 'transient' as const, ...skyOfPixel(trueWcs(detector, visit), place.x, place.y), fluxes: [flux, 0] }] // prettier-ignore
    const { injected } = renderExposure(plan, visit, withField({ stars: [], changing }), 0, chip)
    expect(injected).toHaveLength(1)
    expect(injected[0]).toMatchObject({ id: 't', flux, isolated: true })
    expect(injected[0]!.x).toBeCloseTo(place.x, 6)
    const variance = sky * 1.05 + chip.amplifiers[2]!.readNoise ** 2
    const scaled = { ...plan.depth, throughput, variance, fwhm: psf.fwhm }
    expect(fluxOfSnr(injected[0]!.snr, scaled) / flux).toBeCloseTo(1, 0.7)
    const gone = renderExposure(plan, { ...visit, index: 1 }, withField({ stars: [], changing }), 0, chip)
    expect(gone.injected).toEqual([])
  })

  it('are not isolated beside a star, beside another, or at the edge', () => {
    const at = (x: number, y: number) => skyOfPixel(trueWcs(detector, visit), x, y)
    const flux = fluxOfSnr(20, plan.depth)
    const source = (id: string, x: number, y: number) => ({ id, kind: 'transient' as const, ...at(x, y), fluxes: [flux, flux] }) // prettier-ignore
    const near = withField({
      stars: [{ ...at(60, 60), flux }],
      changing: [source('star', 63, 60), source('pair', 150, 150), source('other', 154, 150), source('edge', 100, 250), source('alone', 200, 60)], // prettier-ignore
    })
    const isolated = renderExposure(plan, visit, near, 0, chip).injected.filter(it => it.isolated)
    expect(isolated.map(it => it.id)).toEqual(['alone'])
  })

  it('saturate at what the header says', () => {
    const { raws } = renderExposure(plan, visit, starOf(1e8), 0, chip)
    const highest = Math.max(...raws.map(({ data }) => data.reduce((a, b) => Math.max(a, b), 0)))
    expect(highest).toBe(60_000)
  })
})

describe('a raw', () => {
  const exposure = visit.exposures[0]!
  const header = primaryHeader(plan, visit, exposure, detector)
  const { raws } = renderExposure(plan, visit, detector, 0, chip)
  const hdus = readFits(rawFits(header, chip, raws))

  it('carries the header of the observatory, times in TAI, and so does its sidecar', () => {
    const primary = hdus[0]!.header
    expect(hdus[0]!.data).toHaveLength(0)
    expect(Object.fromEntries([...primary].filter(([key]) => key in header))).toEqual(header)
    expect(JSON.parse(new TextDecoder().decode(sidecarBytes(header)))).toEqual(header)
    expect(stringOf(primary, 'DAYOBS')).toBe('20261121')
    expect(stringOf(primary, 'GROUPID')).toBe('2026-11-22T03:00:37.000')
    expect(stringOf(primary, 'DATE-BEG')).toBe('2026-11-22T03:00:57.000')
    expect(numberOf(primary, 'MJD-END') - numberOf(primary, 'MJD-BEG')).toBeCloseTo(15 / 86_400, 8)
    const key = rawKeyOf(plan, visit, exposure, detector)
    expect(parseRawKey(key)).toMatchObject({ kind: 'raw', raw: { exposure: exposure.id, detector: 0 } })
    expect(key).toContain(
      `${stringOf(primary, 'OBSID')}_${stringOf(primary, 'RAFTBAY')}_${stringOf(primary, 'CCDSLOT')}`,
    )
  })

  it('has one extension per amplifier, whose sections tile the chip', () => {
    expect(hdus).toHaveLength(5)
    let columns = 0
    for (const [i, hdu] of hdus.slice(1).entries()) {
      const name = stringOf(hdu.header, 'EXTNAME')
      const image = imageOf(hdu)
      expect(name).toBe(`Segment0${i}`)
      expect(stringOf(hdu.header, 'DETSEC')).toBe(`[${columns + 1}:${columns + 64},1:256]`)
      expect(stringOf(hdu.header, 'DATASEC')).toBe('[1:64,1:256]')
      expect(stringOf(hdu.header, 'BIASSEC')).toBe('[65:128,1:256]')
      expect([image.width, image.height]).toEqual([128, 256])
      expect(image.data.findIndex((adu, at) => adu !== raws[i]!.data[at])).toBe(-1)
      expect(numberOf(hdu.header, 'GAIN')).toBe(chip.amplifiers[i]!.gain)
      columns += 64
    }
    expect(columns).toBe(256)
  })

  it('puts stars all over the chip where its WCS says, to a tenth of a pixel', () => {
    const primary = hdus[0]!.header
    const number = (key: string) => numberOf(primary, key)
    const wcs: TanWcs = {
      crval: [number('CRVAL1'), number('CRVAL2')],
      crpix: [number('CRPIX1'), number('CRPIX2')],
      cd: [
        [number('CD1_1'), number('CD1_2')],
        [number('CD2_1'), number('CD2_2')],
      ],
    }
    const truth = trueWcs(detector, visit)
    const places = [40, 128, 216].flatMap(x => [40, 128, 216].map(y => ({ x: x + 0.3, y: y - 0.2 })))
    const flux = fluxOfSnr(300, plan.depth)
    const stars = places.map(({ x, y }) => ({ ...skyOfPixel(truth, x, y), flux }))
    const light = expectedLight(plan, visit, withField({ stars, changing: [] }), chip)
    const dark = expectedLight(plan, visit, empty, chip)
    const starlight = { ...light, data: light.data.map((value, i) => value - dark.data[i]!) }
    for (const star of stars) {
      const said = pixelOfSky(wcs, star)!
      const found = aperture(starlight, said, 36, 0)
      expect(Math.hypot(found.x - said.x, found.y - said.y)).toBeLessThan(0.1)
      expect(said.x - found.x).toBeCloseTo(visit.wcsError[0], 1.5)
      expect(said.y - found.y).toBeCloseTo(visit.wcsError[1], 1.5)
    }
  })
})
