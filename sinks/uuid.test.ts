import { expect, it } from 'vitest'
import { uuidOf } from './uuid.ts'

it('is the one that other implementations of version 5 make of the name', () => {
  // uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_DNS, 'lsst.org'), …) of Python's library.
  const run = 'LATISS/prompt/output-2026-11-21/ApPipe/pipelines-cf62e06-config-8acfde6'
  const name = `dataset_type=difference_image,run=${run},detector=0,instrument=LATISS,visit=2026112100042`
  expect(uuidOf(name)).toBe('f123446c-5a5c-5ee6-bb78-ef5a54ac7519')
})
