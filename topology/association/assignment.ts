/** Row and column may be paired, at this cost: a whole number, so that sums are exact and what is equal stays equal. */
export interface Edge {
  readonly row: number
  readonly column: number
  readonly cost: number
}

/**
 * The assignment of least total cost: the column of each row, or −1. Each column serves one row at most, and a row without a column costs
 * `unassigned`. Example: A–P costs 2, A–Q 4, B–P 3, and going without 10. Taking the cheapest pair first leaves B alone (2 + 10); the
 * least total is A–Q and B–P (4 + 3).
 *
 * Shortest augmenting paths (Jonker & Volgenant 1987) on the pairs that exist: row after row, by the cheapest chain of re-assignments that
 * ends at a free column or with one row of the chain going without. No path leaves the connected component of its row, and most end at
 * once. Among equal totals the result depends on the numbering alone: of two rows that are alike the lower one is served.
 *
 * @param rows how many there are, numbered from 0; as are the columns
 */
export function assign(rows: number, edges: readonly Edge[], unassigned: number): Int32Array {
  const state = new Assignment(rows, edges, unassigned)
  for (let row = 0; row < rows; row++) state.place(row)
  return state.columnOf
}

/** What is assigned so far, and the prices (dual variables) that prove it cheapest: no pair costs less than its row and column pay. */
class Assignment {
  readonly columnOf: Int32Array
  readonly #rowOf = new Map<number, number>()
  readonly #edges: readonly (readonly Edge[])[]
  readonly #unassigned: number
  readonly #rowPrice: Float64Array
  readonly #columnPrice = new Map<number, number>()

  constructor(rows: number, edges: readonly Edge[], unassigned: number) {
    const ofRow: Edge[][] = Array.from({ length: rows }, () => [])
    for (const edge of edges) ofRow[edge.row]!.push(edge)
    this.#edges = ofRow
    this.#unassigned = unassigned
    this.columnOf = new Int32Array(rows).fill(-1)
    this.#rowPrice = Float64Array.from(ofRow, own => own.reduce((least, { cost }) => Math.min(least, cost), unassigned))
  }

  /** Gives the row a column, or leaves one of those that then compete without. */
  place(row: number): void {
    const { length, end, without, reached } = this.#shortestPath(row)
    for (const [settled, distance] of reached.rows) this.#rowPrice[settled]! += length - distance
    for (const [settled, distance] of reached.columns)
      this.#columnPrice.set(settled, (this.#columnPrice.get(settled) ?? 0) - (length - distance))
    let column = end
    if (column < 0) {
      column = this.columnOf[without]!
      this.columnOf[without] = -1
    }
    // Back along the path: each row takes the column that it led to, and frees the one by which it was reached.
    while (column >= 0) {
      const taker = reached.by.get(column)!
      const freed = this.columnOf[taker]!
      this.columnOf[taker] = column
      this.#rowOf.set(column, taker)
      column = freed
    }
  }

  /** Dijkstra from a row over reduced costs, which the prices keep from being negative. */
  #shortestPath(start: number) {
    const rows = new Map<number, number>()
    const columns = new Map<number, number>()
    const best = new Map<number, number>()
    const by = new Map<number, number>()
    const queue = new Queue()
    let [going, without] = [Infinity, start]
    const reach = (row: number, distance: number) => {
      rows.set(row, distance)
      const base = distance - this.#rowPrice[row]!
      if (base + this.#unassigned < going) [going, without] = [base + this.#unassigned, row]
      for (const { column, cost } of this.#edges[row]!) {
        const through = base + cost - (this.#columnPrice.get(column) ?? 0)
        if (through >= (best.get(column) ?? Infinity)) continue
        best.set(column, through)
        by.set(column, row)
        queue.add({ distance: through, column })
      }
    }
    reach(start, 0)
    const reached = { rows, columns, by }
    for (let next = queue.take(); next !== undefined && next.distance <= going; next = queue.take()) {
      const { distance, column } = next
      if (distance > best.get(column)! || columns.has(column)) continue
      const row = this.#rowOf.get(column)
      if (row === undefined) return { length: distance, end: column, without, reached }
      columns.set(column, distance)
      reach(row, distance)
    }
    return { length: going, end: -1, without, reached }
  }
}

interface Reached {
  readonly distance: number
  readonly column: number
}

/** A binary heap: nearest first, then the lower column. */
class Queue {
  readonly #items: Reached[] = []

  add(item: Reached): void {
    const items = this.#items
    let i = items.push(item) - 1
    for (let up = (i - 1) >> 1; i > 0 && isBefore(item, items[up]!); i = up, up = (i - 1) >> 1) items[i] = items[up]!
    items[i] = item
  }

  take(): Reached | undefined {
    const items = this.#items
    const [first] = items
    const last = items.pop()
    if (last === undefined || items.length === 0) return first
    let i = 0
    for (;;) {
      let down = 2 * i + 1
      if (down + 1 < items.length && isBefore(items[down + 1]!, items[down]!)) down++
      if (down >= items.length || !isBefore(items[down]!, last)) break
      items[i] = items[down]!
      i = down
    }
    items[i] = last
    return first
  }
}

const isBefore = (a: Reached, b: Reached): boolean =>
  a.distance < b.distance || (a.distance === b.distance && a.column < b.column)
