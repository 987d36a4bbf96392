import type { DiaSource } from '../../../schemas/avro/generated.ts'
import { type ImageOutputs, runPipeline } from '../pipeline.ts'
import { type Scene, type SceneOptions, type Transient, makeScene } from '../scene.ts'

/** A match is within this of the truth, pixels. */
const RADIUS = 2.5

export interface Assessment {
  readonly scene: Scene
  readonly outputs: ImageOutputs
  readonly matches: readonly { readonly truth: Transient; readonly source: DiaSource | undefined }[]
  /** Sources that match no truth. */
  readonly spurious: readonly DiaSource[]
}

/** Makes a scene, runs ApPipe on it and holds what was found against the truth. */
export function assess(options: SceneOptions): Assessment {
  const scene = makeScene(options)
  const outputs = runPipeline('ApPipe', scene.inputs)
  const matches = scene.transients.map(truth => {
    const near = outputs.sources.filter(s => Math.hypot(s.x - truth.x, s.y - truth.y) < RADIUS)
    return { truth, source: near[0] }
  })
  const matched = new Set(matches.map(({ source }) => source))
  return { scene, outputs, matches, spurious: outputs.sources.filter(source => !matched.has(source)) }
}

export interface Spread {
  readonly mean: number
  readonly std: number
}

export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  return { mean, std: Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length) }
}

/** (measured − true) ÷ error of isolated sources of SNR above 8: along x and y together, and of the flux (positive where too bright). */
export function pullsOf(assessments: readonly Assessment[]): { place: Spread; flux: Spread; n: number } {
  const pairs = assessments
    .flatMap(({ matches }) => matches)
    .flatMap(({ truth, source }) =>
      source && truth.isolated && truth.snr > 8 && !source.centroid_flag ? [{ truth, source }] : [],
    )
  return {
    n: pairs.length,
    place: spreadOf(
      pairs.flatMap(({ truth, source }) => [(source.x - truth.x) / source.xErr!, (source.y - truth.y) / source.yErr!]),
    ),
    flux: spreadOf(
      pairs.map(({ truth, source }) => (Math.sign(truth.flux) * (source.psfFlux! - truth.flux)) / source.psfFluxErr!),
    ),
  }
}

/** Found and all isolated transients of SNR above 10. */
export function completenessOf(assessments: readonly Assessment[]): { found: number; all: number } {
  const bright = assessments.flatMap(({ matches }) => matches).filter(({ truth }) => truth.isolated && truth.snr > 10)
  return { found: bright.filter(({ source }) => source !== undefined).length, all: bright.length }
}
