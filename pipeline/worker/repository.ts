import { angle, circleAround, vectorOf } from '../../topology/sphere.ts'
import type { ObjectStore, SkyPosition } from './ports.ts'

/**
 * Where things lie in the central repository. Calibrations carry their validity in the key, as TAI:
 * `LATISS/calib/bias/0/20260101T000000_20270101T000000.fits`; templates are found through an index per band.
 */
export type CalibrationType = 'bias' | 'flat'

export const calibrationPrefix = (
  type: CalibrationType,
  instrument: string,
  detector: number,
  filter: string,
): string =>
  type === 'flat' ? `${instrument}/calib/flat/${filter}/${detector}/` : `${instrument}/calib/bias/${detector}/`

export const templateIndexKey = (instrument: string, band: string): string =>
  `${instrument}/template/${band}/index.json`

const validity = /^(?<from>\d{8}T\d{6})_(?<to>\d{8}T\d{6})\.fits$/

/** `YYYYMMDDTHHMMSS` of a TAI unix time in seconds; such stamps compare as text. */
export const taiStamp = (taiSeconds: number): string =>
  new Date(taiSeconds * 1000).toISOString().replace(/[-:]/g, '').slice(0, 15)

/** The key of the calibration valid at `taiSeconds`; of several, the one whose validity began last. */
export async function findCalibration(
  store: Pick<ObjectStore, 'list'>,
  bucket: string,
  prefix: string,
  taiSeconds: number,
): Promise<string | undefined> {
  const wanted = taiStamp(taiSeconds)
  let best: { key: string; from: string } | undefined
  for await (const { key } of store.list(bucket, prefix)) {
    const range = validity.exec(key.slice(prefix.length))?.groups
    if (!range || wanted < range['from']! || wanted >= range['to']!) continue
    if (!best || range['from']! > best.from) best = { key, from: range['from']! }
  }
  return best?.key
}

interface TemplateIndex {
  readonly templates: readonly { readonly key: string; readonly corners: readonly (readonly [number, number])[] }[]
}

/** Keys of the templates that overlap the polygon, in the order of the index. Throws where the index is not one. */
export function overlappingTemplates(
  indexBytes: Uint8Array,
  indexKey: string,
  polygon: readonly SkyPosition[],
): string[] {
  const index = JSON.parse(Buffer.from(indexBytes).toString('utf8')) as Partial<TemplateIndex>
  if (!index.templates) throw new Error(`${indexKey}: a template index is {"templates": [...]}`)
  const overlaps = index.templates.filter(({ corners }) =>
    circlesMeet(
      polygon,
      corners.map(([ra, dec]) => ({ ra, dec })),
    ),
  )
  return overlaps.map(({ key }) => key)
}

/**
 * Whether the circles around the two polygons meet: right at the poles and at RA 0, and a superset of true overlap, which
 * costs at most a template read for nothing.
 */
function circlesMeet(a: readonly SkyPosition[], b: readonly SkyPosition[]): boolean {
  const [p, q] = [a, b].map(polygon =>
    circleAround(
      polygon.map(({ ra, dec }) => vectorOf(ra, dec)),
      0,
    ),
  )
  return angle(p!.center, q!.center) <= p!.radius + q!.radius
}
