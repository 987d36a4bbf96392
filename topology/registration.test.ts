import { describe, expect, it } from 'vitest'
import type { DetectorResult } from '../schemas/avro/generated.ts'
import { attemptPrefix } from '../pipeline/worker/products.ts'
import { dayObsOf, exposureId, outputRun } from './identifiers.ts'
import { Rejection } from './model/step.ts'
import { DATASET_TYPES, identityOf, registrationOf } from './registration.ts'
import { announcementAt, NIGHT } from './testing/announcements.ts'
import { DEPLOYMENT, ended, productOf } from './testing/results.ts'

const RUN = `LATISS/prompt/output-2026-02-24/ApPipe/${DEPLOYMENT}`
const refusal = (result: DetectorResult): Rejection => {
  try {
    registrationOf(result, NIGHT)
  } catch (error) {
    if (error instanceof Rejection) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('a committed unit', () => {
  it('is registered in the run that its keys lie in, in the chain of its night, since its commit', () => {
    const { run } = registrationOf(ended(), NIGHT)!
    expect(run).toEqual({ name: RUN, chain: 'LATISS/prompt/output-2026-02-24', since: NIGHT + 66_000 })
  })
  it('has a dataset for each product and no other, identified by type, run and data id', () => {
    const { datasets } = registrationOf(ended(), NIGHT)!
    expect(datasets.map(({ identity }) => identity)).toEqual([
      `dataset_type=difference_image,run=${RUN},detector=0,instrument=LATISS,visit=2026022400042`,
      `dataset_type=difference_kernel,run=${RUN},detector=0,instrument=LATISS,visit=2026022400042`,
    ])
    expect(datasets.map(({ product }) => product)).toEqual(ended().products)
  })
  it('says what its data are about: as many facts as there are, in order of dependence', () => {
    const two = ended({ exposures: [2026022400042n, 2026022400043n] })
    const { dimensions } = registrationOf(two, NIGHT)!
    expect(dimensions.map(({ element, id }) => `${element} ${id}`)).toEqual([
      ...['instrument LATISS', 'detector 0', 'day_obs 20260224', `group ${two.group}`],
      ...['exposure 2026022400042', 'exposure 2026022400043', 'visit 2026022400042'],
      ...['visit_definition 2026022400042/2026022400042', 'visit_definition 2026022400042/2026022400043'],
    ])
    expect(dimensions.find(({ element }) => element === 'exposure')!.record).toEqual({
      ...{ day_obs: 20260224, seq_num: 42, group: two.group },
    })
  })
  it('lies where the worker stores it: the name is read as it is written, with a slash in the group too', () => {
    const lease = { announcement: announcementAt(NIGHT, { group: 'a/b' }), detector: 0, attempt: 7, epoch: 12 }
    const key = `${attemptPrefix(lease as never, 2026022400042n, 'ApPipe', 'a.deployment')}difference_image.fits`
    const products = [{ datasetType: 'difference_image', bucket: 'central', key, size: 1n, sha256: 'd' }]
    const { run } = registrationOf(ended({ group: 'a/b', attempt: 7, products }), NIGHT)!
    expect(run.name).toBe(outputRun('LATISS', 20260224, 'ApPipe', 'a.deployment'))
  })
  it('keeps the day of its exposure when the night turns while it is processed', () => {
    // 11:59:00 and 12:00:00 UTC on 2026-02-25, with the boundary at 11:59:23 (12 h TAI).
    const [before, after] = [Date.UTC(2026, 1, 25, 11, 59), Date.UTC(2026, 1, 25, 12)]
    expect([dayObsOf(before), dayObsOf(after)]).toEqual([20260224, 20260225])
    const visit = exposureId(dayObsOf(before), 999)
    const late = [0, 1].map(detector =>
      registrationOf(ended({ visit, detector, terminalAt: detector === 0 ? before : after }), after),
    )
    expect(late.map(it => it!.run.name)).toEqual([RUN, RUN])
    expect(late.map(it => it!.dimensions.find(({ element }) => element === 'day_obs')!.id)).toEqual([
      '20260224',
      '20260224',
    ])
  })
})

it('nothing is registered of a unit that ended otherwise, whatever files it left, or without products', () => {
  const { products } = ended()
  for (const state of ['missed', 'cancelled', 'ignored', 'failed', 'expired', 'deferred'] as const)
    expect(registrationOf(ended({ state, products }), NIGHT)).toBeUndefined()
  expect(registrationOf(ended({ products: [] }), NIGHT)).toBeUndefined()
})

describe('products that cannot be registered are refused, with a sentence', () => {
  const odd = (key: string) => ended({ products: [productOf(ended(), 'difference_image', { key })] })
  it.each<[what: string, result: DetectorResult, code: string, sentence: RegExp]>([
    [
      'an unknown type',
      ended({ products: [productOf(ended(), 'calexp')] }),
      'unregistered-dataset-type',
      /^calexp is not a registered dataset type .*; registered are .*difference_image/,
    ],
    [
      'a name from everybody’s heritage',
      ended({ products: [productOf(ended(), 'toString')] }),
      'unregistered-dataset-type',
      /toString/,
    ],
    [
      'another night',
      odd(`LATISS/prompt/output-2026-02-25/ApPipe/d/${ended().group}/0/a0-e1/x.fits`),
      'foreign-run',
      /lies at LATISS\/prompt\/output-2026-02-25.*, not under LATISS\/prompt\/output-2026-02-24\/ApPipe\/<deployment>/,
    ],
    [
      'another pipeline',
      odd(`LATISS/prompt/output-2026-02-24/Isr/d/${ended().group}/0/a0-e1/x.fits`),
      'foreign-run',
      /Isr/,
    ],
    ['another group', odd(`${RUN}/another/0/a0-e1/x.fits`), 'foreign-run', /another/],
    ['another detector', odd(`${RUN}/${ended().group}/1/a0-e1/x.fits`), 'foreign-run', /\/1\/a0/],
    ['another attempt', odd(`${RUN}/${ended().group}/0/a5-e1/x.fits`), 'foreign-run', /a5/],
    [
      'no deployment',
      odd(`LATISS/prompt/output-2026-02-24/ApPipe//${ended().group}/0/a0-e1/x.fits`),
      'foreign-run',
      /./,
    ],
    [
      'two deployments',
      ended({
        products: ['one', 'two'].map(it =>
          productOf(ended(), 'difference_image', {
            key: `LATISS/prompt/output-2026-02-24/ApPipe/${it}/${ended().group}/0/a0-e1/x.fits`,
          }),
        ),
      }),
      'two-runs',
      /one, two$/,
    ],
    ['a visit that is no date', ended({ visit: 404n, products: ended().products }), 'bad-visit', /exposure 404/],
    ['no visit', ended({ visit: null, products: ended().products }), 'unnamed-products', /names no visit/],
    ['no pipeline', ended({ pipeline: null, products: ended().products }), 'unnamed-products', /names no pipeline/],
  ])('%s', (_, result, code, sentence) => {
    expect(refusal(result)).toMatchObject({ code, message: expect.stringMatching(sentence) as string })
  })
})

it('an identity does not depend on how a data id is written down', () => {
  expect(identityOf('t', 'r', { visit: '1', detector: 2, instrument: 'I' })).toBe(
    identityOf('t', 'r', { instrument: 'I', detector: 2, visit: '1' }),
  )
})

it('every dataset type is about an instrument, a detector, and a visit or an exposure', () => {
  for (const [type, dimensions] of Object.entries(DATASET_TYPES)) {
    const [detector, instrument, observation] = [...dimensions].sort((a, b) => (a === 'exposure' ? 1 : a < b ? -1 : 1))
    expect([detector, instrument], type).toEqual(['detector', 'instrument'])
    expect(['visit', 'exposure'], type).toContain(observation)
  }
})
