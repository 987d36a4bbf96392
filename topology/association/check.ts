import type { PipelineResult } from '../../schemas/avro/generated.ts'
import { dayObsOf, parseDiaSourceId, parseExposureId, unitKey } from '../identifiers.ts'
import { Rejection } from '../model/step.ts'
import { instantOfMjdTai } from '../model/time.ts'
import { ARCSEC, type Circle, circleAround, vectorOf } from '../sphere.ts'
import { bands } from './statistics.ts'

/** Matching reaches 1″ beyond a source; the rest is for objects whose mean position moves while neighbours are written. */
const PADDING_ARCSEC = 20

/** No detector of any camera sees more: two degrees. Beyond, the astrometry of the image is wrong. */
const MAX_RADIUS = 3600 * ARCSEC

/**
 * A visit bears the day of its observation, and no exposure lasts a day. So generous because a month is the least that a query leaves out.
 */
export const VISIT_SLACK_DAYS = 31

/**
 * The part of the sky that an image touches, padded; undefined where nothing says where the image was and it has no detections either.
 * @throws Rejection `impossible-region` when corners and detections lie too far apart to be one image
 */
export function regionOf(result: PipelineResult): Circle | undefined {
  const places = [...result.boundary, ...result.sources].filter(
    ({ ra, dec }) => Number.isFinite(ra) && Number.isFinite(dec),
  )
  if (places.length === 0) return undefined
  const region = circleAround(
    places.map(({ ra, dec }) => vectorOf(ra, dec)),
    PADDING_ARCSEC * ARCSEC,
  )
  if (region.radius < MAX_RADIUS) return region
  const degrees = ((region.radius * 180) / Math.PI).toFixed(2)
  throw new Rejection(
    'impossible-region',
    `the corners and detections of the image span a circle of ${degrees}° radius; at most 1° is one detector`,
  )
}

/**
 * Refuses a report that contradicts itself, before anything is written.
 * @param key of the record
 * @throws Rejection naming what is wrong
 */
export function checkResult(key: string, result: PipelineResult): void {
  const unit = unitKey(result.instrument, result.group, result.detector)
  if (key !== unit) throw new Rejection('foreign-unit', `the record's key is "${key}", but it reports on "${unit}"`)
  if (result.outcome === 'failed') return
  const { visit, midpointMjdTai, band } = result
  if (visit === null) refuse(unit, 'visit', 'null', 'the id of its first exposure')
  if (midpointMjdTai === null || !Number.isFinite(midpointMjdTai))
    refuse(unit, 'midpointMjdTai', String(midpointMjdTai), 'a finite MJD')
  checkDay(unit, visit, midpointMjdTai)
  checkBand(unit, band)
  checkSources(unit, visit, result)
  checkCutouts(unit, result)
}

/** The APDB keeps rows by the visit's day and looks for them by time: what was exposed long after its visit would not be found. */
function checkDay(unit: string, visit: bigint, midpointMjdTai: number): void {
  if (dayOf(unit, visit) < dayObsOf(instantOfMjdTai(midpointMjdTai - VISIT_SLACK_DAYS)))
    refuse(unit, 'midpointMjdTai', `${midpointMjdTai} of visit ${visit}`, `${VISIT_SLACK_DAYS} days after it at most`)
}

function dayOf(unit: string, visit: bigint): number {
  try {
    return parseExposureId(visit).dayObs
  } catch (error) {
    return refuse(unit, 'visit', (error as Error).message, 'YYYYMMDD and five digits')
  }
}

function checkSources(unit: string, visit: bigint, { sources, detector }: PipelineResult): void {
  const seen = new Set<bigint>()
  for (const source of sources) {
    const id = source.diaSourceId
    if (seen.has(id)) refuse(unit, 'sources', `${id} twice`, 'every id once')
    seen.add(id)
    if (source.visit !== visit || source.detector !== detector)
      refuse(unit, `source ${id}`, `of visit ${source.visit}, detector ${source.detector}`, `${visit} and ${detector}`)
    checkBand(unit, source.band)
    const packed = unpack(unit, id)
    if (packed.visit !== visit || packed.detector !== detector)
      refuse(unit, `source ${id}`, `packed from ${packed.visit} and ${packed.detector}`, `${visit} and ${detector}`)
  }
}

function unpack(unit: string, id: bigint) {
  try {
    return parseDiaSourceId(id)
  } catch (error) {
    return refuse(unit, `source ${id}`, (error as Error).message, 'an id packed from visit and detector')
  }
}

/** A stored source without stamps could never be alerted. */
function checkCutouts(unit: string, { sources, cutouts, cutoutBucket, cutoutKey }: PipelineResult): void {
  if (sources.length === 0) return
  if (cutoutBucket === null || cutoutKey === null)
    refuse(unit, 'cutoutKey', 'null', 'the object that holds the stamps of its sources')
  const stamped = new Set(cutouts.map(cutout => cutout.diaSourceId))
  const bare = sources.find(source => !stamped.has(source.diaSourceId))
  if (bare !== undefined) refuse(unit, 'cutouts', `none of source ${bare.diaSourceId}`, 'one entry per source')
  const empty = cutouts.find(({ difference, science, template }) =>
    [difference, science, template].some(({ length }) => length <= 0),
  )
  if (empty !== undefined) refuse(unit, `cutouts of source ${empty.diaSourceId}`, 'without bytes', 'three stamps')
}

function checkBand(unit: string, band: string | null): void {
  if (band !== null && !bands.some(known => known === band)) refuse(unit, 'band', band, `${bands.join(', ')} or null`)
}

function refuse(unit: string, what: string, found: string, allowed: string): never {
  throw new Rejection('malformed-result', `${unit}: ${what} is ${found}; allowed: ${allowed}`)
}
