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
  const above = pixelsAbove(data, threshold)
  const region = new Int32Array(width * height).fill(-1)
  const peaks: number[] = []
  const parent: number[] = []
  const others: number[] = []
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
        others.push(rootOf(region[neighbour]!, parent))
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
      const a = rootOf(region[pixel], parent)
      const b = rootOf(other, parent)
      const high = Math.min(a, b)
      const low = Math.max(a, b)
      const peak = Math.abs(data[peaks[low]!]!)
      if (high !== low && peak - level < 3 + 0.1 * peak) parent[low] = high
    }
  }
  return describe(above, region, parent, peaks, width, data)
}

/**
 * The pixels with |value| ≥ threshold, by falling |value|, ties by pixel. As integers, positive floats stand in their order: turned round, and with the pixel
 * in the lower half, they are one key each, and need no function to compare them.
 */
function pixelsAbove(data: Float32Array, threshold: number): Uint32Array {
  let n = 0
  for (let i = 0; i < data.length; i++) if (Math.abs(data[i]!) >= threshold) n++
  const keys = new BigUint64Array(n)
  const halves = new Uint32Array(keys.buffer)
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length)
  for (let i = 0, k = 0; i < data.length; i++) {
    if (!(Math.abs(data[i]!) >= threshold)) continue
    halves[k++] = i
    halves[k++] = ~bits[i]! & 0x7fffffff
  }
  keys.sort()
  const pixels = new Uint32Array(n)
  for (let k = 0; k < n; k++) pixels[k] = halves[2 * k]!
  return pixels
}

/** The region that has absorbed this one, or itself; the way there is halved for the next who asks. */
function rootOf(region: number, parent: number[]): number {
  while (parent[region] !== region) region = parent[region] = parent[parent[region]!]!
  return region
}

function describe(
  above: Uint32Array,
  region: Int32Array,
  parent: number[],
  peaks: readonly number[],
  width: number,
  data: Float32Array,
): Detection[] {
  const boxes = new Map<number, { x0: number; x1: number; y0: number; y1: number; area: number }>()
  for (const pixel of above) {
    const r = rootOf(region[pixel]!, parent)
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
