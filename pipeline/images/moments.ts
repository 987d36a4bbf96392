import type { Plane } from './fits.ts'

/** Centroid (pixels) and second moments (pixels²) under a matched elliptical Gaussian. */
export interface Moments {
  readonly x: number
  readonly y: number
  readonly ixx: number
  readonly iyy: number
  readonly ixy: number
}

/**
 * Adaptive moments (Bernstein & Jarvis 2002): the Gaussian weight is given the shape of what it measures until both agree, so that
 * a Gaussian source yields its own moments. `sign` −1 measures a negative source. undefined when it wanders, collapses or runs off.
 */
export function adaptiveMoments(
  plane: Plane,
  x: number,
  y: number,
  sigma: number,
  sign: 1 | -1 = 1,
): Moments | undefined {
  let now: Moments = { x, y, ixx: sigma * sigma, iyy: sigma * sigma, ixy: 0 }
  for (let round = 0; round < 30; round++) {
    const next = weighted(plane, now, sign)
    if (!next) return undefined
    const size = next.ixx + next.iyy
    const lost = Math.hypot(next.x - x, next.y - y) > 2 * sigma || size < 0.4 || size > 40 * sigma * sigma
    if (lost || next.ixx * next.iyy <= next.ixy ** 2) return undefined
    const change = Math.abs(next.ixx - now.ixx) + Math.abs(next.iyy - now.iyy) + Math.abs(next.ixy - now.ixy)
    const done = change < 1e-3 * size && Math.hypot(next.x - now.x, next.y - now.y) < 1e-3
    now = next
    if (done) return now
  }
  return undefined
}

/** One round; twice the weighted moments are those of the source itself when source and weight are the same Gaussian. */
function weighted({ width, height, data }: Plane, now: Moments, sign: 1 | -1): Moments | undefined {
  const determinant = now.ixx * now.iyy - now.ixy ** 2
  const [a, b, c] = [now.iyy / determinant, -now.ixy / determinant, now.ixx / determinant]
  const reach = Math.ceil(4 * Math.sqrt(Math.max(now.ixx, now.iyy)))
  const [cx, cy] = [Math.round(now.x), Math.round(now.y)]
  if (cx - reach < 0 || cy - reach < 0 || cx + reach >= width || cy + reach >= height) return undefined
  let [sum, sx, sy, sxx, syy, sxy] = [0, 0, 0, 0, 0, 0]
  for (let v = cy - reach; v <= cy + reach; v++)
    for (let u = cx - reach; u <= cx + reach; u++) {
      const dx = u - now.x
      const dy = v - now.y
      const w = sign * data[v * width + u]! * Math.exp(-0.5 * (a * dx * dx + 2 * b * dx * dy + c * dy * dy))
      sum += w
      sx += w * dx
      sy += w * dy
      sxx += w * dx * dx
      syy += w * dy * dy
      sxy += w * dx * dy
    }
  if (!(sum > 0)) return undefined
  return {
    x: now.x + (2 * sx) / sum,
    y: now.y + (2 * sy) / sum,
    ixx: (2 * sxx) / sum,
    iyy: (2 * syy) / sum,
    ixy: (2 * sxy) / sum,
  }
}
