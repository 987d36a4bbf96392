import { separation } from './score.ts'
import type { Truth } from './truth.ts'

/** A source that was taken for a known body of the solar system. */
export interface SeenBody {
  readonly visit: bigint | string
  readonly detector: number
  /** ICRS degrees. */
  readonly ra: number
  readonly dec: number
  /** Packed designation. */
  readonly name: string
}

export interface BodyScore {
  /** Isolated bodies on an image, of SNR above 10, counted in each visit. */
  readonly expected: number
  /** Those of `expected` that a source bears the name of, within two pixels. */
  readonly found: number
  /** Sources that bear the name of a body which is not there. */
  readonly wrong: number
}

/** Holds what was told of known bodies against what was in the pixels, for the units of the truth. */
export function scoreBodies({ units, pixelScale }: Truth, seen: readonly SeenBody[]): BodyScore {
  const reach = (2 * pixelScale) / 3600
  let [expected, found, wrong] = [0, 0, 0]
  for (const unit of units) {
    const own = seen.filter(it => String(it.visit) === unit.visit && it.detector === unit.detector)
    const bodies = unit.sources.filter(({ kind }) => kind === 'body')
    const isSeen = (body: (typeof bodies)[0]) => own.some(it => it.name === body.id && separation(it, body) <= reach)
    const due = bodies.filter(({ isolated, snr }) => isolated && snr > 10)
    expected += due.length
    found += due.filter(isSeen).length
    wrong += own.filter(it => !bodies.some(body => body.id === it.name && separation(it, body) <= reach)).length
  }
  return { expected, found, wrong }
}
