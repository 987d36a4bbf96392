import { createHash } from 'node:crypto'
import type { Candidate, OrderKind } from '../../sinks/orders/candidates.ts'

/** What an order about alerts would come to. */
export interface AlertPlan {
  /** Follows from the rest, and from what was ordered of these units before: the same plan has the same id. */
  readonly id: string
  readonly kind: OrderKind
  readonly units: readonly PlannedUnit[]
  /** What was meant and is not in it, by reason. */
  readonly left: Left
}
export interface PlannedUnit {
  readonly unit: string
  readonly attempt: bigint
  readonly sources: readonly bigint[]
  /** Of these alerts: as they were sent where it is the whole unit, else its share by their number; null where that was not kept. */
  readonly bytes: number | null
  /** Whether it is known by digest what was sent first. */
  readonly isProven: boolean
  /** How often the unit has had an order of this kind. */
  readonly earlier: number
}
export interface Left {
  /** Sources that are withdrawn: not resent unless it is said, and not to be withdrawn twice. */
  readonly retracted: readonly bigint[]
  /** Units whose alerts are not out yet. */
  readonly untold: readonly string[]
  /** Units of which the APDB no longer has all sources. */
  readonly incomplete: readonly string[]
  /** Ids of no source that a unit committed. */
  readonly unknown: readonly bigint[]
}

export interface Meant {
  readonly kind: OrderKind
  /** Where single alerts are meant. */
  readonly ids?: readonly bigint[] | undefined
  /** Resends what is retracted as well. */
  readonly withRetracted?: boolean | undefined
}

/** Plans an order for what was found. Pure: the plan is looked at, and worked out again before it is ordered. */
export function planOf(candidates: readonly Candidate[], { kind, ids, withRetracted = false }: Meant): AlertPlan {
  const left = { retracted: [] as bigint[], untold: [] as string[], incomplete: [] as string[] }
  const units = candidates.flatMap((it): PlannedUnit[] => {
    if (!it.told) return (left.untold.push(it.unit), [])
    if (ids === undefined && it.sources.length < it.committed) return (left.incomplete.push(it.unit), [])
    const withdrawn = new Set(kind === 'resend' && withRetracted ? [] : it.withdrawn)
    left.retracted.push(...withdrawn)
    const sources = it.sources.filter(source => !withdrawn.has(source))
    if (sources.length === 0) return []
    const { unit, attempt, digest, earlier } = it
    const bytes = it.bytes === null ? null : Math.round((Number(it.bytes) * sources.length) / it.committed)
    return [{ unit, attempt, sources, bytes, isProven: digest !== null, earlier: earlier.length }]
  })
  const found = new Set(candidates.flatMap(({ sources }) => sources))
  const unknown = [...new Set(ids ?? [])].filter(id => !found.has(id))
  return { id: idOf(kind, units, candidates), kind, units, left: { ...left, unknown } }
}

/** Twelve digits of a digest over all that is to be done, and over what was done of its kind before: so the next order is another one. */
function idOf(kind: OrderKind, units: readonly PlannedUnit[], candidates: readonly Candidate[]): string {
  const earlier = new Map(candidates.map(it => [it.unit, it.earlier]))
  const hash = createHash('sha256').update(kind)
  for (const { unit, attempt, sources } of units)
    hash.update(JSON.stringify([unit, String(attempt), sources.map(String), earlier.get(unit)]))
  return hash.digest('hex').slice(0, 12)
}
