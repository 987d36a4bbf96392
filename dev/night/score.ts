import type { Injected } from './pixels.ts'
import type { Truth } from './truth.ts'

/** A detection in a difference image: a DiaSource, as far as it is held against the truth. */
export interface Detection {
  readonly visit: bigint | string
  readonly detector: number
  /** ICRS degrees. */
  readonly ra: number
  readonly dec: number
  /** Signed. */
  readonly snr: number
  /** The object it was associated with, where that is to be scored. */
  readonly object?: bigint | string | null
}

export interface Score {
  /** Isolated transients of SNR above the limit. */
  readonly injected: number
  readonly detected: number
  /** detected / injected; NaN on a control night. */
  readonly completeness: number
  /** 95 % interval of the completeness (Wilson 1927). */
  readonly interval: readonly [number, number]
  /** Those of `injected` that were not found. */
  readonly missed: readonly (Injected & { readonly visit: string; readonly detector: number })[]
  /** Detections near nothing that was injected, bodies of the solar system among it, most significant first. */
  readonly false: readonly Detection[]
  /** Injected sources found in two visits or more, and how many of them have the same object in all. */
  readonly association: { readonly objects: number; readonly whole: number }
}

export interface ScoreOptions {
  /** Transients above this count as injected. */
  readonly snr?: number
  /** Pixels. */
  readonly radius?: number
}

/** Below this an injected source explains no detection. */
const FAINTEST_SNR = 3

/**
 * Holds detections against the truth. A source is detected when a detection of its visit and detector lies within `radius` pixels and has
 * its sign; a detection is false when no source of |SNR| above 3, isolated or not, transient or variable, lies within that radius.
 */
export function score(truth: Truth, detections: readonly Detection[], options: ScoreOptions = {}): Score {
  const { snr = 10, radius = 2 } = options
  const reach = (radius * truth.pixelScale) / 3600
  const found = new Set<Detection>()
  const missed: Score['missed'][number][] = []
  const objects = new Map<string, string[]>()
  let injected = 0
  for (const unit of truth.units) {
    const own = detections.filter(it => String(it.visit) === unit.visit && it.detector === unit.detector)
    for (const source of unit.sources) {
      const near = own.filter(it => separation(it, source) <= reach)
      if (Math.abs(source.snr) > FAINTEST_SNR) near.forEach(it => found.add(it))
      const match = nearest(near, source)
      if (typeof match?.object === 'string' || typeof match?.object === 'bigint')
        objects.set(source.id, [...(objects.get(source.id) ?? []), String(match.object)])
      if (source.kind !== 'transient' || !source.isolated || source.snr <= snr) continue
      injected++
      if (!match) missed.push({ ...source, visit: unit.visit, detector: unit.detector })
    }
  }
  const repeated = [...objects.values()].filter(ids => ids.length > 1)
  const detected = injected - missed.length
  return {
    injected,
    detected,
    completeness: detected / injected,
    interval: wilson(detected, injected),
    missed,
    false: detections.filter(it => !found.has(it)).sort((a, b) => Math.abs(b.snr) - Math.abs(a.snr)),
    association: { objects: repeated.length, whole: repeated.filter(ids => new Set(ids).size === 1).length },
  }
}

/** The nearest of the same sign. */
function nearest(near: readonly Detection[], source: Injected): Detection | undefined {
  return near
    .filter(it => Math.sign(it.snr) === Math.sign(source.snr))
    .sort((a, b) => separation(a, source) - separation(b, source))[0]
}

interface Place {
  readonly ra: number
  readonly dec: number
}

/** Degrees; for places so close that the sky is flat. */
export function separation(a: Place, b: Place): number {
  const dRa = ((a.ra - b.ra + 540) % 360) - 180
  return Math.hypot(dRa * Math.cos((a.dec * Math.PI) / 180), a.dec - b.dec)
}

/** Interval of a proportion that stays honest for small numbers and at 0 and 1; of nothing, everything is possible. */
export function wilson(successes: number, trials: number, z = 1.96): readonly [number, number] {
  if (trials === 0) return [0, 1]
  const p = successes / trials
  const centre = (p + (z * z) / (2 * trials)) / (1 + (z * z) / trials)
  const half = (z / (1 + (z * z) / trials)) * Math.sqrt((p * (1 - p)) / trials + (z * z) / (4 * trials * trials))
  return [Math.max(0, centre - half), Math.min(1, centre + half)]
}
