import type { Plane } from './fits.ts'
import { clipped, median } from './statistics.ts'

export interface Background {
  readonly plane: Float32Array
  /** Median over the mesh of the level and of the noise of one pixel. */
  readonly level: number
  readonly sigma: number
}

/**
 * The smooth background on a mesh (Bertin & Arnouts 1996): in each cell the mode 2.5·median − 1.5·mean of the clipped pixels, or the
 * median where a source skews them; a 3 × 3 median over the mesh; bilinear between cell centres. Pixels where `skip` is not 0 do not count.
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
      for (let y = Math.floor((j * height) / ny); y < Math.floor(((j + 1) * height) / ny); y++)
        for (let x = Math.floor((i * width) / nx); x < Math.floor(((i + 1) * width) / nx); x++)
          if (skip[y * width + x] === 0) values[n++] = data[y * width + x]!
      const { mean, median: middle, sigma } = clipped(values.subarray(0, n))
      const mode = Math.abs(mean - middle) < 0.3 * sigma ? 2.5 * middle - 1.5 * mean : middle
      levels[j * nx + i] = estimate === 'mode' ? mode : mean
      if (Number.isFinite(sigma)) sigmas.push(sigma)
    }
  const mesh = smoothed(levels, nx, ny)
  return { plane: spread(mesh, nx, ny, width, height), level: median(mesh), sigma: median(sigmas) }
}

/** 3 × 3 median of the finite neighbours: one bad cell leaves no trace, an empty one is filled. */
function smoothed(levels: Float64Array, nx: number, ny: number): Float64Array {
  const overall = median(levels.filter(Number.isFinite))
  return levels.map((_, index) => {
    const [x, y] = [index % nx, Math.floor(index / nx)]
    const around: number[] = []
    for (let v = Math.max(0, y - 1); v <= Math.min(ny - 1, y + 1); v++)
      for (let u = Math.max(0, x - 1); u <= Math.min(nx - 1, x + 1); u++) around.push(levels[v * nx + u]!)
    const finite = around.filter(Number.isFinite)
    return finite.length > 0 ? median(finite) : overall
  })
}

function spread(mesh: Float64Array, nx: number, ny: number, width: number, height: number): Float32Array {
  const plane = new Float32Array(width * height)
  for (let y = 0; y < height; y++) {
    const v = Math.min(ny - 1, Math.max(0, ((y + 0.5) * ny) / height - 0.5))
    const row = Math.min(ny - 1, Math.floor(v))
    const above = Math.min(ny - 1, row + 1)
    for (let x = 0; x < width; x++) {
      const u = Math.min(nx - 1, Math.max(0, ((x + 0.5) * nx) / width - 0.5))
      const column = Math.floor(u)
      const right = Math.min(nx - 1, column + 1)
      const low = mesh[row * nx + column]! * (column + 1 - u) + mesh[row * nx + right]! * (u - column)
      const high = mesh[above * nx + column]! * (column + 1 - u) + mesh[above * nx + right]! * (u - column)
      plane[y * width + x] = low * (row + 1 - v) + high * (v - row)
    }
  }
  return plane
}
