import type { Plane } from './fits.ts'

/** The box of the pixels above the threshold that belong to one peak; ends inside. */
export interface Footprint {
  readonly x0: number
  readonly x1: number
  readonly y0: number
  readonly y1: number
  /** Number of pixels. */
  readonly area: number
}

export interface Detection {
  /** The peak's pixel. */
  readonly x: number
  readonly y: number
  /** Signed significance at the peak. */
  readonly score: number
  readonly footprint: Footprint
}

/**
 * Peaks of either sign with |score| ≥ threshold. Pixels are taken from the highest down and joined to the region of their highest
 * neighbour (8-connected). Where two regions of one sign meet, the lower peak survives only if it rises above the saddle by
 * 3 + a tenth of itself; else its region is absorbed (union-find). So a footprint with two stars gives two peaks, and noise on the flank of one none.
 * The order is that of falling |score|, ties by pixel: the same image always gives the same list.
 */
export function findPeaks({ width, height, data }: Plane, threshold: number): Detection[] {
  const above: number[] = []
  for (let i = 0; i < data.length; i++) if (Math.abs(data[i]!) >= threshold) above.push(i)
  above.sort((a, b) => Math.abs(data[b]!) - Math.abs(data[a]!) || a - b)
  const region = new Int32Array(width * height).fill(-1)
  const peaks: number[] = []
  const parent: number[] = []
  const others: number[] = []
  const root = (r: number): number => {
    while (parent[r] !== r) r = parent[r] = parent[parent[r]!]!
    return r
  }
  for (const pixel of above) {
    const positive = data[pixel]! > 0
    const level = Math.abs(data[pixel]!)
    let best = -1
    others.length = 0
    const x = pixel % width
    const y = (pixel - x) / width
    for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++)
      for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
        // The pixel itself has no region yet.
        const neighbour = v * width + u
        if (region[neighbour]! < 0 || data[neighbour]! > 0 !== positive) continue
        others.push(root(region[neighbour]!))
        if (best < 0 || Math.abs(data[neighbour]!) > Math.abs(data[best]!)) best = neighbour
      }
    if (best < 0) {
      region[pixel] = peaks.length
      parent.push(peaks.length)
      peaks.push(pixel)
      continue
    }
    region[pixel] = region[best]!
    for (const other of others) {
      // Regions are numbered by falling peak, so the smaller number is the higher peak.
      const a = root(region[pixel])
      const b = root(other)
      const high = Math.min(a, b)
      const low = Math.max(a, b)
      const peak = Math.abs(data[peaks[low]!]!)
      if (high !== low && peak - level < 3 + 0.1 * peak) parent[low] = high
    }
  }
  return describe(above, region, root, peaks, width, data)
}

function describe(
  above: readonly number[],
  region: Int32Array,
  root: (r: number) => number,
  peaks: readonly number[],
  width: number,
  data: Float32Array,
): Detection[] {
  const boxes = new Map<number, { x0: number; x1: number; y0: number; y1: number; area: number }>()
  for (const pixel of above) {
    const r = root(region[pixel]!)
    const x = pixel % width
    const y = (pixel - x) / width
    const box = boxes.get(r)
    if (!box) boxes.set(r, { x0: x, x1: x, y0: y, y1: y, area: 1 })
    else {
      box.x0 = Math.min(box.x0, x)
      box.x1 = Math.max(box.x1, x)
      box.y0 = Math.min(box.y0, y)
      box.y1 = Math.max(box.y1, y)
      box.area++
    }
  }
  return [...boxes]
    .sort(([a], [b]) => a - b)
    .map(([r, footprint]) => {
      const peak = peaks[r]!
      return { x: peak % width, y: Math.floor(peak / width), score: data[peak]!, footprint }
    })
}
