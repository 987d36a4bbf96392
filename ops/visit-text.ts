import type { UnitState } from '../sinks/ledger/summary.ts'
import type { UnitRecord } from '../sinks/ledger/visit.ts'
import { instruments } from '../topology/instruments.ts'
import { countsOf } from './ledger.ts'
import { table } from './table.ts'

/** More detectors than this are drawn as the focal plane, and only those that need a look get a line. */
const MOST_LINES = 16

const letters: Readonly<Record<UnitState, string>> = {
  announced: 'a',
  ready: 'r',
  leased: 'l',
  reported: 'p',
  committed: 'c',
  published: 'P',
  missed: 'M',
  cancelled: 'X',
  ignored: 'I',
  failed: 'F',
  expired: 'E',
  deferred: 'D',
}

/** A visit for a person: head, how its units stand, the focal plane where it is large, a line per unit, where the products are. */
export function visitText(units: readonly UnitRecord[]): string {
  const isLarge = units.length > MOST_LINES
  const shown = isLarge ? units.filter(needsALook) : units
  const parts = [headText(units), `units       ${units.length}: ${countsOf(units)}`]
  if (isLarge) parts.push('', focalPlane(units))
  if (shown.length > 0) parts.push('', linesOf(shown))
  if (isLarge && shown.length < units.length)
    parts.push('', `${units.length - shown.length} units were published with nothing to say; --json lists them all`)
  if (!isLarge) parts.push(...productLines(units))
  return parts.join('\n')
}

const needsALook = (unit: UnitRecord) => unit.state !== 'published' || unit.detail !== null || unit.attempt > 0

function headText(units: readonly UnitRecord[]): string {
  const { announcement: a, instrument, deadline, pipelines } = units[0]!
  const exposures = [...new Set(units.flatMap(unit => unit.exposures))].sort((x, y) => (x < y ? -1 : 1))
  const announced = units.find(unit => unit.announcedAt !== null)?.announcedAt ?? null
  const pipelineLists = [...new Set(units.map(unit => unit.pipelines.join(', ')))]
  const degrees = (value: number | null) => (value === null ? 'none' : `${value.toFixed(4)}°`)
  return [
    `visit       ${instrument}/${a.group}`,
    `announced   ${at(announced)}, published ${at(a.publishedAt)}`,
    `window      until ${at(deadline)}: 2 × ${a.duration} s and the image time-out`,
    `survey      ${a.survey || '(empty)'}, filter ${a.filters || '(any)'}, ${a.nimages || 'an unknown number of'} image${a.nimages === 1 ? '' : 's'}`,
    `pointing    RA ${degrees(a.ra)}, Dec ${degrees(a.dec)}, rotation ${degrees(a.rotation)}`,
    `exposures   ${exposures.join(', ') || 'none yet'}`,
    `pipelines   ${pipelineLists.length > 1 ? 'they differ: see --json' : pipelines.join(', ') || 'none: nothing is wanted of this visit'}`,
  ].join('\n')
}

/** The detectors where they sit, seen as the camera's +Y up: one letter each, a dot where the ledger has no unit. */
function focalPlane(units: readonly UnitRecord[]): string {
  const stateOf = new Map(units.map(unit => [unit.detector, unit.state]))
  const placed = (instruments.get(units[0]!.instrument)?.detectors ?? []).filter(it => it.kind === 'science')
  const used = [...new Set(units.map(({ state }) => state))].map(state => `${letters[state]} ${state}`)
  const legend = `${used.join(', ')}; . no unit: off, or not announced`
  if (placed.some(({ centre }) => centre === null))
    return `${placed.map(({ id }) => letterOf(stateOf.get(id))).join('')}\n${legend}`
  const rows = [...new Set(placed.map(({ centre }) => centre!.y))].sort((a, b) => b - a)
  const columns = [...new Set(placed.map(({ centre }) => centre!.x))].sort((a, b) => a - b)
  const drawn = rows.map(y =>
    columns
      .map(x => {
        const detector = placed.find(({ centre }) => centre!.x === x && centre!.y === y)
        return detector ? letterOf(stateOf.get(detector.id)) : ' '
      })
      // Rafts are three by three.
      .map((letter, i) => (i > 0 && i % 3 === 0 ? ` ${letter}` : letter))
      .join(''),
  )
  return [...drawn.flatMap((row, i) => (i > 0 && i % 3 === 0 ? ['', row] : [row])), '', legend].join('\n')
}

const letterOf = (state: UnitState | undefined) => (state === undefined ? '.' : letters[state])

/** Times after the last raw, so that a slow step can be seen: `+0.4` is 0.4 s after it. */
const linesOf = (units: readonly UnitRecord[]): string =>
  table(
    ['detector', 'state', 'inputs', 'last raw (UTC)', 'ready', 'leased', 'reported', 'ended', 'told', 'detail'],
    units.map(unit => {
      const after = (time: number | null) =>
        time === null || unit.lastRawAt === null ? '' : `+${((time - unit.lastRawAt) / 1000).toFixed(1)}`
      const { readyAt, leasedAt, reportedAt, terminalAt, publishedAt } = unit
      return [
        String(unit.detector),
        unit.state,
        (unit.completeness ?? '') + (unit.withdrawn ? ' withdrawn' : ''),
        unit.lastRawAt === null ? '' : at(unit.lastRawAt).slice(11, 21),
        ...[readyAt, leasedAt, reportedAt, terminalAt, publishedAt].map(after),
        sayings(unit).join('; '),
      ]
    }),
  )

function sayings(unit: UnitRecord): string[] {
  const { state, tries, worker, attempt, protectedFrom, endings } = unit
  const hasEndedWell = state === 'published' || state === 'committed'
  const earlier = endings.filter(ending => ending.attempt !== attempt).map(ending => ending.terminal)
  return [
    hasEndedWell && `${unit.pipeline}: ${unit.diaSources} sources, ${unit.diaObjects} new objects`,
    state === 'leased' && `by ${worker}, lease ${unit.epoch}`,
    unit.reason ? `${unit.reason}: ${unit.detail ?? ''}` : unit.detail,
    tries > 1 && `try ${tries}`,
    attempt > 0 && `replay of ${at(attempt)}${earlier.length > 0 ? `, before: ${earlier.join(', ')}` : ''}`,
    protectedFrom !== null && `not redone by the replay of ${at(protectedFrom)}: it is committed`,
  ].filter(text => typeof text === 'string')
}

function productLines(units: readonly UnitRecord[]): string[] {
  const lines = units
    .filter(({ products }) => products.length > 0)
    .map(({ detector, products }) => {
      const { bucket, key } = products[0]!
      const folder = key.slice(0, key.lastIndexOf('/') + 1)
      return [String(detector), `s3://${bucket}/${folder}`, products.map(it => it.key.slice(folder.length)).join(', ')]
    })
  return lines.length > 0 ? ['', table(['detector', 'products in', ''], lines)] : []
}

/** 2026-11-22 03:00:00.0 UTC */
const at = (instant: number | null): string =>
  instant === null ? 'at an unknown time' : `${new Date(instant).toISOString().replace('T', ' ').slice(0, 21)} UTC`
