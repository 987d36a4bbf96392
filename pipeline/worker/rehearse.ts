import { makeScene } from '../images/scene.ts'
import { storeProducts } from './products.ts'
import type { RunContext } from './run-unit.ts'

/** The same bytes each time and from every worker, so that nothing is left behind but the last of them. */
const PREFIX = 'rehearsal/'

/** Side of the artificial chip, pixels: on a quarter of the area loops stay interpreted that a real chip compiles in its first second. */
const SIZE = 1024

/**
 * A dress rehearsal: an artificial unit goes `runs` times through the pipeline, its products to the store and back. So the first real units meet compiled
 * code, which a cold process has twice the work with; and a process that cannot compute, write or read says so before it takes a unit.
 * Resolves with the seconds it took. @throws what went wrong: of the store, of the thread, or the pipeline's refusal
 */
export async function rehearse(
  runs: number,
  { thread, store, bucket, deadlineMs }: Pick<RunContext, 'thread' | 'store' | 'bucket' | 'deadlineMs'>,
): Promise<number> {
  if (runs === 0) return 0
  const began = performance.now()
  const { idOf: _, ...inputs } = makeScene({ seed: 1, size: SIZE, transients: 20, jitter: 0.05 }).inputs
  const { signal } = new AbortController()
  const run = async () => {
    const answer = await thread.run({ pipeline: 'ApPipe', ...inputs }, { deadlineMs, signal })
    if ('refused' in answer) throw new Error(`the artificial unit was refused: ${answer.refused.detail}`)
    for (const { key, size } of await storeProducts(store, bucket, PREFIX, answer.outputs.products)) {
      const { length } = await store.get(bucket, key)
      if (BigInt(length) !== size)
        throw new Error(`${bucket}/${key}: ${size} bytes were stored, and ${length} read back`)
    }
  }
  await Promise.all(Array.from({ length: runs }, run))
  return (performance.now() - began) / 1000
}
