import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backgroundOf } from './background.ts'
import { chain, convolve, correlate, kernelSum, separate } from './convolve.ts'
import { findPeaks } from './detect.ts'
import { fitDipole } from './dipole.ts'
import type { MaskedImage } from './image.ts'
import { shifted } from './lanczos.ts'
import { eigenSymmetric, solveSymmetric } from './linear.ts'
import { apertureFlux, psfCentroid, psfFlux } from './measure.ts'
import { adaptiveMoments } from './moments.ts'
import { gaussian } from './psf.ts'
import { clipped, median } from './statistics.ts'
import { Random } from './scene.ts'

const psf = gaussian(2)

/** Point sources of a Gaussian PSF of σ 2 px on noise of σ 1. */
function image(
  size: number,
  sources: readonly { x: number; y: number; flux: number }[],
  seed = 1,
  noise = 1,
): MaskedImage {
  const random = new Random(seed)
  const data = Float32Array.from({ length: size * size }, () => noise * random.normal())
  for (const { x, y, flux } of sources)
    for (let i = 0; i < data.length; i++)
      data[i]! += (flux / (8 * Math.PI)) * Math.exp(-(((i % size) - x) ** 2 + (Math.floor(i / size) - y) ** 2) / 8)
  return {
    width: size,
    height: size,
    image: data,
    variance: new Float32Array(size * size).fill(1),
    mask: new Uint8Array(size * size),
  }
}
const plane = ({ width, height, image: data }: MaskedImage) => ({ width, height, data })

describe('linear algebra', () => {
  it('solves what it multiplied, and finds no solution where there is none', () => {
    const a = Float64Array.from([4, 1, 0, 1, 3, 1, 0, 1, 2])
    const x = solveSymmetric(a, Float64Array.from([6, 10, 8]))!
    expect([...x].map(v => v.toFixed(9))).toEqual(['1.000000000', '2.000000000', '3.000000000'])
    expect(solveSymmetric(Float64Array.from([1, 1, 1, 1]), Float64Array.from([1, 2]))).toBeUndefined()
  })

  it('finds eigenvectors that the matrix only stretches', () => {
    const a = Float64Array.from([2, 1, 0.5, 1, 3, -1, 0.5, -1, 1])
    const { values, vectors } = eigenSymmetric(a, 3)
    for (let k = 0; k < 3; k++)
      for (let i = 0; i < 3; i++) {
        const product = [0, 1, 2].reduce((sum, j) => sum + a[i * 3 + j]! * vectors[j * 3 + k]!, 0)
        expect(product).toBeCloseTo(values[k]! * vectors[i * 3 + k]!, 10)
      }
  })
})

describe('statistics', () => {
  it('recovers a Gaussian under outliers, without the bias of the clip', () => {
    const random = new Random(3)
    const values = Float32Array.from({ length: 50_000 }, (_, i) => (i % 50 === 0 ? 500 : 10 + 2 * random.normal()))
    const { mean, sigma } = clipped(values)
    expect(mean).toBeCloseTo(10, 1)
    expect(sigma / 2).toBeGreaterThan(0.985)
    expect(sigma / 2).toBeLessThan(1.015)
    expect(median([3, 1, 2, 10])).toBe(2.5)
    expect(clipped(new Float32Array(0)).mean).toBeNaN()
  })

  it('follows a sloping background to the edges and not the sources on it', () => {
    const scene = image(256, [
      { x: 100, y: 90, flux: 20_000 },
      { x: 30, y: 200, flux: 5000 },
    ])
    for (let i = 0; i < scene.image.length; i++) scene.image[i]! += 600 + 0.1 * (i % 256)
    const { plane: background, sigma } = backgroundOf(plane(scene), scene.mask)
    for (const [x, y] of [
      [0, 0],
      [255, 255],
      [100, 90],
      [128, 10],
    ] as const)
      expect(Math.abs(background[y * 256 + x]! - 600 - 0.1 * x)).toBeLessThan(0.3)
    expect(sigma).toBeGreaterThan(0.95)
  })
})

describe('convolution', () => {
  it('is, by separable terms, what the double sum is', () => {
    const random = new Random(5)
    const kernel = { half: 3, data: Float64Array.from({ length: 49 }, () => random.normal()) }
    const scene = plane(image(21, [], 6))
    const fast = convolve(scene, separate(kernel, 1e-9))
    for (const [x, y] of [
      [0, 0],
      [10, 10],
      [20, 3],
      [7, 19],
    ] as const) {
      let sum = 0
      for (let v = -3; v <= 3; v++)
        for (let u = -3; u <= 3; u++) {
          const inside = x - u >= 0 && x - u < 21 && y - v >= 0 && y - v < 21
          if (inside) sum += kernel.data[(v + 3) * 7 + u + 3]! * scene.data[(y - v) * 21 + x - u]!
        }
      expect(fast[y * 21 + x]).toBeCloseTo(sum, 4)
    }
  })

  it('chains kernels: sums multiply, widths add in squares', () => {
    const both = chain(gaussian(1.5), gaussian(2))
    expect(kernelSum(both)).toBeCloseTo(1, 10)
    expect(both.data[(both.data.length - 1) / 2]).toBeCloseTo(1 / (2 * Math.PI * 2.5 ** 2), 4)
  })

  it('moves a stamp by a fraction of a pixel and keeps its flux', () => {
    const { half, data } = gaussian(2)
    const n = 2 * half + 1
    const moved = shifted(data, half, 0.3, -0.45)
    let [sum, x, y] = [0, 0, 0]
    moved.forEach((value, i) => {
      sum += value
      x += value * ((i % n) - half)
      y += value * (Math.floor(i / n) - half)
    })
    expect(sum).toBeCloseTo(1, 3)
    expect(x / sum).toBeCloseTo(0.3, 3)
    expect(y / sum).toBeCloseTo(-0.45, 3)
  })
})

describe('detection', () => {
  it('tells a pair from one noisy source, and signs from each other', () => {
    const scene = image(64, [
      { x: 20, y: 20, flux: 600 },
      { x: 28, y: 20, flux: 500 },
      { x: 45, y: 45, flux: -400 },
    ])
    const data = correlate(plane(scene), psf).map(value => value / 0.14)
    const peaks = findPeaks({ width: 64, height: 64, data }, 5)
    expect(peaks.map(({ x, y, score }) => [Math.round(x / 4), Math.round(y / 4), Math.sign(score)])).toEqual([
      [5, 5, 1],
      [7, 5, 1],
      [11, 11, -1],
    ])
    for (const { x, y, footprint: f } of peaks)
      expect(x >= f.x0 && x <= f.x1 && y >= f.y0 && y <= f.y1 && f.area > 3).toBe(true)
  })

  it('gives every pixel above the threshold to exactly one footprint', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -12, max: 12 }), { minLength: 100, maxLength: 100 }), values => {
        const peaks = findPeaks({ width: 10, height: 10, data: Float32Array.from(values) }, 5)
        const total = peaks.reduce((sum, { footprint }) => sum + footprint.area, 0)
        expect(total).toBe(values.filter(value => Math.abs(value) >= 5).length)
        expect(peaks.length === 0).toBe(total === 0)
      }),
    )
  })
})

describe('measurement', () => {
  it('measures flux and place of a point source with honest errors', () => {
    const pulls = Array.from({ length: 150 }, (_, seed) => {
      const truth = { x: 32.3 + (seed % 7) / 10, y: 31.6 + (seed % 5) / 10, flux: seed % 2 ? 300 : -300 }
      const scene = image(64, [truth], seed + 1)
      const at = psfCentroid(scene, psf, Math.round(truth.x), Math.round(truth.y), 7)!
      const flux = psfFlux(scene, psf, truth.x, truth.y)!
      return [
        (at.x - truth.x) / Math.sqrt(at.xx),
        (at.y - truth.y) / Math.sqrt(at.yy),
        (flux.flux - truth.flux) / flux.error,
      ]
    })
    for (const k of [0, 1, 2]) {
      const values = pulls.map(pull => pull[k]!)
      const mean = values.reduce((a, b) => a + b) / values.length
      expect(Math.abs(mean)).toBeLessThan(0.25)
      const std = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length)
      expect(std).toBeGreaterThan(0.85)
      expect(std).toBeLessThan(1.2)
    }
  })

  it('says so where too few pixels are usable or the aperture is cut', () => {
    const scene = image(40, [])
    scene.mask.fill(1, 0, 40 * 22)
    expect(psfFlux(scene, psf, 20, 20)).toBeUndefined()
    expect(apertureFlux(scene, 20, 20, 12).truncated).toBe(true)
    expect(apertureFlux(image(40, []), 20, 20, 12).truncated).toBe(false)
    expect(psfFlux(image(40, []), psf, 3, 20)!.edge).toBe(true)
  })

  it('gives a Gaussian its own moments', () => {
    const scene = image(64, [{ x: 31.4, y: 32.2, flux: 10_000 }], 1, 0.01)
    const moments = adaptiveMoments(plane(scene), 31, 32, 1.5)!
    expect(moments.x).toBeCloseTo(31.4, 2)
    expect(moments.ixx).toBeCloseTo(4, 1)
    expect(moments.ixy).toBeCloseTo(0, 1)
    expect(adaptiveMoments(plane(image(64, [])), 1, 1, 2)).toBeUndefined()
  })

  it('takes a dipole apart', () => {
    const scene = image(64, [
      { x: 30, y: 32, flux: 900 },
      { x: 34, y: 33, flux: -800 },
    ])
    const fit = fitDipole(scene, psf, { x: 29, y: 32, flux: 500 }, { x: 35, y: 33, flux: -500 })!
    expect(Math.abs(fit.positive.flux - 900)).toBeLessThan(4 * fit.error)
    expect(Math.abs(fit.negative.flux + 800)).toBeLessThan(4 * fit.error)
    expect(fit.positive.x).toBeCloseTo(30, 0)
    expect(fit.chi2).toBeLessThan(1.5)
  })
})
