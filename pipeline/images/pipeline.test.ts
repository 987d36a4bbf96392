import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { doublesOf, imageOf, numberOf, readFits, writeFits } from './fits.ts'
import { prepareTemplate } from './difference.ts'
import { AlgorithmError, type ImageInputs, type ImageOutputs, requiredInputs, runPipeline } from './pipeline.ts'
import { assess, completenessOf } from './testing/assess.ts'
import { SCALE, makeScene } from './scene.ts'
import { loadVisit } from './visit.ts'
import { skyOf } from './wcs.ts'

const night = assess({ seed: 4, transients: 16, jitter: 0.05 })
const { scene, outputs } = night
const product = (run: ImageOutputs, type: string) => readFits(run.products.find(p => p.datasetType === type)!.bytes)

/** The code and sentence with which the pipeline refuses. */
function refusal(inputs: ImageInputs, name: 'ApPipe' | 'SingleFrame' | 'Isr' = 'ApPipe'): string {
  try {
    runPipeline(name, inputs)
  } catch (error) {
    if (error instanceof AlgorithmError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'accepted'
}

/** The same file with another card in its primary header. */
function rewritten(bytes: Uint8Array, cards: Record<string, string | number>): Uint8Array {
  const [primary, ...rest] = readFits(bytes).map(hdu => ({
    header: Object.fromEntries(hdu.header),
    ...(hdu.data.length > 0 ? { image: imageOf(hdu) } : {}),
  }))
  return writeFits([{ ...primary!, header: { ...primary!.header, ...cards } }, ...rest])
}

describe('ApPipe', () => {
  it('finds the isolated transients of both signs and nothing that is none', () => {
    const { found, all } = completenessOf([night])
    expect(all).toBeGreaterThan(6)
    expect(found).toBe(all)
    expect(night.spurious.filter(({ reliability }) => reliability! >= 0.5).length).toBeLessThanOrEqual(1)
    expect(outputs.sources.some(source => source.isNegative)).toBe(true)
  })

  it('calibrates by the kernel: its sum, the zero point and the noise are those of the scene', () => {
    const { metrics } = outputs
    expect(metrics['kernelSum']! * SCALE).toBeGreaterThan(0.98)
    expect(metrics['kernelSum']! * SCALE).toBeLessThan(1.02)
    expect(metrics['zeroPoint']).toBeCloseTo(31.4 - 2.5 * Math.log10(SCALE), 1)
    expect(metrics['sky']).toBeCloseTo(600, -1)
    expect(metrics['fwhm']).toBeCloseTo(5.2, 0)
    expect(metrics['scoreRms']).toBeCloseTo(1, 1)
    expect(metrics['registrationPixels']).toBeLessThan(0.12)
  })

  it('fills records that are finite throughout, in order of significance, with the ids it was given', () => {
    outputs.sources.forEach((source, n) => {
      expect(source.diaSourceId).toBe(scene.inputs.idOf(n + 1))
      for (const [field, value] of Object.entries(source))
        if (typeof value === 'number') expect(Number.isFinite(value), field).toBe(true)
      const place = skyOf(scene.wcs, source.x, source.y)
      expect(source.ra).toBeCloseTo(place.ra, 9)
      expect(source.midpointMjdTai).toBeCloseTo(61366.1 + 15 / 86400, 9)
      expect(source.exposureTime).toBe(30)
      if (!source.centroid_flag) {
        // raErr is an angle on the sky: at dec −30 it is no larger than decErr for having been divided by cos(dec).
        expect(source.raErr! / source.decErr!).toBeGreaterThan(0.75)
        expect(source.raErr! / source.decErr!).toBeLessThan(1.33)
      }
    })
    const snrs = outputs.sources.map(({ snr }) => snr!)
    expect(snrs).toEqual([...snrs].sort((a, b) => b - a))
    expect(outputs.boundary).toHaveLength(4)
  })

  it('says of every transient what science and template image have there', () => {
    for (const { truth, source } of night.matches) {
      if (!source || !truth.isolated || truth.snr < 15) continue
      expect(Math.abs(source.scienceFlux! - source.templateFlux! - source.psfFlux!)).toBeLessThan(
        3 * source.psfFluxErr!,
      )
      expect(Math.abs(source.apFlux! - truth.flux)).toBeLessThan(5 * source.apFluxErr!)
    }
  })

  it('measures at every object on the chip and at every own detection, and nowhere else', () => {
    const at = (diaObjectId: bigint, x: number, y: number) => ({ diaObjectId, ...skyOf(scene.wcs, x, y) })
    const [transient] = scene.transients.filter(t => t.isolated && t.snr > 12)
    const objects = [at(1n, transient!.x, transient!.y), at(2n, 300, 200), at(3n, -40, 10), at(4n, 10, 600)]
    const { forced, sources } = runPipeline('ApPipe', { ...scene.inputs, objects })
    expect(forced.map(({ diaObjectId }) => diaObjectId).filter(id => id !== null)).toEqual([1n, 2n])
    expect(forced.slice(2).map(({ diaSourceId }) => diaSourceId)).toEqual(sources.map(({ diaSourceId }) => diaSourceId))
    expect(Math.abs(forced[0]!.psfFlux! - transient!.flux)).toBeLessThan(4 * forced[0]!.psfFluxErr!)
    expect(Math.abs(forced[1]!.psfFlux!)).toBeLessThan(4 * forced[1]!.psfFluxErr!)
  })

  it('gives the same bytes for the same bytes', () => {
    const again = runPipeline('ApPipe', scene.inputs)
    expect(again.sources).toEqual(outputs.sources)
    expect(again.forced).toEqual(outputs.forced)
    for (const [i, { bytes }] of again.products.entries())
      expect(Buffer.compare(bytes, outputs.products[i]!.bytes), outputs.products[i]!.datasetType).toBe(0)
    for (const [i, stamps] of again.cutouts.entries())
      expect(Buffer.compare(stamps.difference, outputs.cutouts[i]!.difference)).toBe(0)
    const figures = ({ metrics }: ImageOutputs) => Object.entries(metrics).filter(([name]) => !name.endsWith('Seconds'))
    expect(figures(again)).toEqual(figures(outputs))
  })

  it('cuts stamps of the right size with the source at their reference pixel', () => {
    expect(outputs.cutouts.map(({ diaSourceId }) => diaSourceId)).toEqual(outputs.sources.map(s => s.diaSourceId))
    outputs.sources.forEach((source, n) => {
      for (const bytes of [outputs.cutouts[n]!.difference, outputs.cutouts[n]!.science, outputs.cutouts[n]!.template]) {
        const [primary, variance, psf] = readFits(bytes)
        const { width, height } = imageOf(primary!)
        expect(width).toBe(height)
        expect(width).toBe(Math.min(102, Math.max(30, source.bboxSize)))
        expect(numberOf(primary!.header, 'CRPIX1') + numberOf(primary!.header, 'CUTMINX')).toBeCloseTo(source.x, 6)
        expect(numberOf(primary!.header, 'CRVAL2')).toBeCloseTo(source.dec, 9)
        expect(variance!.header.get('UTYPE')).toBe('VarianceUncertainty')
        expect(doublesOf(psf!).data.reduce((a, b) => a + b)).toBeCloseTo(1, 1)
      }
    })
  })

  it('writes a difference with variance and mask, and the kernel', () => {
    const [image, variance, mask] = product(outputs, 'difference_image')
    expect(image!.header.get('BUNIT')).toBe('nJy')
    expect(imageOf(variance!).data.every(v => v >= 0)).toBe(true)
    expect(mask!.header.get('MP_SAT')).toBe(1)
    expect(numberOf(product(outputs, 'difference_kernel')[0]!.header, 'KSUM')).toBe(outputs.metrics['kernelSum'])
  })

  it('convolves the science image where it is the sharper', () => {
    const sharp = assess({ seed: 6, transients: 12, fwhm: 4, templateFwhm: 5.2 })
    expect(sharp.outputs.metrics['templateConvolved']).toBe(0)
    const { found, all } = completenessOf([sharp])
    expect(found).toBe(all)
    for (const { truth, source } of sharp.matches)
      if (source && truth.isolated && truth.snr > 15)
        expect(Math.abs(source.psfFlux! / truth.flux - 1)).toBeLessThan(0.25)
  })
})

describe('fallbacks', () => {
  it('say what they need, and SingleFrame has the science image alone', () => {
    expect(requiredInputs('ApPipe')).toEqual(['raws', 'bias', 'flat', 'templates'])
    expect(requiredInputs('SingleFrame')).toEqual(['raws', 'bias', 'flat'])
    const single = runPipeline('SingleFrame', { ...scene.inputs, templates: [] })
    expect(single.sources).toEqual([])
    expect(single.products.map(({ datasetType }) => datasetType)).toEqual([
      'preliminary_visit_image',
      'single_visit_star',
    ])
    expect(imageOf(product(single, 'single_visit_star')[0]!).height).toBeGreaterThan(50)
    const isr = runPipeline('Isr', { ...scene.inputs, flat: undefined, templates: [] })
    expect(isr.products.map(({ datasetType }) => datasetType)).toEqual(['post_isr_image'])
  })

  it('adds two snaps and takes a cosmic ray out of the one that it hit', () => {
    const two = makeScene({ seed: 9, size: 128, snaps: 2 })
    const hit = (raw: Uint8Array): Uint8Array => {
      const [primary, ...segments] = readFits(raw)
      const images = segments.map(hdu => {
        const { width, height, data } = imageOf(hdu)
        return { header: Object.fromEntries(hdu.header), image: { width, height, data: Uint16Array.from(data) } }
      })
      images[0]!.image.data[20 * images[0]!.image.width + 10 + 30]! += 5000
      return writeFits([{ header: Object.fromEntries(primary!.header) }, ...images])
    }
    const [first, second] = two.inputs.raws
    const clean = runPipeline('Isr', two.inputs)
    const struck = runPipeline('Isr', { ...two.inputs, raws: [hit(first!), second!] })
    const at = (run: ImageOutputs, hdu: number) => imageOf(product(run, 'post_isr_image')[hdu]!).data[20 * 128 + 30]!
    expect(at(struck, 2)).toBe(4)
    expect(Math.abs(at(struck, 0) - at(clean, 0))).toBeLessThan(200)
    expect(clean.exposureTime).toBe(30)
  })
})

describe('bad input', () => {
  const { inputs } = scene
  it('is refused by code, with a sentence that says what and where', () => {
    const [raw] = inputs.raws
    expect(refusal({ ...inputs, raws: [] })).toBe('raw-missing: ApPipe needs raws, and there is none')
    expect(refusal({ ...inputs, raws: [raw!.subarray(0, 30_000)] })).toMatch(
      /^raw-unreadable: raw 1: FITS ends after \d+ of \d+ data bytes in HDU 2$/,
    )
    expect(refusal({ ...inputs, instrument: 'LSSTCam' })).toBe(
      "raw-wrong-detector: raw 1: INSTRUME is 'LATISS'; 'LSSTCam' is expected",
    )
    expect(refusal({ ...inputs, physicalFilter: 'g' })).toMatch(/^raw-wrong-filter: raw 1: FILTER is/)
    expect(() => runPipeline('Isr', { ...inputs, physicalFilter: '', flat: undefined })).not.toThrow()
    expect(refusal({ ...inputs, detector: 3 })).toBe("calibration-mismatch: bias: DETECTOR is '0'; '3' is expected")
    expect(refusal({ ...inputs, flat: rewritten(inputs.flat!, { FILTER: 'g' }) })).toMatch(
      /^calibration-mismatch: flat: FILTER/,
    )
    expect(refusal({ ...inputs, bias: makeScene({ seed: 1, size: 64 }).inputs.bias })).toMatch(
      /^calibration-mismatch: bias: the size is '64×64'/,
    )
    expect(refusal({ ...inputs, flat: undefined })).toBe('calibration-missing: ApPipe needs flat, and there is none')
    expect(refusal({ ...inputs, templates: [] })).toMatch(/^no-template-overlap/)
    expect(refusal({ ...inputs, band: 'g' })).toBe("template-mismatch: template 1: BAND is 'r'; 'g' is expected")
    const far = rewritten(inputs.templates[0]!, { CRVAL1: 151 })
    expect(refusal({ ...inputs, templates: [far] })).toBe(
      'no-template-overlap: 1 templates cover 0.0 % of the detector; 10 % are needed',
    )
    expect(refusal({ ...inputs, templates: [inputs.templates[0]!.subarray(0, 5000)] })).toMatch(
      /^template-unreadable: template 1: FITS ends/,
    )
  })

  it('never ends in another error for a damaged template either', () => {
    const small = makeScene({ seed: 3, size: 64 })
    const [template] = small.inputs.templates
    const visit = loadVisit(small.inputs)
    const flip = fc.tuple(fc.nat(), fc.boolean(), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(fc.nat(template!.length), fc.boolean(), fc.array(flip, { maxLength: 5 }), (length, cut, flips) => {
        const bytes = template!.slice(0, cut ? length : undefined)
        for (const [at, header, bits] of flips)
          if (bytes.length > 0) bytes[at % (header ? Math.min(2880, bytes.length) : bytes.length)]! ^= bits
        try {
          prepareTemplate([bytes], 'r', visit)
        } catch (error) {
          expect(error).toBeInstanceOf(AlgorithmError)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('is refused where the sky has too few stars', () => {
    expect(refusal(makeScene({ seed: 2, size: 128, starDensity: 0 }).inputs)).toMatch(/^too-few-psf-stars: 0 stars/)
  })

  it('never ends in another error, however the bytes are cut or flipped', () => {
    const small = makeScene({ seed: 3, size: 64 }).inputs
    const files = { raw: small.raws[0]!, bias: small.bias!, flat: small.flat! }
    const damage = fc.record({
      file: fc.constantFrom<keyof typeof files>('raw', 'bias', 'flat'),
      keep: fc.double({ min: 0.2, max: 1, noNaN: true }),
      cut: fc.boolean(),
      flips: fc.array(fc.tuple(fc.nat(), fc.boolean(), fc.integer({ min: 1, max: 255 })), { maxLength: 6 }),
    })
    fc.assert(
      fc.property(damage, ({ file, keep, cut, flips }) => {
        const bytes = files[file].slice(0, cut ? Math.round(keep * files[file].length) : undefined)
        // Half of the flips go into the first header, where they hurt.
        for (const [at, header, bits] of flips)
          bytes[at % (header ? Math.min(4000, bytes.length) : bytes.length)]! ^= bits
        const broken = { ...files, [file]: bytes }
        const { raw, bias, flat } = broken
        refusal({ ...small, raws: [raw], bias, flat }, 'Isr')
      }),
      { numRuns: 150 },
    )
  })
})
