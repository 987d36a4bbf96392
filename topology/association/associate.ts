import type { DiaForcedSource, DiaObject, DiaSource, PipelineResult } from '../../schemas/avro/generated.ts'
import { Rejection } from '../model/step.ts'
import { deservesForced, forcedRows } from './forced.ts'
import { match } from './match.ts'
import { objectFrom, vetoOf } from './objects.ts'
import { matchSolarSystem, type SolarMatch } from './solar.ts'
import { type Measured, withStatistics } from './statistics.ts'

/** Sources older than this before the visit, in days, are history that no longer counts: "12 months" of 30 days. */
export const WINDOW_DAYS = 360

/** More new objects than this in one image is a failure of the subtraction, not the sky. */
const MAX_NEW_OBJECTS = 1000

/** What the APDB holds around the image. */
export interface Sky {
  /** The open version of every object near; others do no harm. */
  readonly objects: readonly DiaObject[]
  /** Their sources in the window before this visit. */
  readonly history: readonly Measured[]
}

/** Rows to write, all stamped with the commit time. */
export interface Associated {
  /** In the order of their ids. */
  readonly sources: readonly DiaSource[]
  /** New versions of the objects that these sources belong to: their open versions, where there are any, are to be closed. */
  readonly objects: readonly DiaObject[]
  readonly forced: readonly DiaForcedSource[]
  /** Known bodies of the solar system that `sources` holds, in the order of their sources' ids. */
  readonly solar: readonly SolarMatch[]
  /** Known bodies that the image should show; undefined where there were no ephemerides. */
  readonly expectedBodies: number | undefined
  /** How many of `objects` are new. */
  readonly created: number
  /** Sources that are not stored, and why. */
  readonly dropped: readonly { readonly diaSourceId: bigint; readonly reason: string }[]
  /** Objects that deserved a forced measurement and have none. */
  readonly unmeasured: number
}

/**
 * Ties the detections of one image to what is known of the sky: known bodies of the solar system take their sources out of the pool first; then match, seed new objects with what stays alone and is no artefact, recompute
 * the statistics of every touched object over its window, and pick the forced photometry. The order of the inputs changes nothing.
 *
 * @param committedAtMjdTai later than the validity start of every object given (`commitTime`)
 * @throws Rejection `too-many-new-objects`
 */
export function associate(result: PipelineResult, sky: Sky, committedAtMjdTai: number): Associated {
  const { placed, unplaced } = byPlace(result.sources)
  const open = new Map(sky.objects.map(object => [object.diaObjectId, object]))
  const { matches: bodies, expected } = matchSolarSystem(result, placed)
  const pool = new Map([...placed].filter(([id]) => !bodies.has(id)))
  const matched = match(pool, open)

  const alone = [...pool.values()].filter(source => !matched.has(source.diaSourceId))
  const vetoed = alone.flatMap(source => {
    const reason = vetoOf(source)
    return reason === undefined ? [] : [{ diaSourceId: source.diaSourceId, reason }]
  })
  const seeds = alone.filter(source => vetoOf(source) === undefined)
  refuseFlood(seeds.length)

  const created = new Map(seeds.map(seed => [seed.diaSourceId, objectFrom(seed)]))
  const objectOfSource = new Map([...matched, ...seeds.map(seed => [seed.diaSourceId, seed.diaSourceId] as const)])
  const sources = [...pool.values()]
    .filter(source => objectOfSource.has(source.diaSourceId))
    .map(source => ({
      ...source,
      diaObjectId: objectOfSource.get(source.diaSourceId)!,
      timeProcessedMjdTai: committedAtMjdTai,
    }))
  const windows = byObject([...sky.history, ...sources])
  const objects = sources.map(({ diaObjectId }) => ({
    ...withStatistics(open.get(diaObjectId) ?? created.get(diaObjectId)!, windows.get(diaObjectId)!),
    validityStartMjdTai: committedAtMjdTai,
  }))

  const current = new Map([...open, ...objects.map(object => [object.diaObjectId, object] as const)])
  const deserving = new Map([...current].filter(([id]) => deservesForced(windows.get(id) ?? [])))
  const { rows, unmeasured } = forcedRows(result, deserving, objectOfSource, committedAtMjdTai)
  return {
    sources: [...sources, ...seenAs(bodies, placed, committedAtMjdTai)].sort(byId),
    ...{ objects, forced: rows, solar: [...bodies.values()].sort(byIdOfSource), expectedBodies: expected },
    ...{ created: created.size, dropped: [...unplaced, ...vetoed], unmeasured },
  }
}

/** The sources that are known bodies: of no object, now or ever. */
const seenAs = (
  bodies: ReadonlyMap<bigint, SolarMatch>,
  placed: ReadonlyMap<bigint, DiaSource>,
  committedAtMjdTai: number,
): DiaSource[] =>
  [...bodies].map(([id, { ssSource }]) => ({
    ...placed.get(id)!,
    ...{ ssObjectId: ssSource.ssObjectId, diaObjectId: null },
    timeProcessedMjdTai: committedAtMjdTai,
  }))

const byId = (a: { readonly diaSourceId: bigint }, b: { readonly diaSourceId: bigint }) =>
  a.diaSourceId < b.diaSourceId ? -1 : 1
const byIdOfSource = (a: SolarMatch, b: SolarMatch) => byId(a.ssSource, b.ssSource)

/**
 * The moment of a commit: now, but in any case later than the validity starts of the objects it may close, even if a clock was set back
 * in between. A millisecond is the smallest step that MJDs as doubles tell apart with room to spare.
 */
export const commitTime = (nowMjdTai: number, objects: readonly Pick<DiaObject, 'validityStartMjdTai'>[]): number =>
  objects.reduce((time, object) => Math.max(time, object.validityStartMjdTai + 1 / 86_400_000), nowMjdTai)

/** A source without a position can be matched to nothing; the others, by id in ascending order. */
function byPlace(sources: readonly DiaSource[]) {
  const sorted = [...sources].sort((a, b) => (a.diaSourceId < b.diaSourceId ? -1 : 1))
  const hasPlace = (source: DiaSource) => Number.isFinite(source.ra) && Number.isFinite(source.dec)
  return {
    placed: new Map(sorted.filter(hasPlace).map(source => [source.diaSourceId, source])),
    unplaced: sorted
      .filter(source => !hasPlace(source))
      .map(({ diaSourceId }) => ({ diaSourceId, reason: 'no-position' })),
  }
}

function byObject(sources: readonly Measured[]): ReadonlyMap<bigint, readonly Measured[]> {
  const groups = new Map<bigint, Measured[]>()
  for (const source of sources) {
    const group = groups.get(source.diaObjectId!)
    if (group === undefined) groups.set(source.diaObjectId!, [source])
    else group.push(source)
  }
  return groups
}

function refuseFlood(seeds: number): void {
  if (seeds > MAX_NEW_OBJECTS)
    throw new Rejection(
      'too-many-new-objects',
      `${seeds} detections match no object; more than ${MAX_NEW_OBJECTS} in one image mean that its subtraction failed`,
    )
}
