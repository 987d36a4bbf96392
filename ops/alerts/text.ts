import type { GivenOrder } from '../../sinks/orders/book.ts'
import { WINDOW_DAYS } from '../../topology/association/associate.ts'
import { table } from '../table.ts'
import { timeOf } from '../times.ts'
import type { AlertPlan, Left } from './plan.ts'

/** Units that a plan lists; of more it says how many. */
const LISTED = 20

/** A plan for people. */
export function describePlan({ id, kind, units, left }: AlertPlan): string {
  const alerts = units.reduce((sum, { sources }) => sum + sources.length, 0)
  const verb = kind === 'resend' ? 'Would send again' : 'Would retract'
  const rows = units
    .slice(0, LISTED)
    .map(it => [
      ...[it.unit, String(it.sources.length), kind === 'resend' ? sizeOf(it.bytes) : ''],
      [...(it.earlier > 0 ? [`${times(it.earlier)} before`] : []), ...(it.isProven ? [] : ['no digest'])].join(', '),
    ])
  return [
    units.length === 0
      ? 'There is nothing to order.'
      : `${verb} ${alerts} alerts of ${units.length} units${kind === 'resend' ? `, ${totalOf(units)}` : ''}`,
    ...(rows.length > 0 ? [table(['unit', 'alerts', kind === 'resend' ? 'bytes' : '', ''], rows)] : []),
    ...(units.length > LISTED ? [`… and ${units.length - LISTED} more units; --json has all, with the ids`] : []),
    ...leftOf(left, kind),
    ...(units.length > 0 ? [`plan ${id}`] : []),
  ].join('\n')
}

const times = (n: number): string => (n === 1 ? 'once' : `${n} times`)
const sizeOf = (bytes: number | null): string => (bytes === null ? 'not known' : String(bytes))

function totalOf(units: AlertPlan['units']): string {
  const known = units.flatMap(({ bytes }) => (bytes === null ? [] : [bytes]))
  const sum = known.reduce((total, bytes) => total + bytes, 0)
  return known.length < units.length ? `more than ${sum} bytes` : `${sum} bytes`
}

function leftOf({ retracted, untold, incomplete, unknown }: Left, kind: AlertPlan['kind']): string[] {
  const many = (n: number, one: string, more = `${one}s`) => `${n} ${n === 1 ? one : more}`
  return [
    ...(retracted.length > 0
      ? [
          `Left out: ${many(retracted.length, 'alert')} retracted already${kind === 'resend' ? ' (--with-retracted)' : ''}`,
        ]
      : []),
    ...(untold.length > 0 ? [`Left out: ${many(untold.length, 'unit')} not sent yet: ${some(untold)}`] : []),
    ...(incomplete.length > 0
      ? [
          `Left out: ${many(incomplete.length, 'unit')} whose sources are no longer all in the APDB: ${some(incomplete)}`,
        ]
      : []),
    ...(unknown.length > 0
      ? [`Not found: ${many(unknown.length, 'id')} of no source that a unit committed: ${some(unknown)}`]
      : []),
  ]
}

const some = (all: readonly (string | bigint)[]): string =>
  all.slice(0, 5).join(', ') + (all.length > 5 ? ` and ${all.length - 5} more` : '')

/** Why nothing can be planned while these months are detached, and what to do. */
export const describeAway = (months: readonly string[], kind: AlertPlan['kind']): string =>
  [
    `${months.join(', ')} ${months.length === 1 ? 'is' : 'are'} detached from the APDB, and ` +
      (kind === 'resend'
        ? `these alerts are packed from there: their sources, or the history of the ${WINDOW_DAYS} days before them`
        : 'sources that are meant lie there'),
    `Attach again: ${months.map(month => `pp apdb partitions add ${month} --apply`).join('; ')}`,
    ...(kind === 'resend'
      ? ['Or take the packets as they were sent from the archive of alerts (docs/alert-archive-and-resend.md)']
      : []),
  ].join('\n')

/** Where an order stands. */
export function describeOrder({ id, kind, by, reason, orderedAt, alerts, units, refusals }: GivenOrder): string {
  const states = Object.entries(units).filter(([, count]) => count > 0)
  return [
    `Order ${id} to ${kind} ${alerts} alerts, given ${timeOf(orderedAt)} by ${by}: ${reason}`,
    `units: ${states.map(([state, count]) => `${count} ${state}`).join(', ') || 'none'}`,
    ...refusals.map(refusal => `refused: ${refusal}`),
  ].join('\n')
}
