import type { Detection } from './detect.ts'
import { MASK, type MaskedImage } from './image.ts'

/** min(2 · longer side of the footprint, 2 · farthest distance from the centroid to its edge), as ap_association has it. */
export function boxSize({ footprint: f }: Detection, { x, y }: { x: number; y: number }): number {
  const side = Math.max(f.x1 - f.x0 + 1, f.y1 - f.y0 + 1)
  const reach = Math.max(x - f.x0 + 0.5, f.x1 + 0.5 - x, y - f.y0 + 0.5, f.y1 + 0.5 - y)
  return Math.max(1, Math.min(2 * side, Math.ceil(2 * reach)))
}

/** The record's pixel flags of the footprint and of the 3 × 3 around the centroid, and whether either holds any masked pixel. */
export function pixelFlags(
  { width, height, mask }: MaskedImage,
  { footprint: f }: Detection,
  { x, y }: { x: number; y: number },
) {
  const bits = (x0: number, x1: number, y0: number, y1: number) => {
    let all = 0
    for (let v = Math.max(0, y0); v <= Math.min(height - 1, y1); v++)
      for (let u = Math.max(0, x0); u <= Math.min(width - 1, x1); u++) all |= mask[v * width + u]!
    return all
  }
  const [cx, cy] = [Math.round(x), Math.round(y)]
  const [around, inside] = [bits(cx - 1, cx + 1, cy - 1, cy + 1), bits(f.x0, f.x1, f.y0, f.y1)]
  const edge = f.x0 === 0 || f.y0 === 0 || f.x1 === width - 1 || f.y1 === height - 1
  const has = (all: number, bit: number) => (all & bit) !== 0
  const record = {
    pixelFlags: false,
    pixelFlags_bad: has(inside, MASK.bad),
    pixelFlags_cr: has(inside, MASK.cosmicRay),
    pixelFlags_crCenter: has(around, MASK.cosmicRay),
    pixelFlags_edge: edge,
    pixelFlags_nodata: has(inside, MASK.noData),
    pixelFlags_nodataCenter: has(around, MASK.noData),
    pixelFlags_interpolated: false,
    pixelFlags_interpolatedCenter: false,
    pixelFlags_offimage: cx < 0 || cy < 0 || cx >= width || cy >= height,
    pixelFlags_saturated: has(inside, MASK.saturated),
    pixelFlags_saturatedCenter: has(around, MASK.saturated),
    pixelFlags_suspect: false,
    pixelFlags_suspectCenter: false,
    pixelFlags_streak: false,
    pixelFlags_streakCenter: false,
    pixelFlags_injected: false,
    pixelFlags_injectedCenter: false,
    pixelFlags_injected_template: false,
    pixelFlags_injected_templateCenter: false,
  }
  return { record, center: around !== 0, footprint: edge || inside !== 0 }
}
