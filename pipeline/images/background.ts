import type { Plane } from './fits.ts'
import { solveSymmetric } from './linear.ts'
import { clipped, median } from './statistics.ts'

export interface Background {
  readonly plane: Float32Array
  /** Median over the mesh of the level and of the noise of one pixel. */
  readonly level: number
  readonly sigma: number
}

/**
 * The smooth background on a mesh (Bertin & Arnouts 1996): in each cell the mode 2.5·median − 1.5·mean of the clipped pixels, or the
 * median where a source skews them; over the mesh a quadratic surface, plus what a 3 × 3 median
 * leaves of the rest, bilinear between cell centres. Pixels where `skip` is not 0 do not count.
 * Where no sources are left the clipped mean is the better estimate: its noise is half that of the mode.
 */
export function backgroundOf(
  { width, height, data }: Plane,
  skip: Uint8Array,
  estimate: 'mode' | 'mean' = 'mode',
  cell = 64,
): Background {
  const nx = Math.max(1, Math.round(width / cell))
  const ny = Math.max(1, Math.round(height / cell))
  const levels = new Float64Array(nx * ny)
  const sigmas: number[] = []
  const values = new Float32Array((Math.ceil(width / nx) + 1) * (Math.ceil(height / ny) + 1))
  for (let j = 0; j < ny; j++)
    for (let i = 0; i < nx; i++) {
      let n = 0
      const [x0, x1] = [Math.floor((i * width) / nx), Math.floor(((i + 1) * width) / nx)]
      const [y0, y1] = [Math.floor((j * height) / ny), Math.floor(((j + 1) * height) / ny)]
      for (let y = y0; y < y1; y++)
        for (let k = y * width + x0, end = y * width + x1; k < end; k++) if (skip[k] === 0) values[n++] = data[k]!
      const { mean, median: middle, sigma } = clipped(values.subarray(0, n))
      const mode = Math.abs(mean - middle) < 0.3 * sigma ? 2.5 * middle - 1.5 * mean : middle
      levels[j * nx + i] = estimate === 'mode' ? mode : mean
      if (Number.isFinite(sigma)) sigmas.push(sigma)
    }
  const surface = fitSurface(levels, nx, ny)
  const plane = spread(smoothed(restOf(levels, surface, nx, ny), nx, ny), nx, ny, width, height)
  addSurface(plane, width, height, surface)
  return { plane, level: median(levels.filter(Number.isFinite)), sigma: median(sigmas) }
}

/** Coefficients of 1, u, v, u², uv, v², with u and v from −1 to 1 over the chip. */
type Surface = readonly [number, number, number, number, number, number]

const heightOf = ([c, cu, cv, cuu, cuv, cvv]: Surface, u: number, v: number) =>
  c + u * (cu + cuu * u + cuv * v) + v * (cv + cvv * v)

/** What a surface leaves of the mesh. */
function restOf(levels: Float64Array, surface: Surface, nx: number, ny: number): Float64Array {
  const rest = new Float64Array(levels.length)
  for (let k = 0; k < rest.length; k++) {
    const [u, v] = nodeAt(k, nx, ny)
    rest[k] = levels[k]! - heightOf(surface, u, v)
  }
  return rest
}

/** `heightOf` at every pixel; along a row it is a parabola in u. */
function addSurface(plane: Float32Array, width: number, height: number, surface: Surface): void {
  const [c, cu, cv, cuu, cuv, cvv] = surface
  for (let y = 0, k = 0; y < height; y++) {
    const v = (2 * (y + 0.5)) / height - 1
    const [constant, slope] = [c + v * (cv + cvv * v), cu + cuv * v]
    for (let x = 0; x < width; x++, k++) {
      const u = (2 * (x + 0.5)) / width - 1
      plane[k]! += constant + u * (slope + cuu * u)
    }
  }
}

/** u and v of a cell's centre. */
const nodeAt = (k: number, nx: number, ny: number): [number, number] => [
  (2 * ((k % nx) + 0.5)) / nx - 1,
  (2 * (Math.floor(k / nx) + 0.5)) / ny - 1,
]

/**
 * A quadratic surface through the mesh (twice, the second time without the cells that stand out). It carries gradients to the edges, where a mesh alone
 * ends flat half a cell too early: with a slope of 60 electrons over 512 px that step was 4 electrons, a sixth of the noise.
 */
function fitSurface(levels: Float64Array, nx: number, ny: number): Surface {
  const middle = median(levels.filter(Number.isFinite))
  let surface: Surface = [Number.isFinite(middle) ? middle : 0, 0, 0, 0, 0, 0]
  if (nx < 4 || ny < 4) return surface
  for (let round = 0; round < 2; round++) {
    const rest = restOf(levels, surface, nx, ny).map(Math.abs)
    const limit = round === 0 ? Infinity : 4 * 1.4826 * median(rest.filter(Number.isFinite))
    const [matrix, right] = [new Float64Array(36), new Float64Array(6)]
    for (let k = 0; k < levels.length; k++) {
      if (!(rest[k]! <= limit)) continue
      const [u, v] = nodeAt(k, nx, ny)
      const terms = [1, u, v, u * u, u * v, v * v]
      for (let i = 0; i < 6; i++) {
        right[i]! += terms[i]! * levels[k]!
        for (let j = 0; j < 6; j++) matrix[i * 6 + j]! += terms[i]! * terms[j]!
      }
    }
    const fit = solveSymmetric(matrix, right, 1e-9)
    if (!fit) return surface
    surface = [...fit] as unknown as Surface
  }
  return surface
}

/** 3 × 3 median of the finite neighbours: one bad cell leaves no trace, an empty one is filled. */
function smoothed(levels: Float64Array, nx: number, ny: number): Float64Array {
  const overall = median(levels.filter(Number.isFinite))
  const out = new Float64Array(levels.length)
  for (let y = 0, k = 0; y < ny; y++)
    for (let x = 0; x < nx; x++, k++) {
      const finite = around(levels, nx, ny, x, y).filter(Number.isFinite)
      out[k] = finite.length > 0 ? median(finite) : overall
    }
  return out
}

function around(levels: Float64Array, nx: number, ny: number, x: number, y: number): number[] {
  const near: number[] = []
  for (let v = Math.max(0, y - 1); v <= Math.min(ny - 1, y + 1); v++)
    for (let u = Math.max(0, x - 1); u <= Math.min(nx - 1, x + 1); u++) near.push(levels[v * nx + u]!)
  return near
}

/** Bilinear between cell centres: each row of the image first between two rows of the mesh, then along itself. */
function spread(mesh: Float64Array, nx: number, ny: number, width: number, height: number): Float32Array {
  const plane = new Float32Array(width * height)
  const [before, share] = [new Int32Array(width), new Float64Array(width)]
  for (let x = 0; x < width; x++) ({ node: before[x], share: share[x] } = nodeBefore(x, nx, width))
  // One more at the end, which the last column reads with a share of 0.
  const line = new Float64Array(nx + 1)
  for (let y = 0, k = 0; y < height; y++) {
    const { node: row, share: up } = nodeBefore(y, ny, height)
    const above = Math.min(ny - 1, row + 1)
    for (let i = 0; i < nx; i++) line[i] = mesh[row * nx + i]! * (1 - up) + mesh[above * nx + i]! * up
    for (let x = 0; x < width; x++, k++) {
      const left = before[x]!
      plane[k] = line[left]! * (1 - share[x]!) + line[left + 1]! * share[x]!
    }
  }
  return plane
}

/** The node at or before a pixel, and how far the pixel lies on the way to the next. */
function nodeBefore(pixel: number, nodes: number, pixels: number): { node: number; share: number } {
  const place = Math.min(nodes - 1, Math.max(0, ((pixel + 0.5) * nodes) / pixels - 0.5))
  return { node: Math.floor(place), share: place - Math.floor(place) }
}
