import type { DiaForcedSource, DiaObject, DiaSource, PipelineResult } from '../../schemas/avro/generated.ts'
import { Rejection } from '../model/step.ts'
import { type Dropped, filterCatalog, marginOf } from './filters.ts'
import { deservesForced, forcedRows } from './forced.ts'
import { type ImageBox, imageBox } from './image-box.ts'
import { match } from './match.ts'
import { objectFrom } from './objects.ts'
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
  /** New versions of objects that these sources belong to: their open versions, where there are any, are to be closed. */
  readonly objects: readonly DiaObject[]
  readonly forced: readonly DiaForcedSource[]
  /** Known bodies of the solar system that `sources` holds, in the order of their sources' ids. */
  readonly solar: readonly SolarMatch[]
  /** Known bodies that the image should show; undefined where there were no ephemerides. */
  readonly expectedBodies: number | undefined
  /** How many of `objects` are new. */
  readonly created: number
  /** Sources that are not stored, and why. */
  readonly dropped: readonly Dropped[]
  /** Objects that deserved a forced measurement and have none. */
  readonly unmeasured: number
}

/**
 * Ties the detections of one image to the objects of the sky: filter, let known bodies of the solar system take theirs, match, seed new objects with what stays alone and is no artefact, recompute
 * the statistics of every touched object over its window, and pick the forced photometry. The order of the inputs changes nothing.
 *
 * @param committedAtMjdTai later than the validity start of every object given (`commitTime`)
 * @throws Rejection `too-many-new-objects`
 */
export function associate(result: PipelineResult, sky: Sky, committedAtMjdTai: number): Associated {
  const box = imageBox(result)
  const { kept, dropped } = filterCatalog(result, box)
  const { matches: bodies, expected: expectedBodies } = matchSolarSystem(result, kept, box)
  const open = onImage(sky.objects, box)
  const free = [...kept.values()].filter(({ diaSourceId: id }) => !bodies.has(id))
  const { objectOfSource, seeds, marginal } = findObjects(free, open.near)

  const sources = [...kept.values()]
    .filter(({ diaSourceId: id }) => objectOfSource.has(id) || bodies.has(id))
    .map(source => ({
      ...source,
      diaObjectId: objectOfSource.get(source.diaSourceId) ?? null,
      ssObjectId: bodies.get(source.diaSourceId)?.ssSource.ssObjectId ?? null,
      timeProcessedMjdTai: committedAtMjdTai,
    }))
  const current = new Map([...open.own, ...seeds.map(seed => [seed.diaSourceId, objectFrom(seed)] as const)])
  const windows = byObject([...sky.history, ...sources])
  const touched = sources.flatMap(({ diaObjectId }) => current.get(diaObjectId!) ?? [])
  const objects = touched.map(object => ({
    ...withStatistics(object, windows.get(object.diaObjectId)!),
    validityStartMjdTai: committedAtMjdTai,
  }))

  const deserving = new Set([...current.keys()].filter(id => deservesForced(windows.get(id) ?? [])))
  const { rows, unmeasured } = forcedRows(result, deserving, objectOfSource, committedAtMjdTai)
  const solar = sources.flatMap(({ diaSourceId: id }) => bodies.get(id) ?? [])
  return {
    ...{ sources, objects, forced: rows, solar, expectedBodies },
    ...{ created: seeds.length, dropped: [...dropped, ...marginal], unmeasured },
  }
}

/** Objects this far off the image, in pixels, take part: a source at its edge may be theirs. */
const MARGIN = 10
/** Objects not as far inside as this stay as they are, even if a source of the image belongs to them: they are another image's to measure. */
const RIM = 1

/** The open objects that take part in matching, and of these the ones that the image may update and measure. */
function onImage(objects: readonly DiaObject[], { holds }: ImageBox) {
  const near = objects.filter(object => holds(object, MARGIN)).map(object => [object.diaObjectId, object] as const)
  return { near: new Map(near), own: near.filter(([, object]) => holds(object, -RIM)) }
}

/** What becomes of each source that may enter: one of an object, the seed of its own, or nothing. */
function findObjects(free: readonly DiaSource[], objects: ReadonlyMap<bigint, DiaObject>) {
  const matched = match(new Map(free.map(source => [source.diaSourceId, source])), objects)
  const alone = free.filter(source => !matched.has(source.diaSourceId))
  const marginal = alone.flatMap(source => {
    const reason = marginOf(source)
    return reason === undefined ? [] : [{ diaSourceId: source.diaSourceId, reason }]
  })
  const seeds = alone.filter(source => marginOf(source) === undefined)
  refuseFlood(seeds.length)
  return {
    objectOfSource: new Map([...matched, ...seeds.map(seed => [seed.diaSourceId, seed.diaSourceId] as const)]),
    seeds,
    marginal,
  }
}

/**
 * The moment of a commit: now, but in any case later than the validity starts of the objects it may close, even if a clock was set back
 * in between. A millisecond is the smallest step that MJDs as doubles tell apart with room to spare.
 */
export const commitTime = (nowMjdTai: number, objects: readonly Pick<DiaObject, 'validityStartMjdTai'>[]): number =>
  objects.reduce((time, object) => Math.max(time, object.validityStartMjdTai + 1 / 86_400_000), nowMjdTai)

function byObject(sources: readonly Measured[]): ReadonlyMap<bigint, readonly Measured[]> {
  const groups = new Map<bigint, Measured[]>()
  for (const source of sources) {
    if (source.diaObjectId === null) continue
    const group = groups.get(source.diaObjectId)
    if (group === undefined) groups.set(source.diaObjectId, [source])
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
