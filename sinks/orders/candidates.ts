import { parseDiaSourceId } from '../../topology/identifiers.ts'
import { isMadeFrom, monthOf } from '../postgres/months.ts'
import { listMonths } from '../postgres/partitions.ts'
import type { Pool } from '../postgres/pool.ts'

/** Which alerts an operator means: those of a unit, of a visit by its id or its group, of a night by its units' deadlines (ms UTC), or these. */
export type Selection =
  | { readonly unit: string }
  | { readonly visit: bigint }
  | { readonly group: string }
  | { readonly night: readonly [from: number, to: number] }
  | { readonly ids: readonly bigint[] }

export type OrderKind = 'resend' | 'retract'

/** A committed unit, with those of its sources that are meant. */
export interface Candidate {
  readonly unit: string
  readonly attempt: bigint
  /** Whether its alerts are out. */
  readonly told: boolean
  /** How many sources it committed. */
  readonly committed: number
  /** Of all its alerts, as they were sent; null where that was not kept. */
  readonly bytes: bigint | null
  readonly digest: string | null
  /** In ascending order. */
  readonly sources: readonly bigint[]
  /** Those of them that are withdrawn. */
  readonly withdrawn: readonly bigint[]
  /** Orders of the same kind that this unit has had, those included that were refused for it, by their ids. */
  readonly earlier: readonly string[]
}

function conditionOf(selection: Selection): { readonly where: string; readonly value: unknown } {
  if ('unit' in selection) return { where: 'o.unit = $1', value: selection.unit }
  if ('visit' in selection) return { where: 'o.visit = $1', value: selection.visit }
  if ('group' in selection) return { where: 'o.group_id = $1', value: selection.group }
  if ('ids' in selection) return { where: 's."diaSourceId" = any($1::bigint[])', value: selection.ids }
  const [from, to] = selection.night.map(instant => new Date(instant).toISOString())
  return { where: 'o.deadline >= ($1::timestamptz[])[1] and o.deadline < ($1::timestamptz[])[2]', value: [from, to] }
}

/** How many sources the selected units committed, before any of them is read. */
export async function countSelected(pool: Pool, selection: Selection): Promise<number> {
  if ('ids' in selection) return selection.ids.length
  const { where, value } = conditionOf(selection)
  const { rows } = await pool.query<{ count: number }>(
    `select coalesce(sum(o.dia_sources), 0)::int as count from outbox o where o.terminal = 'published' and ${where}`,
    [value],
  )
  return rows[0]!.count
}

/** The units of the selection that committed sources, in the order of their keys, with those that the APDB still has. */
export async function readCandidates(pool: Pool, selection: Selection, kind: OrderKind): Promise<Candidate[]> {
  const { where, value } = conditionOf(selection)
  const { rows } = await pool.query<Candidate>(
    `select o.unit, o.attempt, o.state = 'sent' as told, o.dia_sources as committed, o.alert_bytes as bytes,
       o.alerts_digest as digest, coalesce(array_agg(s."diaSourceId" order by s."diaSourceId")
         filter (where s."diaSourceId" is not null), '{}') as sources,
       coalesce(array_agg(s."diaSourceId" order by s."diaSourceId")
         filter (where s."timeWithdrawnMjdTai" is not null), '{}') as withdrawn,
       array(select it.order_id from alert_order_unit it join alert_order a on a.id = it.order_id
         where it.unit = o.unit and it.attempt = o.attempt and a.kind = $2 order by 1) as earlier
     from outbox o left join dia_source_provenance p on p.unit = o.unit and p.attempt = o.attempt
       left join "DiaSource" s on s."diaSourceId" = p.dia_source_id
     where o.terminal = 'published' and o.dia_sources > 0 and ${where}
     group by o.unit, o.attempt order by o.unit, o.attempt`,
    [value, kind],
  )
  return rows
}

/**
 * Months, like 2025-02, that are detached from the APDB and that an order of this kind needs: to withdraw sources, the months of those; to pack
 * alerts, also those of their history.
 */
export async function monthsAway(pool: Pool, selection: Selection, kind: OrderKind): Promise<string[]> {
  const away = (await listMonths(pool)).flatMap(({ month, state }) => (state === 'attached' ? [] : [month]))
  if (away.length === 0) return []
  const visits = await visitsOf(pool, selection)
  const isNeeded =
    (month: string) =>
    ({ visit, committed }: VisitCommitted) =>
      kind === 'retract' ? month === monthOf(visit) : isMadeFrom(month, visit, committed)
  return away.filter(month => visits.some(isNeeded(month)))
}

interface VisitCommitted {
  readonly visit: bigint
  /** The last commit of it, MJD TAI. */
  readonly committed: number
}

/** Visits of the selection that have sources. Of single ids by what they say themselves: their rows may be those that are away. */
async function visitsOf(pool: Pool, selection: Selection): Promise<VisitCommitted[]> {
  const { where, value } =
    'ids' in selection
      ? { where: 'o.visit = any($1)', value: [...new Set(selection.ids.flatMap(visitOfId))] }
      : conditionOf(selection)
  const { rows } = await pool.query<VisitCommitted>(
    `select o.visit, max(o.committed_at_mjd_tai) as committed from outbox o
     where o.terminal = 'published' and o.dia_sources > 0 and ${where} group by o.visit`,
    [value],
  )
  return rows
}

/** None for a number that is no id. */
function visitOfId(id: bigint): bigint[] {
  try {
    return [parseDiaSourceId(id).visit]
  } catch {
    return []
  }
}
