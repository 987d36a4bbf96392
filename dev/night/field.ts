import { pixelOfSky, skyOfPixel, type SkyPoint, type TanWcs } from '../../topology/camera.ts'
import { effectiveArea } from './psf.ts'
import { randomOf, type Random } from './random.ts'

/** A star that never changes, or the mean of one that does. Flux in nJy. */
export interface Star extends SkyPoint {
  readonly flux: number
}

/** What a difference against the template shows: a transient (nothing in the template) or a variable (its star is, at its mean). */
export interface Changing extends SkyPoint {
  readonly id: string
  readonly kind: 'transient' | 'variable'
  /** Flux minus that in the template, nJy, for each visit of the night; 0 before a transient begins. */
  readonly fluxes: readonly number[]
}

export interface Field {
  readonly stars: readonly Star[]
  readonly changing: readonly Changing[]
}

/** What one exposure under middling conditions can see. */
export interface Depth {
  /** e⁻ per nJy. */
  readonly throughput: number
  /** Sky and read noise, e⁻² per pixel. */
  readonly variance: number
  /** Pixels. */
  readonly fwhm: number
}

export interface FieldSpec {
  readonly seed: number
  readonly detector: number
  readonly visits: number
  readonly size: number
  /** Pixels around the chip that also have sources, since dithers move the chip over them. */
  readonly margin: number
  readonly wcs: TanWcs
  readonly depth: Depth
  /** False: a control night, whose stars are those of the night with the same seed, and nothing changes. */
  readonly transients: boolean
}

const STARS_PER_PIXEL = 800 / 1024 ** 2
const TRANSIENTS_PER_PIXEL = 12 / 1024 ** 2
const VARIABLES_PER_PIXEL = 8 / 1024 ** 2
/** A tenth-magnitude star would outshine the chip; light above this is left out, e⁻. */
const BRIGHTEST_ELECTRONS = 1.5e7
/** Two changing sources closer than this could not be told apart, pixels. */
const APART = 24

/** Flux, nJy, of a source seen at this SNR: solves SNR² = f²/(f + A·V) for f in e⁻, its own photon noise included. */
export function fluxOfSnr(snr: number, { throughput, variance, fwhm }: Depth): number {
  const background = effectiveArea(fwhm) * variance
  return (snr * snr + snr * Math.sqrt(snr * snr + 4 * background)) / 2 / throughput
}

/** The sky over one detector, the same in every visit. */
export function fieldOf(spec: FieldSpec): Field {
  const stars = starsOf(spec)
  return { stars, changing: spec.transients ? [...variablesOf(spec, stars), ...transientsOf(spec, stars)] : [] }
}

/** Counts grow as N(>m) ∝ 10^{0.3 m}, that is N(>F) ∝ F^{−0.75}; the faintest star has SNR 5. */
function starsOf({ seed, detector, size, margin, wcs, depth }: FieldSpec): Star[] {
  const random = randomOf(seed, 'stars', detector)
  const side = size + 2 * margin
  const faintest = fluxOfSnr(5, depth)
  const brightest = BRIGHTEST_ELECTRONS / depth.throughput
  return Array.from({ length: Math.round(STARS_PER_PIXEL * side * side) }, () => {
    const flux = faintest * (1 - random.uniform()) ** (-1 / 0.75)
    const x = 0.5 - margin + side * random.uniform()
    const y = 0.5 - margin + side * random.uniform()
    return { ...skyOfPixel(wcs, x, y), flux: Math.min(flux, brightest) }
  })
}

/** Stars of SNR 30 to 500 that swing by 10 to 50 % around their mean, each with its own period of a few visits. */
function variablesOf({ seed, detector, visits, size, margin, depth }: FieldSpec, stars: readonly Star[]): Changing[] {
  const random = randomOf(seed, 'variables', detector)
  const [low, high] = [fluxOfSnr(30, depth), fluxOfSnr(500, depth)]
  const suited = stars.filter(star => star.flux > low && star.flux < high)
  const wanted = Math.min(Math.round(VARIABLES_PER_PIXEL * (size + 2 * margin) ** 2), suited.length)
  return Array.from({ length: wanted }, (_, i) => {
    const star = suited.splice(Math.floor(suited.length * random.uniform()), 1)[0]!
    const amplitude = (0.1 + 0.4 * random.uniform()) * star.flux
    const phase = 2 * Math.PI * random.uniform()
    const step = (2 * Math.PI) / (3 + 9 * random.uniform())
    const fluxes = Array.from({ length: visits }, (_, visit) => amplitude * Math.sin(phase + step * visit))
    return { id: `variable-${detector}-${i}`, kind: 'variable', ra: star.ra, dec: star.dec, fluxes }
  })
}

/** SNR 5 to 100, uniform in its logarithm; three in ten lie on the flank of a star, one in four begins during the night. */
function transientsOf(spec: FieldSpec, stars: readonly Star[]): Changing[] {
  const random = randomOf(spec.seed, 'transients', spec.detector)
  const wanted = Math.max(2, Math.round(TRANSIENTS_PER_PIXEL * spec.size ** 2))
  const placed: { x: number; y: number }[] = []
  for (let tries = 0; placed.length < wanted && tries < 100 * wanted; tries++) {
    const place = random.uniform() < 0.3 ? nearAStar(spec, stars, random) : anywhere(spec, random)
    const inside = [place.x, place.y].every(at => at > 5 && at < spec.size - 4)
    if (inside && placed.every(other => Math.hypot(other.x - place.x, other.y - place.y) > APART)) placed.push(place)
  }
  return placed.map((place, i) => ({
    id: `transient-${spec.detector}-${i}`,
    kind: 'transient',
    ...skyOfPixel(spec.wcs, place.x, place.y),
    fluxes: lightCurve(fluxOfSnr(5 * 20 ** random.uniform(), spec.depth), spec.visits, random),
  }))
}

const anywhere = ({ size }: FieldSpec, random: Random) => ({
  x: 0.5 + size * random.uniform(),
  y: 0.5 + size * random.uniform(),
})

/** 1 to 8 pixels from a star's centre. */
function nearAStar({ wcs }: FieldSpec, stars: readonly Star[], random: Random): { x: number; y: number } {
  const star = pixelOfSky(wcs, stars[Math.floor(stars.length * random.uniform())]!)!
  const distance = 1 + 7 * random.uniform()
  const angle = 2 * Math.PI * random.uniform()
  return { x: star.x + distance * Math.cos(angle), y: star.y + distance * Math.sin(angle) }
}

/** Rises or fades by up to 15 % a visit, within a factor of two of where it began; before it begins there is nothing. */
function lightCurve(flux: number, visits: number, random: Random): number[] {
  const begins = random.uniform() < 0.25 ? Math.floor(visits * random.uniform()) : 0
  const rate = 1 + 0.3 * (random.uniform() - 0.5)
  return Array.from({ length: visits }, (_, visit) =>
    visit < begins ? 0 : flux * Math.min(2, Math.max(0.5, rate ** (visit - begins))),
  )
}
