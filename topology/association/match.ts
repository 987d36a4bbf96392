import { assign } from './assignment.ts'
import { candidates, type Place } from './candidates.ts'

/**
 * Which source belongs to which object: source id → object id. Each source takes at most one object and each object at most one source, so
 * that the whole costs least (`candidates`, `assign`); a source stays alone only if it loses the contest for every object within 1″. The order
 * of the input is of no matter: what is alike goes by the lower ids.
 *
 * @param sources by id; positions in degrees, finite
 * @param objects by id; may lie anywhere
 */
export function match(sources: ReadonlyMap<bigint, Place>, objects: ReadonlyMap<bigint, Place>): Map<bigint, bigint> {
  const sourceIds = [...sources.keys()].sort(ascending)
  const objectIds = [...objects.keys()]
  const { pairs, alone } = candidates(
    sourceIds.map(id => sources.get(id)!),
    [...objects.values()],
  )
  // Only those that somebody wants are put in order.
  const wanted = [...new Set(pairs.map(pair => pair.column))].sort((a, b) => ascending(objectIds[a]!, objectIds[b]!))
  const rank = new Map(wanted.map((column, i) => [column, i]))
  const edges = pairs
    .map(pair => ({ ...pair, column: rank.get(pair.column)! }))
    .sort((a, b) => a.row - b.row || a.column - b.column)
  const matched = new Map<bigint, bigint>()
  assign(sourceIds.length, edges, alone).forEach((column, row) => {
    if (column >= 0) matched.set(sourceIds[row]!, objectIds[wanted[column]!]!)
  })
  return matched
}

const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)
