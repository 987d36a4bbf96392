import { type Kernel, correlate, scaled, squared, trimmed } from './convolve.ts'
import { type Detection, findPeaks } from './detect.ts'
import { AlgorithmError } from './errors.ts'
import { type MaskedImage, imagePlane, total, variancePlane } from './image.ts'
import { shifted } from './lanczos.ts'
import { winged } from './moffat.ts'
import { adaptiveMoments } from './moments.ts'
import { median } from './statistics.ts'

/** A point source on this image, sum 1 over the whole plane (a little of it outside the stamp), the same all over the chip in this form. */
export interface Psf {
  readonly kernel: Kernel
  /** Full width at half maximum in pixels, of the Moffat profile fitted to the stack. */
  readonly fwhm: number
  /** Of the Gaussian with the same adaptive moments: larger than fwhm / 2.355 where a profile has wings. */
  readonly sigma: number
  readonly stars: number
}

export interface Star {
  readonly x: number
  readonly y: number
  readonly snr: number
  readonly sigma: number
}

const FWHM_PER_SIGMA = 2 * Math.sqrt(2 * Math.LN2)
const FEWEST_STARS = 5
const MOST_STARS = 100

/** Peaks ≥ threshold of the image under a round Gaussian, for use before a PSF is known and to find what is bright. */
export function findSources(image: MaskedImage, sigma: number, threshold: number): Detection[] {
  const filter = gaussian(sigma)
  const signal = correlate(imagePlane(image), filter)
  const noise = correlate(variancePlane(image), squared(filter))
  const { width, height } = image
  for (let i = 0; i < signal.length; i++) signal[i] = noise[i]! > 0 ? signal[i]! / Math.sqrt(noise[i]!) : 0
  return findPeaks({ width, height, data: signal }, threshold).filter(({ score }) => score > 0)
}

export function gaussian(sigma: number): Kernel {
  const half = Math.ceil(4 * sigma)
  const n = 2 * half + 1
  const data = new Float64Array(n * n)
  for (let y = -half, i = 0; y <= half; y++)
    for (let x = -half; x <= half; x++, i++) data[i] = Math.exp(-((x ** 2 + y ** 2) / (2 * sigma * sigma)))
  return scaled({ half, data }, 1 / total(data))
}

/**
 * Stars fit for a PSF: SNR above 25, nothing masked near, no neighbour of a tenth of their brightness within 12 px, and of the size that most bright
 * ones share (which leaves out galaxies, blends and cosmic rays). Brightest first.
 */
export function selectStars(image: MaskedImage, sources: readonly Detection[], margin: number): Star[] {
  const plane = imagePlane(image)
  const stars = sources
    .filter(({ x, y, score }) => score > 25 && clear(image, x, y, margin) && alone(sources, x, y, score))
    .slice(0, 6 * MOST_STARS)
    .flatMap(({ x, y, score }) => {
      const moments = adaptiveMoments(plane, x, y, 2)
      if (!moments) return []
      return [{ x: moments.x, y: moments.y, snr: score, sigma: Math.sqrt((moments.ixx + moments.iyy) / 2) }]
    })
  const size = median(stars.slice(0, MOST_STARS).map(({ sigma }) => sigma))
  const spread = 1.4826 * median(stars.slice(0, MOST_STARS).map(({ sigma }) => Math.abs(sigma - size)))
  const allowed = Math.max(0.04 * size, Math.min(3 * spread, 0.15 * size))
  return stars.filter(({ sigma }) => Math.abs(sigma - size) <= allowed)
}

function clear({ width, height, mask }: MaskedImage, x: number, y: number, margin: number): boolean {
  if (x < margin || y < margin || x >= width - margin || y >= height - margin) return false
  const near = Math.min(margin, 10)
  for (let v = y - near; v <= y + near; v++)
    for (let u = x - near; u <= x + near; u++) if (mask[v * width + u]! !== 0) return false
  return true
}

const alone = (sources: readonly Detection[], x: number, y: number, score: number) =>
  !sources.some(
    s => (s.x !== x || s.y !== y) && s.score > 0.1 * score && Math.abs(s.x - x) < 12 && Math.abs(s.y - y) < 12,
  )

/**
 * The empirical PSF: stars moved to a common centre (Lanczos-3), scaled to flux 1 and averaged pixel by pixel without the outliers
 * that neighbours make; twice, the second time with fluxes measured by the first. Outside 1.75 FWHM, where a stack is mostly noise, a
 * Moffat profile fitted to it takes over, and its light beyond the stamp is counted, so that PSF fluxes are total fluxes.
 * @throws AlgorithmError too-few-psf-stars
 */
export function measurePsf(image: MaskedImage, candidates: readonly Star[], sources: readonly Detection[]): Psf {
  const stars = candidates.slice(0, MOST_STARS)
  if (stars.length < FEWEST_STARS)
    throw new AlgorithmError(
      'too-few-psf-stars',
      `${stars.length} stars are fit for a PSF; at least ${FEWEST_STARS} are needed`,
    )
  const sigma = median(stars.map(star => star.sigma))
  const fwhm = sigma * FWHM_PER_SIGMA
  const half = Math.min(20, Math.max(8, Math.ceil(3 * fwhm)))
  const stamps = stars.flatMap(star => {
    const stamp = centred(image, star, half)
    if (stamp) hideNeighbours(stamp, half, star, sources, 1.5 * fwhm)
    return stamp ? [{ stamp, weight: Math.min(star.snr, 200) ** 2 }] : []
  })
  const first: Kernel = { half, data: resized(gaussian(sigma), half) }
  const second = winged(stack(stamps, first), fwhm)
  return { ...winged(stack(stamps, second.kernel), fwhm), sigma, stars: stamps.length }
}

function resized({ half: from, data }: Kernel, half: number): Float64Array {
  if (half <= from) return trimmed({ half: from, data }, half).data
  const [n, m, pad] = [2 * half + 1, 2 * from + 1, half - from]
  const wide = new Float64Array(n * n)
  for (let y = 0; y < m; y++) wide.set(data.subarray(y * m, (y + 1) * m), (y + pad) * n + pad)
  return wide
}

function centred({ width, height, image }: MaskedImage, star: Star, half: number): Float64Array | undefined {
  const [cx, cy] = [Math.round(star.x), Math.round(star.y)]
  const pad = half + 3
  if (cx < pad || cy < pad || cx >= width - pad || cy >= height - pad) return undefined
  const [n, m] = [2 * pad + 1, 2 * half + 1]
  const wide = new Float64Array(n * n)
  for (let y = 0; y < n; y++) {
    const at = (cy - pad + y) * width + cx - pad
    wide.set(image.subarray(at, at + n), y * n)
  }
  const moved = shifted(wide, pad, cx - star.x, cy - star.y)
  const stamp = new Float64Array(m * m)
  for (let y = 0; y < m; y++) {
    const at = (y + 3) * n + 3
    stamp.set(moved.subarray(at, at + m), y * m)
  }
  return stamp
}

/** NaN over everything around other sources: their light is not this star's. */
function hideNeighbours(
  stamp: Float64Array,
  half: number,
  star: Star,
  sources: readonly Detection[],
  radius: number,
): void {
  const n = 2 * half + 1
  for (const { x, y } of sources) {
    const [dx, dy] = [x - star.x, y - star.y]
    if (Math.abs(dx) > half + radius || Math.abs(dy) > half + radius || Math.hypot(dx, dy) < 3) continue
    for (let v = Math.max(-half, Math.ceil(dy - radius)); v <= Math.min(half, dy + radius); v++)
      for (let u = Math.max(-half, Math.ceil(dx - radius)); u <= Math.min(half, dx + radius); u++)
        // What is nearer to the star than to its neighbour stays, or a close pair would lose its core.
        if (Math.hypot(u - dx, v - dy) < Math.min(radius, Math.hypot(u, v))) stamp[(v + half) * n + u + half] = NaN
  }
}

interface Stamp {
  readonly stamp: Float64Array
  readonly weight: number
}

function stack(stamps: readonly Stamp[], model: Kernel): Kernel {
  const fluxes = stamps.map(({ stamp }) => fluxOf(stamp, model.data))
  const all = new Float64Array(stamps.length)
  const sorted = new Float64Array(stamps.length)
  const data = new Float64Array(model.data.length)
  for (let pixel = 0; pixel < data.length; pixel++) {
    let seen = 0
    for (let k = 0; k < all.length; k++) {
      const value = (all[k] = stamps[k]!.stamp[pixel]! / fluxes[k]!)
      if (!Number.isNaN(value)) sorted[seen++] = value
    }
    const { middle, deviation } = medians(sorted.subarray(0, seen).sort())
    data[pixel] = meanWithin(3 * 1.4826 * deviation, middle, all, stamps)
  }
  return { half: model.half, data }
}

/** Of a star whose PSF is the model, over the pixels that are its own. */
function fluxOf(stamp: Float64Array, model: Float64Array): number {
  let [light, norm] = [0, 0]
  for (let i = 0; i < model.length; i++) {
    if (Number.isNaN(stamp[i]!)) continue
    light += model[i]! * stamp[i]!
    norm += model[i]! ** 2
  }
  return light / norm
}

/** The weighted mean of what lies within `reach` of the middle; the middle where nothing does, and 0 where there is none. */
function meanWithin(reach: number, middle: number, values: Float64Array, stamps: readonly Stamp[]): number {
  let [sum, weights] = [0, 0]
  for (let k = 0; k < values.length; k++) {
    if (!(Math.abs(values[k]! - middle) <= reach)) continue
    sum += stamps[k]!.weight * values[k]!
    weights += stamps[k]!.weight
  }
  return weights > 0 ? sum / weights : Number.isFinite(middle) ? middle : 0
}

/**
 * The median of sorted values, and that of their distances from it; NaN when there are none. The distances need no sorting of their own: they grow from
 * the middle to both sides, so that the smaller of the two next ones is the next of all.
 */
export function medians(sorted: Float64Array): { middle: number; deviation: number } {
  const n = sorted.length
  const half = n >> 1
  const middle = n % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
  let [below, above] = [half - 1, half]
  let [last, deviation] = [NaN, NaN]
  for (let k = 0; k <= half; k++) {
    last = deviation
    const [left, right] = [middle - sorted[below]!, sorted[above]! - middle]
    if (above === n || left < right) [deviation, below] = [left, below - 1]
    else [deviation, above] = [right, above + 1]
  }
  return { middle, deviation: n % 2 === 1 ? deviation : (last + deviation) / 2 }
}
