import type { DetectorResult, Product } from '../schemas/avro/generated.ts'
import { dayObsDashed, outputChain, outputRun, parseExposureId, unitKey } from './identifiers.ts'
import { instruments } from './instruments.ts'
import { Rejection } from './model/step.ts'
import type { Instant } from './model/time.ts'

/** What the central repository's registry is to know of a committed unit: its run, what its data are about, its files. */

/** What a data id of a dataset type consists of. */
type Dimension = 'instrument' | 'detector' | 'visit' | 'exposure'

/** Every dataset type that may be registered, and that a pipeline may store: the compiler holds it to that. */
export const DATASET_TYPES = {
  post_isr_image: ['instrument', 'exposure', 'detector'],
  preliminary_visit_image: ['instrument', 'visit', 'detector'],
  single_visit_star: ['instrument', 'visit', 'detector'],
  difference_image: ['instrument', 'visit', 'detector'],
  difference_kernel: ['instrument', 'visit', 'detector'],
} as const satisfies Readonly<Record<string, readonly Dimension[]>>
export type DatasetType = keyof typeof DATASET_TYPES

export interface Run {
  readonly name: string
  /** The chain of its night. */
  readonly chain: string
  /** When this unit was committed to it; the earliest one decides the run's place in the chain. */
  readonly since: Instant
}

/** A fact about an observation, shared by many datasets: which exposure belongs to which group, and the like. */
export interface DimensionRecord {
  readonly element: 'instrument' | 'detector' | 'day_obs' | 'group' | 'exposure' | 'visit' | 'visit_definition'
  readonly instrument: string
  readonly id: string
  readonly record: Readonly<Record<string, string | number>>
}

export interface Dataset {
  /** `dataset_type=…,run=…,detector=…,instrument=…,visit=…`: what its UUID is made of, so that two writers agree on it. */
  readonly identity: string
  readonly dataId: Readonly<Record<string, string | number>>
  readonly product: Product
}

export interface Registration {
  readonly unit: string
  readonly group: string
  readonly attempt: number
  readonly visit: bigint
  readonly run: Run
  readonly dimensions: readonly DimensionRecord[]
  readonly datasets: readonly Dataset[]
}

/**
 * What to register of how a unit ended; undefined where there is nothing: only a committed attempt's products are. What a failed
 * attempt left lies under its own prefix, unregistered: a later attempt may yet make the same datasets, and nobody who searches
 * the repository could tell a part from the whole.
 *
 * The run is read off the products' keys, which name the deployment that made them, and held against the name that visit and pipeline
 * give. So a repo-sync of a later deployment renames nothing; and the day is that of the visit's first exposure, which the night's turn
 * at noon does not change: an exposure of 11:59 processed at 12:01 UTC keeps its day.
 *
 * @throws Rejection for products that cannot be registered: of an unknown type, or that lie elsewhere than their run says
 */
export function registrationOf(result: DetectorResult, at: Instant): Registration | undefined {
  const { instrument, group, detector, attempt, state, visit, products } = result
  if (state !== 'published' || products.length === 0) return undefined
  const unit = unitKey(instrument, group, detector)
  if (visit === null || result.pipeline === null)
    throw new Rejection(
      'unnamed-products',
      `${unit} has products and names no ${visit === null ? 'visit' : 'pipeline'}`,
    )
  const run = runOf(unit, result)
  const dataIds = { instrument, detector, visit: String(visit), exposure: String(visit) }
  return {
    ...{ unit, group, attempt, visit },
    run: { ...run, since: result.terminalAt ?? at },
    dimensions: dimensionsOf(result, visit),
    datasets: products.map(product => datasetOf(run.name, product, dataIds)),
  }
}

/** `{instrument}/prompt/output-{day}/{pipeline}/` + deployment + `/{group}/{detector}/a{attempt}-e{epoch}/{file}`. */
function runOf(unit: string, result: DetectorResult) {
  const { instrument, group, detector, attempt, visit, exposures, pipeline, products } = result
  const undated = [visit!, ...exposures].find(id => dayObsOfVisit(id) === undefined)
  if (undated !== undefined)
    throw new Rejection('bad-visit', `${unit} is of exposure ${undated}, whose id begins with no date`)
  const { dayObs: day } = parseExposureId(visit!)
  const chain = outputChain(instrument, day)
  const deployments = products.map(({ key }) => {
    const [deployment, ...rest] = key.startsWith(`${chain}/${pipeline}/`)
      ? key.slice(`${chain}/${pipeline}/`.length).split('/')
      : []
    const ofUnit = rest.join('/').startsWith(`${group}/${detector}/a${attempt}-e`)
    if (deployment && ofUnit) return deployment
    const expected = `${chain}/${pipeline}/<deployment>/${group}/${detector}/a${attempt}-e<epoch>/`
    throw new Rejection('foreign-run', `a product of ${unit} lies at ${key}, not under ${expected}`)
  })
  const [deployment, ...others] = new Set(deployments)
  if (others.length > 0)
    throw new Rejection(
      'two-runs',
      `${unit} has products of several deployments: ${[deployment, ...others].join(', ')}`,
    )
  return { name: outputRun(instrument, day, pipeline!, deployment!), chain }
}

function datasetOf(run: string, product: Product, all: Readonly<Record<Dimension, string | number>>): Dataset {
  const { datasetType } = product
  if (!isRegistered(datasetType))
    throw new Rejection(
      'unregistered-dataset-type',
      `${datasetType} is not a registered dataset type (${product.key}); registered are ${Object.keys(DATASET_TYPES).join(', ')}`,
    )
  const dataId = Object.fromEntries(DATASET_TYPES[datasetType].map(name => [name, all[name]]))
  return { identity: identityOf(datasetType, run, dataId), dataId, product }
}

const isRegistered = (name: string): name is DatasetType => Object.hasOwn(DATASET_TYPES, name)

/** As Butler composes the name of a dataset that is known by type, run and data id (dimensions by name): equal data, equal id. */
export const identityOf = (datasetType: string, run: string, dataId: Dataset['dataId']): string =>
  [
    ...[`dataset_type=${datasetType}`, `run=${run}`],
    ...Object.entries(dataId)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}=${value}`),
  ].join(',')

/** In the order in which they depend on each other. A visit is named by its first exposure; the others are its members too. */
function dimensionsOf({ instrument, group, detector, exposures }: DetectorResult, visit: bigint): DimensionRecord[] {
  const record = (
    element: DimensionRecord['element'],
    id: string | number | bigint,
    more: DimensionRecord['record'] = {},
  ): DimensionRecord => ({ element, instrument, id: String(id), record: more })
  const numbered = (exposure: bigint) => {
    const { dayObs, sequence } = parseExposureId(exposure)
    return { day_obs: dayObs, seq_num: sequence, group }
  }
  const known = instruments.get(instrument)?.detectors.find(({ id }) => id === detector)
  const { day_obs } = numbered(visit)
  const members = [...new Set([visit, ...exposures])]
  return [
    record('instrument', instrument),
    record('detector', detector, { full_name: known?.name ?? String(detector) }),
    record('day_obs', day_obs, { date: dayObsDashed(day_obs) }),
    record('group', group),
    ...members.map(exposure => record('exposure', exposure, numbered(exposure))),
    record('visit', visit, numbered(visit)),
    ...members.map(exposure =>
      record('visit_definition', `${visit}/${exposure}`, { visit: `${visit}`, exposure: `${exposure}` }),
    ),
  ]
}

/** The day that a visit's id begins with; undefined where it begins with none. */
export function dayObsOfVisit(visit: bigint): number | undefined {
  try {
    return parseExposureId(visit).dayObs
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
