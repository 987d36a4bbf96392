import type { PipelineResult } from '../../schemas/avro/generated.ts'
import { unitKey } from '../../topology/identifiers.ts'
import { makeScene } from '../images/scene.ts'
import type { Lease } from './ports.ts'
import type { Preloaded } from './preload.ts'
import { type RunContext, runUnit } from './run-unit.ts'

/** Stands where group and deployment do in the names of its objects, the same for every worker, so that nothing is left behind but the last of them. */
const NAME = 'rehearsal'

/** Side of the artificial chip, pixels: on a quarter of the area loops stay interpreted that a real chip compiles in its first second. */
const SIZE = 1024

/**
 * A dress rehearsal: an artificial unit goes `runs` times the whole way of a real one, from its raw in the store to the report, which `report` is given
 * and does not send. So the first real units meet compiled code, which a cold process has twice the work with; and a process
 * that cannot compute, write or read says so before it takes a unit.
 * Resolves with the seconds it took. @throws what went wrong: of the store, of the thread, or the pipeline's refusal
 */
export async function rehearse(
  runs: number,
  context: Omit<RunContext, 'deployment'>,
  report: (result: PipelineResult) => void,
): Promise<number> {
  if (runs === 0) return 0
  const began = performance.now()
  const { store, bucket } = context
  const { lease, preloaded, raw } = artificialUnit(bucket)
  await store.put(bucket, lease.raws[0]!.raw.key, raw)
  const { signal } = new AbortController()
  const run = async () => {
    const result = await runUnit(lease, preloaded, { ...context, deployment: NAME }, signal)
    if (result.outcome !== 'succeeded') throw new Error(`the artificial unit was refused: ${result.detail}`)
    for (const { key, size } of result.products) {
      const { length } = await store.getShared(bucket, key)
      if (BigInt(length) !== size)
        throw new Error(`${bucket}/${key}: ${size} bytes were stored, and ${length} read back`)
    }
    report(result)
  }
  await Promise.all(Array.from({ length: runs }, run))
  return (performance.now() - began) / 1000
}

/** The unit, what it was prepared with, and the bytes of its raw. */
function artificialUnit(bucket: string): { lease: Lease; preloaded: Preloaded; raw: Uint8Array } {
  const { inputs } = makeScene({ seed: 1, size: SIZE, transients: 20, jitter: 0.05, brightest: 1e7 })
  const { instrument, detector, visit, physicalFilter, band, bias, flat, templates, objects, raws } = inputs
  const raw = { instrument, group: NAME, detector, snap: 0, exposure: visit, bucket, key: `${NAME}/raw.fits` }
  const lease: Lease = {
    ...{ unit: unitKey(instrument, NAME, detector), detector, pipelines: ['ApPipe'] },
    ...{ attempt: 0, epoch: 0, at: 0, leasedAt: 0, deadline: 0 },
    raws: [{ at: 0, raw: { ...raw, size: null, eTag: null } }],
    announcement: {
      ...{ instrument, group: NAME, salIndex: 0, scriptSalIndex: 0, ra: null, dec: null, rotation: null, dome: 'OPEN' },
      ...{ filters: physicalFilter, duration: 0, nimages: 1, survey: '', totalCheckpoints: 0 },
      ...{ startTimeTai: 0, publishedAt: 0 },
    },
  }
  return {
    lease,
    preloaded: { band, bias, flat, templates, objects, inputs: [], missing: [], ephemerides: null, remarks: [] },
    raw: raws[0]!,
  }
}
