/**
 * A small synthetic sky with a seed: raw in ADU, calibrations and a template from many frames on its own grid, and the truth. For the tests of the
 * image pipeline, and the rehearsal of a worker.
 */
import { type HduContent, type Plane, writeFits } from './fits.ts'
import type { ImageInputs } from './pipeline.ts'
import { type Wcs, pixelOf, skyOf, wcsCards } from './wcs.ts'

export interface SceneOptions {
  readonly seed: number
  readonly size?: number
  /** Mean number of stars per million pixels. */
  readonly starDensity?: number
  readonly transients?: number
  readonly fwhm?: number
  readonly templateFwhm?: number
  /** Scatter of each star's place between template and science image, pixels per axis. */
  readonly jitter?: number
  readonly sky?: number
  readonly snaps?: 1 | 2
  /** Flux ratios of transients drawn from −1 and 1. */
  readonly bothSigns?: boolean
  /** No star has more electrons: those of 3 · 10⁵ come near saturation, those of 10⁷ go far beyond. */
  readonly brightest?: number
}

export interface Transient {
  readonly x: number
  readonly y: number
  /** nJy. */
  readonly flux: number
  /** Of an ideal PSF flux under the noise of sky, read-out and source. */
  readonly snr: number
  /** No star brighter than it within 12 px, and 20 px from the edge. */
  readonly isolated: boolean
}

export interface Scene {
  readonly inputs: ImageInputs
  readonly wcs: Wcs
  readonly transients: readonly Transient[]
}

/** nJy per electron. */
export const SCALE = 12
const READ_NOISE = 6
const BETA = 3.5
const DEGREE = Math.PI / 180

export class Random {
  #state: number
  constructor(seed: number) {
    this.#state = seed >>> 0
  }
  /** Uniform in [0, 1): mulberry32. */
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
  }
  /** Poisson, by its normal limit: the means here are in the hundreds. */
  poisson(mean: number): number {
    return Math.max(0, mean + Math.sqrt(Math.max(0, mean)) * this.normal())
  }
}

interface Light {
  readonly x: number
  readonly y: number
  /** Electrons. */
  readonly flux: number
}

/** Adds Moffat profiles of total flux `flux`, out to where they fall below a hundredth of the sky's noise. */
function render(plane: Plane, lights: readonly Light[], fwhm: number): void {
  const alpha = fwhm / (2 * Math.sqrt(2 ** (1 / BETA) - 1))
  for (const { x, y, flux } of lights) {
    const peak = ((BETA - 1) / (Math.PI * alpha * alpha)) * flux
    const radius = Math.min(60, Math.max(8, alpha * Math.sqrt((Math.abs(peak) / 0.1) ** (1 / BETA))))
    for (let v = Math.max(0, Math.ceil(y - radius)); v <= Math.min(plane.height - 1, y + radius); v++)
      for (let u = Math.max(0, Math.ceil(x - radius)); u <= Math.min(plane.width - 1, x + radius); u++)
        plane.data[v * plane.width + u]! += peak * (1 + ((u - x) ** 2 + (v - y) ** 2) / (alpha * alpha)) ** -BETA
  }
}

/** Σ P² and Σ P³ of the Moffat profile, which fix the noise of a PSF flux. */
function sums(fwhm: number): { p2: number; p3: number } {
  const plane: Plane = { width: 81, height: 81, data: new Float32Array(81 * 81) }
  render(plane, [{ x: 40, y: 40, flux: 1e6 }], fwhm)
  const p = plane.data.map(v => v / 1e6)
  return { p2: p.reduce((s, v) => s + v * v, 0), p3: p.reduce((s, v) => s + v ** 3, 0) }
}

const rotated = (crval: [number, number], crpix: [number, number], scale: number, angle: number): Wcs => {
  const [c, s] = [Math.cos(angle * DEGREE), Math.sin(angle * DEGREE)]
  return { crval, crpix, cd: [-scale * c, scale * s, scale * s, scale * c].map(v => v / 3600) as unknown as Wcs['cd'] }
}

export function makeScene(options: SceneOptions): Scene {
  const { seed, size = 512, starDensity = 800, transients: count = 0, jitter = 0, snaps = 1 } = options
  const { fwhm = 5.2, templateFwhm = 4, sky = 600, bothSigns = true, brightest = 3e5 } = options
  const random = new Random(seed)
  const wcs = rotated([150.1, -30.2], [size / 2 + 3.3, size / 2 - 2.2], 0.2, 12)
  const stars = makeStars(random, Math.round((starDensity * size * size) / 1e6), size, sky, brightest)
  const transients = makeTransients(random, count, size, { fwhm, sky, snaps, stars, bothSigns })
  const moved = stars.map(star => ({
    ...star,
    x: star.x + jitter * random.normal(),
    y: star.y + jitter * random.normal(),
  }))
  const light: Plane = { width: size, height: size, data: new Float32Array(size * size) }
  render(light, [...moved, ...transients.map(t => ({ ...t, flux: t.flux / SCALE }))], fwhm)
  const pattern = makePattern(random, size)
  const share = light.data.map(v => v / snaps)
  const raws = Array.from({ length: snaps }, (_, snap) =>
    rawFile(random, { width: size, height: size, data: share }, sky / snaps, pattern, wcs, snap + 1, snaps),
  )
  const inputs: ImageInputs = {
    instrument: 'LATISS',
    detector: 0,
    visit: 2026112200001n,
    physicalFilter: 'SDSSr_65mm',
    band: 'r',
    raws,
    bias: calibration(
      size,
      pattern.bias.map(v => v + (READ_NOISE / Math.sqrt(20)) * random.normal()),
      {},
    ),
    flat: calibration(
      size,
      pattern.flat.map(v => v * (1 + 1e-3 * random.normal())),
      { FILTER: 'SDSSr_65mm' },
    ),
    templates: [templateFile(random, stars, wcs, size, templateFwhm, sky)],
    objects: [],
    idOf: counter => 1000n + BigInt(counter),
  }
  return { inputs, wcs, transients }
}

/** N(>F) ∝ F^−0.75 from what 5 σ of the sky is up, cut at `brightest`. */
function makeStars(random: Random, count: number, size: number, sky: number, brightest: number): Light[] {
  const faintest = 40 * Math.sqrt(sky)
  return Array.from({ length: count }, () => ({
    x: random.uniform() * (size + 40) - 20,
    y: random.uniform() * (size + 40) - 20,
    flux: Math.min(brightest, faintest * random.uniform() ** (-1 / 0.75)),
  }))
}

interface TransientSetting {
  readonly fwhm: number
  readonly sky: number
  readonly snaps: number
  readonly stars: readonly Light[]
  readonly bothSigns: boolean
}

/** On a jittered grid, so that they do not overlap; SNR from 5 to 60, uniform in its logarithm. */
function makeTransients(random: Random, count: number, size: number, setting: TransientSetting): Transient[] {
  const { p2, p3 } = sums(setting.fwhm)
  const side = Math.ceil(Math.sqrt(count))
  return Array.from({ length: count }, (_, i) => {
    const cell = (size - 40) / side
    const x = 20 + ((i % side) + 0.15 + 0.7 * random.uniform()) * cell
    const y = 20 + (Math.floor(i / side) + 0.15 + 0.7 * random.uniform()) * cell
    const snr = 5 * 12 ** random.uniform()
    // snr² = F² ÷ (N/p2 + F·p3/p2²), with N the noise of one pixel of sky.
    const noise = setting.sky + setting.snaps * READ_NOISE ** 2
    const own = (p3 / (p2 * p2)) * snr * snr
    const flux = (own + Math.sqrt(own * own + (4 * snr * snr * noise) / p2)) / 2
    const isolated = !setting.stars.some(s => s.flux > flux / 3 && Math.hypot(s.x - x, s.y - y) < 12)
    const sign = setting.bothSigns && random.uniform() < 0.3 ? -1 : 1
    return { x, y, flux: sign * flux * SCALE, snr, isolated }
  })
}

interface Pattern {
  readonly bias: Float32Array
  readonly flat: Float32Array
}

function makePattern(random: Random, size: number): Pattern {
  const columns = Float32Array.from({ length: size }, () => 3 * random.normal())
  const bias = Float32Array.from({ length: size * size }, (_, i) => columns[i % size]! + random.normal())
  const flat = Float32Array.from({ length: size * size }, (_, i) => {
    const [u, v] = [(i % size) / size - 0.5, Math.floor(i / size) / size - 0.5]
    return (1.03 - 0.2 * (u * u + v * v)) * (1 + 0.01 * random.normal())
  })
  return { bias, flat }
}

const GAINS = [1.1, 1.25, 0.95, 1.05]
const PRESCAN = 10
const OVERSCAN = 32

function rawFile(
  random: Random,
  light: Plane,
  sky: number,
  pattern: Pattern,
  wcs: Wcs,
  snap: number,
  snaps: number,
): Uint8Array {
  const { width: size } = light
  const begin = 61366.1 + (snap - 1) * (17 / 86400)
  const header = {
    INSTRUME: 'LATISS',
    GROUPID: '2026-11-22T02:24:00.000',
    CURINDEX: snap,
    MAXINDEX: snaps,
    RAFTBAY: 'R00',
    CCDSLOT: 'S00',
    OBSID: `AT_O_20261122_00000${snap}`,
    DAYOBS: '20261122',
    SEQNUM: snap,
    CONTRLLR: 'O',
    FILTER: 'SDSSr_65mm',
    RA: wcs.crval[0],
    DEC: wcs.crval[1],
    ROTPA: 12,
    EXPTIME: 30 / snaps,
    TIMESYS: 'TAI',
    'DATE-BEG': '2026-11-22T02:24:00.000',
    'DATE-END': '2026-11-22T02:24:30.000',
    'MJD-BEG': begin,
    'MJD-END': begin + 30 / snaps / 86400,
    IMGTYPE: 'OBJECT',
    DETSIZE: `[1:${size},1:${size}]`,
    ...wcsCards(wcs),
  }
  const amplifiers = GAINS.map((gain, k) => segment(random, light, sky, pattern, gain, k))
  return writeFits([{ header }, ...amplifiers])
}

function segment(random: Random, light: Plane, sky: number, pattern: Pattern, gain: number, k: number): HduContent {
  const size = light.width
  const half = size / 2
  const [x0, y0] = [(k % 2) * half, Math.floor(k / 2) * half]
  const width = PRESCAN + half + OVERSCAN
  const data = new Uint16Array(width * half)
  for (let y = 0; y < half; y++) {
    const pedestal = 1000 + 40 * k + 5 * Math.sin(y / 40)
    for (let x = 0; x < width; x++) {
      const read = pedestal + (READ_NOISE / gain) * random.normal()
      const i = (y0 + y) * size + x0 + x - PRESCAN
      const open = x >= PRESCAN && x < PRESCAN + half
      const gradient = 1 + 0.1 * ((i % size) / size - 0.5)
      const adu = open
        ? read + pattern.bias[i]! + random.poisson((light.data[i]! + sky * gradient) * pattern.flat[i]!) / gain
        : read
      data[y * width + x] = Math.max(0, Math.min(65535, Math.round(adu)))
    }
  }
  const header = {
    EXTNAME: `Segment0${k}`,
    GAIN: gain,
    RDNOISE: READ_NOISE,
    SATURATE: 60000,
    DATASEC: `[${PRESCAN + 1}:${PRESCAN + half},1:${half}]`,
    BIASSEC: `[${PRESCAN + half + 1}:${width},1:${half}]`,
    DETSEC: `[${x0 + 1}:${x0 + half},${y0 + 1}:${y0 + half}]`,
  }
  return { header, image: { width, height: half, data } }
}

const calibration = (size: number, data: Float32Array, more: Record<string, string>) =>
  writeFits([
    {
      header: { INSTRUME: 'LATISS', DETECTOR: 0, CALDATE: '2026-11-20', ...more },
      image: { width: size, height: size, data },
    },
  ])

/** Twenty frames, added: a twentieth of one frame's variance, its own grid. */
function templateFile(
  random: Random,
  stars: readonly Light[],
  science: Wcs,
  size: number,
  fwhm: number,
  sky: number,
): Uint8Array {
  const side = Math.ceil(size * 1.2) + 60
  const wcs = rotated([150.1, -30.2], [side / 2 + 7.7, side / 2 - 4.4], 0.2, 15)
  const placed = stars.map(({ x, y, flux }) => ({ flux, ...pixelOf(wcs, skyOf(science, x, y))! }))
  const plane: Plane = { width: side, height: side, data: new Float32Array(side * side) }
  render(plane, placed, fwhm)
  const variance = plane.data.map(v => ((v + sky + READ_NOISE ** 2) / 20) * SCALE * SCALE)
  const image = plane.data.map((v, i) => v * SCALE + Math.sqrt(variance[i]!) * random.normal())
  const psf: Plane = { width: 41, height: 41, data: new Float32Array(41 * 41) }
  render(psf, [{ x: 20, y: 20, flux: 1e6 }], fwhm)
  const sum = psf.data.reduce((a, b) => a + b)
  return writeFits([
    { header: { BAND: 'r', BUNIT: 'nJy', ...wcsCards(wcs) }, image: { width: side, height: side, data: image } },
    { header: { EXTNAME: 'VARIANCE' }, image: { width: side, height: side, data: variance } },
    { header: { EXTNAME: 'PSF' }, image: { width: 41, height: 41, data: psf.data.map(v => v / sum) } },
  ])
}
