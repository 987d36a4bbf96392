import { describe, expect, it } from 'vitest'
import type { Announcement } from '../../schemas/avro/generated.ts'
import { preload } from './preload.ts'
import { runUnit } from './run-unit.ts'
import { biasOf, flatOf, KNOWN, leaseOf, memoryRepository, RED, TEMPLATE, textOf } from './testing/repository.ts'

/** What is preloaded for a unit of detector 0, and what becomes of the unit with that. */
async function prepared(announcement: Partial<Announcement>) {
  const world = memoryRepository()
  const lease = leaseOf('g', 0, announcement)
  const inputs = await preload(lease, world.preload)
  const { bias, flat, templates, objects, missing } = inputs
  const result = await runUnit(lease, inputs, world.run, new AbortController().signal)
  const found = { bias: textOf(bias), flat: textOf(flat), templates: templates.map(textOf), objects }
  return { found, missing, result, reads: world.reads, jobs: world.jobs }
}

it('brings calibrations, templates and known objects, and the best pipeline runs', async () => {
  const { found, missing, result } = await prepared({})
  expect(found).toEqual({ bias: biasOf(0), flat: flatOf(RED, 0), templates: [TEMPLATE], objects: [KNOWN] })
  expect(missing).toEqual([])
  expect(result).toMatchObject({ outcome: 'succeeded', pipeline: 'ApPipe' })
})

describe('a visit outside the validity of every calibration', () => {
  it.each([2015, 2050])('fails its unit with the reason, and no image is touched: %d', async year => {
    const { found, result, reads, jobs } = await prepared({ publishedAt: Date.UTC(year, 0, 1) })
    expect(found).toMatchObject({ bias: undefined, flat: undefined })
    expect(result).toMatchObject({ outcome: 'failed', reason: 'no-runnable-pipeline', pipeline: null })
    expect(result.detail).toContain(
      "Isr needs bias; no bias under LSSTComCam/calib/bias/0/ is valid at the visit's time",
    )
    expect(reads.filter(key => key.endsWith('.raw'))).toEqual([])
    expect(jobs).toEqual([])
  })
})

describe('without what the announcement should say', () => {
  it.each([
    ['a filter', { filters: '' }],
    ['a filter of this camera', { filters: 'SDSSr_65mm~empty' }],
  ])(
    '%s: no flat and no templates, but the bias and the known objects; the rest of the ladder runs',
    async (_, more) => {
      const { found, missing, result } = await prepared(more)
      expect(found).toEqual({ bias: biasOf(0), flat: undefined, templates: [], objects: [KNOWN] })
      expect(missing).toEqual([`the filter "${more.filters}" belongs to no band: no flat, no templates`])
      expect(result).toMatchObject({ outcome: 'succeeded', pipeline: 'Isr', band: null })
    },
  )

  it.each([
    ['a position', { ra: null, dec: null }],
    ['a rotation', { rotation: null }],
  ])('%s: no templates and no known objects, but the calibrations; the rest of the ladder runs', async (_, more) => {
    const { found, missing, result } = await prepared(more)
    expect(found).toEqual({ bias: biasOf(0), flat: flatOf(RED, 0), templates: [], objects: [] })
    expect(missing).toEqual(['where the detector looks is not known: no templates, no known objects, no ephemerides'])
    expect(result).toMatchObject({ outcome: 'succeeded', pipeline: 'SingleFrame', band: 'r' })
  })
})
