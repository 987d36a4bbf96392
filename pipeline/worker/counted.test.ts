import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { counted } from './counted.ts'

const MB = 1_048_576

it('has shared memory collected that nobody holds, in a thread that allocates nothing else', async () => {
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  for (let i = 0; i < 400; i++) {
    counted(new Uint8Array(new SharedArrayBuffer(10 * MB)))
    await setImmediate()
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  // 4,000 MB in all, of which a collection is due for every 8 times what V8 lets grow.
  expect(most / MB).toBeLessThan(1_500)
})
