import { describe, expect, it } from 'vitest'
import { imageOf, readFits, numberOf, stringOf } from '../../pipeline/images/fits.ts'
import { detectorPolygon, pixelOfSky, skyOfPixel } from '../../topology/camera.ts'
import { centralRepository, filesInRepository } from './central-repository.ts'
import { fluxOfSnr } from './field.ts'
import { planNight } from './plan.ts'
import { makeTemplate, templateFits } from './template.ts'

const plan = planNight({ seed: 5, instrument: 'LATISS', visits: 3, size: 256, start: Date.UTC(2026, 10, 22, 3) })
const detector = plan.detectors[0]!

const sameBytes = (a: Float32Array, b: Float32Array) => Buffer.from(a.buffer).equals(Buffer.from(b.buffer))

describe('the template', () => {
  it('has background 0, the variance it says, and NaN where nothing was seen', () => {
    const { image, variance } = makeTemplate(plan, { ...detector, field: { stars: [], changing: [] } })
    let [sum, squares, due, n] = [0, 0, 0, 0]
    expect(image.data.findIndex((value, i) => Number.isNaN(value) !== Number.isNaN(variance.data[i]!))).toBe(-1)
    for (const [i, value] of image.data.entries()) {
      if (Number.isNaN(value)) continue
      ;[sum, squares, due, n] = [sum + value, squares + value * value, due + variance.data[i]!, n + 1]
    }
    expect(n).toBeGreaterThan((256 + 2 * 60) ** 2)
    expect(n).toBeLessThan(image.data.length)
    expect(Math.abs(sum / n)).toBeLessThan(4 * Math.sqrt(due / n / n))
    expect(squares / due).toBeGreaterThan(0.97)
    expect(squares / due).toBeLessThan(1.03)
    const one = Math.sqrt(plan.depth.variance) / plan.depth.throughput
    expect(Math.sqrt(due / n) / (one / Math.sqrt(20))).toBeCloseTo(1, 1.5)
  })

  it('holds stars at their flux in nJy where its own WCS says, and no transient', () => {
    const star = { ...skyOfPixel(detector.nominalWcs, 60, 200), flux: fluxOfSnr(300, plan.depth) }
    const there = skyOfPixel(detector.nominalWcs, 180, 60)
    const transient = { id: 't', kind: 'transient' as const, ...there, fluxes: [1e6, 1e6, 1e6] }
    const { image, wcs } = makeTemplate(plan, { ...detector, field: { stars: [star], changing: [transient] } })
    const lightAt = (place: { ra: number; dec: number }) => {
      const at = pixelOfSky(wcs, place)!
      let sum = 0
      for (let y = 1; y <= image.height; y++)
        for (let x = 1; x <= image.width; x++)
          if (Math.hypot(x - at.x, y - at.y) < 12) sum += image.data[(y - 1) * image.width + x - 1]!
      return sum
    }
    expect(lightAt(star) / star.flux).toBeCloseTo(1, 1.7)
    expect(Math.abs(lightAt(transient)) / star.flux).toBeLessThan(0.03)
    expect(wcs.cd).not.toEqual(detector.nominalWcs.cd)
  })

  it('reads back from FITS with variance, PSF and band', () => {
    const template = makeTemplate(plan, detector)
    const [image, variance, psf] = readFits(templateFits(plan, template))
    expect(sameBytes(imageOf(image!).data, template.image.data)).toBe(true)
    expect(stringOf(image!.header, 'BAND')).toBe('r')
    expect(numberOf(image!.header, 'CRVAL1')).toBe(template.wcs.crval[0])
    expect(stringOf(variance!.header, 'EXTNAME')).toBe('VARIANCE')
    expect(sameBytes(imageOf(variance!).data, template.variance.data)).toBe(true)
    expect(stringOf(psf!.header, 'EXTNAME')).toBe('PSF')
    const { width, data } = imageOf(psf!)
    expect(width % 2).toBe(1)
    expect(data.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5)
  })

  it('covers the chip of every visit, with room for a kernel', () => {
    const { image, wcs } = makeTemplate(plan, detector)
    for (const visit of plan.visits)
      for (const corner of detectorPolygon(detector.geometry, visit.actual, 4)) {
        const { x, y } = pixelOfSky(wcs, corner)!
        expect(image.data[Math.round(y - 1) * image.width + Math.round(x - 1)]).not.toBeNaN()
      }
  })
})

describe('the central repository', () => {
  const files = [...centralRepository(plan)]

  it('holds calibrations valid during the night, the template, and the index that finds it', () => {
    expect(files).toHaveLength(filesInRepository(plan))
    const validity = '20261023T000000_20261222T000000'
    expect(files.map(it => it.key)).toEqual([
      `LATISS/calib/bias/0/${validity}.fits`,
      `LATISS/calib/flat/SDSSr_65mm~empty/0/${validity}.fits`,
      'LATISS/template/r/5/0.fits',
      'LATISS/template/r/index.json',
    ])
    const [bias, flat] = files.map(it => it.bytes)
    const calibration = readFits(bias!)[0]!
    expect(imageOf(calibration)).toMatchObject({ width: 256, height: 256 })
    expect(numberOf(calibration.header, 'DETECTOR')).toBe(0)
    expect(stringOf(readFits(flat!)[0]!.header, 'FILTER')).toBe('SDSSr_65mm~empty')
    const { templates } = JSON.parse(new TextDecoder().decode(files[3]!.bytes)) as {
      templates: { key: string; corners: [number, number][] }[]
    }
    expect(templates).toHaveLength(1)
    expect(templates[0]!.key).toBe(files[2]!.key)
    expect(templates[0]!.corners).toHaveLength(4)
    const [x, y] = [0, 2].map(i => pixelOfSky(detector.nominalWcs, { ra: templates[0]!.corners[i]![0], dec: templates[0]!.corners[i]![1] })!) // prettier-ignore
    expect(x!.x).toBeCloseTo(-63.5, 3)
    expect(y!.x).toBeCloseTo(256 + 64.5, 3)
  })
})
