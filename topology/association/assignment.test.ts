import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assign, type Edge } from './assignment.ts'

/** Every assignment there is, tried. */
function leastTotal(rows: number, edges: readonly Edge[], unassigned: number): number {
  const from = (row: number, taken: ReadonlySet<number>): number => {
    if (row === rows) return 0
    const choices = edges
      .filter(edge => edge.row === row && !taken.has(edge.column))
      .map(edge => edge.cost + from(row + 1, new Set([...taken, edge.column])))
    return Math.min(unassigned + from(row + 1, taken), ...choices)
  }
  return from(0, new Set())
}

/** What an assignment costs; fails where it pairs what may not be paired, or a column twice. */
function totalOf(columns: Int32Array, edges: readonly Edge[], unassigned: number): number {
  const used = [...columns].filter(column => column >= 0)
  expect(new Set(used).size).toBe(used.length)
  return [...columns].reduce((total, column, row) => {
    if (column < 0) return total + unassigned
    return total + edges.find(edge => edge.row === row && edge.column === column)!.cost
  }, 0)
}

/** Sparse or dense; small costs make ties, and negative ones are as good as any. */
const problem = (most: number, span: number) =>
  fc
    .tuple(fc.integer({ min: 0, max: most }), fc.integer({ min: 1, max: most }), fc.integer({ min: 1, max: 10 }))
    .chain(([rows, columns, density]) =>
      fc.record({
        rows: fc.constant(rows),
        unassigned: fc.integer({ min: -span, max: 2 * span }),
        edges: fc
          .tuple(
            ...Array.from({ length: rows * columns }, (_, i) =>
              fc.record({
                row: fc.constant(Math.floor(i / columns)),
                column: fc.constant(i % columns),
                cost: fc.integer({ min: -span, max: span }),
                there: fc.integer({ min: 1, max: 10 }).map(n => n <= density),
              }),
            ),
          )
          .map(all => all.filter(edge => edge.there)),
      }),
    )

describe('the assignment', () => {
  it('is the example of its description', () => {
    const edges = [
      { row: 0, column: 0, cost: 2 },
      { row: 0, column: 1, cost: 4 },
      { row: 1, column: 0, cost: 3 },
    ]
    expect([...assign(2, edges, 10)]).toEqual([1, 0])
    // Dear enough, the chain costs more than to go without.
    expect([...assign(2, edges, 4)]).toEqual([0, -1])
  })

  it.each([
    ['costs of any size', 1e9],
    ['many ties', 3],
  ])('costs the least of all assignments, up to 6 × 6, with %s', (_, span) => {
    fc.assert(
      fc.property(problem(6, span), ({ rows, edges, unassigned }) => {
        expect(totalOf(assign(rows, edges, unassigned), edges, unassigned)).toBe(leastTotal(rows, edges, unassigned))
      }),
      { numRuns: 500 },
    )
  })

  it('serves the lower of two rows that are alike, from the lower column, and rather than not', () => {
    const pair = (row: number, column: number) => ({ row, column, cost: 5 })
    expect([...assign(2, [pair(0, 0), pair(1, 0)], 6)]).toEqual([0, -1])
    expect([...assign(1, [pair(0, 0), pair(0, 1)], 6)]).toEqual([0])
    expect([...assign(1, [pair(0, 0)], 5)]).toEqual([0])
    expect([...assign(3, [pair(0, 1), pair(1, 1), pair(2, 0), pair(2, 1)], 6)]).toEqual([1, -1, 0])
  })

  it('holds a row on the one column that is left, however long the chain: 2,000 in one component', () => {
    const n = 2000
    // Each row can stay with its own column for less than move to the next; the last row has only the first column.
    const chain = Array.from({ length: n - 1 }, (_, i) => [
      { row: i, column: i, cost: 1 },
      { row: i, column: i + 1, cost: 2 },
    ]).flat()
    const edges = [...chain, { row: n - 1, column: 0, cost: 1 }]
    const moved = assign(n, edges, 3 * n)
    expect([...moved]).toEqual([...Array.from({ length: n - 1 }, (_, i) => i + 1), 0])
    expect([...assign(n, edges, 3)]).toEqual([...Array.from({ length: n - 1 }, (_, i) => i), -1])
  })
})
