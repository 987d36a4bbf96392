/**
 * What ApPipe costs on one simulated unit: seconds of this process's CPU for a whole run and for each stage.
 * `npm run bench -- [runs] [size] [snaps] [instrument]`; the first run is told apart, since it meets cold code.
 * On a busy machine only the minima mean something.
 */
import { centralRepository } from '../dev/night/central-repository.ts'
import { chipOfDetector, renderExposure } from '../dev/night/pixels.ts'
import { planNight, type NightOptions } from '../dev/night/plan.ts'
import { primaryHeader, rawFits } from '../dev/night/raw.ts'
import { type ImageInputs, runPipeline } from '../pipeline/images/pipeline.ts'

const [runs = '7', size = '1024', snaps = '1', instrument = 'LSSTComCam'] = process.argv.slice(2)

function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e3
}

// The pipeline times its stages by this clock. Here it shows CPU time: a neighbour on the machine takes the wall's seconds, not these.
performance.now = cpuMilliseconds

function cpuSeconds(work: () => void): number {
  const before = cpuMilliseconds()
  work()
  return (cpuMilliseconds() - before) / 1e3
}

function unitOf(given: NightOptions): ImageInputs {
  const plan = planNight(given)
  const [detector, visit] = [plan.detectors[0]!, plan.visits[0]!]
  const repository = [...centralRepository({ ...plan, detectors: [detector] })].map(({ bytes }) => bytes)
  const [bias, flat, template] = repository as [Uint8Array, Uint8Array, Uint8Array]
  const chip = chipOfDetector(plan, detector)
  const raws = visit.exposures.map(exposure =>
    rawFits(
      primaryHeader(plan, visit, exposure, detector),
      chip,
      renderExposure(plan, visit, detector, exposure.snap, chip).raws,
    ),
  )
  const objects = detector.field.stars.slice(0, 500).map(({ ra, dec }, i) => ({ diaObjectId: BigInt(i), ra, dec }))
  return {
    ...{ instrument: plan.instrument.name, detector: detector.id, visit: visit.exposures[0]!.id },
    ...{ band: plan.band, physicalFilter: plan.filter, raws, bias, flat, templates: [template], objects, idOf: BigInt },
  }
}

/** Smallest, middle and largest, in seconds. */
function spreadOf(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  return [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!].map(value => value.toFixed(3).padStart(8)).join(' ')
}

let inputs!: ImageInputs
const preparation = cpuSeconds(() => {
  inputs = unitOf({
    ...{ seed: 3, visits: 1, start: Date.UTC(2026, 10, 22, 3), size: Number(size), snaps: snaps === '2' ? 2 : 1 },
    instrument: instrument as NonNullable<NightOptions['instrument']>,
  })
})
const cpu: number[] = []
const stages = new Map<string, number[]>()
for (let run = 0; run < Number(runs); run++) {
  let metrics: Readonly<Record<string, number>> = {}
  cpu.push(cpuSeconds(() => (metrics = runPipeline('ApPipe', inputs).metrics)))
  if (run === 0 && Number(runs) > 1) continue
  for (const [name, value] of Object.entries(metrics))
    if (name.endsWith('Seconds')) stages.set(name, [...(stages.get(name) ?? []), value])
}
console.log(`${instrument}, ${size}², ${snaps} snap(s): rendered in ${preparation.toFixed(2)} s of CPU`)
console.log(`first run, cold: ${cpu[0]!.toFixed(3)} s of CPU`)
console.log(`run by run: ${cpu.map(value => value.toFixed(2)).join(' ')}`)
console.log(`${'warm runs, s'.padEnd(20)}      min   median      max`)
console.log(`${'CPU'.padEnd(20)} ${spreadOf(cpu.length > 1 ? cpu.slice(1) : cpu)}`)
for (const [name, values] of stages) console.log(`${name.padEnd(20)} ${spreadOf(values)}`)
