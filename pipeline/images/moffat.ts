import { type Kernel, scaled } from './convolve.ts'
import { total } from './image.ts'

interface Moffat {
  readonly amplitude: number
  readonly pedestal: number
  readonly alpha: number
  readonly beta: number
}

/**
 * A stack of stars with a Moffat profile in the place of all beyond 1.75 `fwhm` (pixels, of the first guess), sum 1 with the light beyond the stamp;
 * `fwhm` of the result is that of the profile.
 */
export function winged({ half, data }: Kernel, fwhm: number): { kernel: Kernel; fwhm: number } {
  const { amplitude, pedestal, alpha, beta } = fitMoffat({ half, data }, fwhm)
  const joined = new Float64Array(data.length)
  let within = 0
  for (let y = -half, i = 0; y <= half; y++)
    for (let x = -half; x <= half; x++, i++) {
      const radius = Math.hypot(x, y)
      const model = amplitude * (1 + (radius / alpha) ** 2) ** -beta
      within += model
      joined[i] = radius > 1.75 * fwhm ? model : data[i]! - pedestal
    }
  const outside = (amplitude * Math.PI * alpha ** 2) / (beta - 1) - within
  const sum = total(joined) + Math.max(0, outside)
  const width = 2 * alpha * Math.sqrt(2 ** (1 / beta) - 1)
  return { kernel: scaled({ half, data: joined }, 1 / sum), fwhm: width }
}

/** The pixels of a stamp that lie equally far from its centre. */
interface Ring {
  /** Of the distance, pixels². */
  readonly square: number
  n: number
  sum: number
}

/** Within the stamp's inscribed circle. A profile has one value on a ring, and a stamp has few rings: 130 for 1000 pixels. */
function ringsOf({ half, data }: Kernel): Ring[] {
  const rings = new Map<number, Ring>()
  for (let y = -half, i = 0; y <= half; y++)
    for (let x = -half; x <= half; x++, i++) {
      const square = x * x + y * y
      if (square > half * half) continue
      const ring = rings.get(square) ?? { square, n: 0, sum: 0 }
      ring.n++
      ring.sum += data[i]!
      rings.set(square, ring)
    }
  return [...rings.values()]
}

/**
 * Least squares over a grid of shapes within the stamp's inscribed circle. Amplitude and pedestal are linear; the pedestal is what faint
 * neighbours and an imperfect background leave under a stack, and no part of the PSF. Of the misfit, the sum of the data's squares is left out: it is
 * the same for all shapes.
 */
function fitMoffat(stack: Kernel, fwhm: number): Moffat {
  const rings = ringsOf(stack)
  const n = rings.reduce((all, ring) => all + ring.n, 0)
  const light = rings.reduce((all, ring) => all + ring.sum, 0)
  let best: Moffat = { amplitude: 0, pedestal: 0, alpha: fwhm, beta: 3.5 }
  let least = Infinity
  for (const beta of [2.25, 2.5, 2.75, 3, 3.5, 4, 4.765, 6, 9])
    for (let stretch = 0.8; stretch <= 1.1; stretch += 0.01) {
      const alpha = (stretch * fwhm) / (2 * Math.sqrt(2 ** (1 / beta) - 1))
      let [m1, m2, md] = [0, 0, 0]
      for (const ring of rings) {
        const m = (1 + ring.square / alpha ** 2) ** -beta
        m1 += ring.n * m
        m2 += ring.n * m * m
        md += ring.sum * m
      }
      const amplitude = (n * md - m1 * light) / (n * m2 - m1 * m1)
      const pedestal = (light - amplitude * m1) / n
      const misfit = -amplitude * md - pedestal * light
      if (misfit < least) [least, best] = [misfit, { amplitude, pedestal, alpha, beta }]
    }
  return best
}
